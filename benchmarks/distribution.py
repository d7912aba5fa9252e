"""One network trained by two processes, `train.workers`, against one process."""

import importlib.util
import json
import subprocess
import sys
from statistics import median
from typing import Any

from tqdm import tqdm

from benchmarks import report
from benchmarks.report import Section, Table
from benchmarks.training import CELLS, SIZES
from benchmarks.work import Work
from reliability.projects import environment
from rnnlab.networks.keras_import import thread_variables

EPOCHS = 4  # the first compiles
# Workers, and threads of each.
WAYS = {"one process, one thread": (1, 1), "one process, two threads": (1, 2), "two workers": (2, 1)}


def measure(quick: bool) -> Section:
    """Measures epochs of both cells each way, in turn."""
    works = [Work(cell, *SIZES[0], batches=2 if quick else 40) for cell in CELLS]
    ways = WAYS if importlib.util.find_spec("ray") else {name: way for name, way in WAYS.items() if way[0] == 1}
    rounds = 1 if quick else 3
    races = []
    for work in tqdm(works, desc="distribution", disable=None):
        samples: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, (workers, threads) in ways.items():
                samples[name].append(train(work, workers, threads))
        races.append(samples)
    raw = [{"work": work._asdict(), "samples": samples} for work, samples in zip(works, races, strict=True)]
    return Section("One network over two processes", [_table(works, races)], {"distribution": raw})


def train(work: Work, workers: int, threads: int) -> dict[str, Any]:
    """Trains a network with so many processes; returns the seconds of an epoch, and the losses of all epochs.

    Raises:
        RuntimeError: it failed, with the end of its output.
    """
    command = [sys.executable, "-m", "benchmarks.distributed", json.dumps(work._asdict()), str(workers), str(threads)]
    variables = environment(**thread_variables(threads))
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"benchmarks.distributed failed with {done.returncode}:\n{done.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _table(works: list[Work], races: list[dict[str, list[dict[str, Any]]]]) -> Table:
    rows = []
    for work, samples in zip(works, races, strict=True):
        seconds = {name: median(sample["seconds"] for sample in of_way) for name, of_way in samples.items()}
        least = next(iter(seconds.values()))
        shown = [f"{seconds[way]:.2f} s, {least / seconds[way]:.2f}×" if way in seconds else "" for way in WAYS]
        rows.append([work.cell, *(each or report.NOT_INSTALLED for each in shown)])
    ends = [[samples[0]["losses"][-1] for samples in race.values()] for race in races]
    apart = max(max(losses) - min(losses) for losses in ends)
    sentence = (
        f"**An epoch of {works[0].batch * works[0].batches:,} rows by two workers** (batch 64, length 200, 128 units, "
        "without dropout; each worker reads half of every batch, and both exchange their gradients once a "
        "step), and how many times as fast as one process with one thread. "
        f"The losses of the last of {EPOCHS} epochs differ by {apart:.1g} at most."
    )
    return Table(sentence, ("cell", *WAYS), rows)
