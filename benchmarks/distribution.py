"""One network trained by two processes, through Keras' own distribution API, against one process."""

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
from reliability.ports import free_port
from reliability.projects import environment
from rnnlab.networks.keras_import import thread_variables

EPOCHS = 4  # the first compiles
# Processes, and threads of each.
WAYS = {"one process, one thread": (1, 1), "one process, two threads": (1, 2), "two processes": (2, 1)}
# JAX has no environment variable for it, and would use all cores.
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def measure(quick: bool) -> Section:
    """Measures epochs of both cells each way, in turn."""
    works = [Work(cell, *SIZES[0], batches=2 if quick else 10) for cell in CELLS]
    if not importlib.util.find_spec("jax"):
        return Section("One network over two processes", [_table(works, [])], {"distribution": []})
    rounds = 1 if quick else 3
    races = []
    for work in tqdm(works, desc="distribution", disable=None):
        samples: dict[str, list[dict[str, Any]]] = {name: [] for name in WAYS}
        for _ in range(rounds):
            for name, (processes, threads) in WAYS.items():
                samples[name].append(train(work, processes, threads))
        races.append(samples)
    raw = [{"work": work._asdict(), "samples": samples} for work, samples in zip(works, races, strict=True)]
    return Section("One network over two processes", [_table(works, races)], {"distribution": raw})


def train(work: Work, processes: int, threads: int) -> dict[str, Any]:
    """Trains a network with so many processes; returns the seconds of an epoch, and the losses of all epochs.

    Raises:
        RuntimeError: a process failed, with the end of its output; or each process trained a separate network.
    """
    variables = {"KERAS_BACKEND": "jax", **thread_variables(threads)}
    variables |= {"XLA_FLAGS": ONE_THREAD} if threads == 1 else {}
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "benchmarks.distributed", json.dumps(work._asdict()), address, str(processes)]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = [
        subprocess.Popen([*command, str(number)], env=environment(**variables), **pipes) for number in range(processes)
    ]
    ended = [process.communicate() for process in started]
    for process, (_, errors) in zip(started, ended, strict=True):
        if process.returncode:
            raise RuntimeError(f"benchmarks.distributed failed with {process.returncode}:\n{errors[-3000:]}")
    results = [json.loads(output.splitlines()[-1]) for output, _ in ended]
    losses = common_losses([result["losses"] for result in results])
    return {"seconds": max(result["seconds"] for result in results), "losses": losses}


def common_losses(losses: list[list[float]]) -> list[float]:
    """Returns the losses that all processes share, from those of each.

    Raises:
        RuntimeError: they differ, so each process trained a separate network.
    """
    first, *others = losses
    if any(other != first for other in others):
        raise RuntimeError(f"each process trained a separate network: {losses}")
    return first


def _table(works: list[Work], races: list[dict[str, list[dict[str, Any]]]]) -> Table:
    rows = []
    for work, samples in zip(works, races, strict=False):
        seconds = {name: median(sample["seconds"] for sample in samples[name]) for name in WAYS}
        least = next(iter(seconds.values()))
        rows.append([work.cell, *(f"{value:.2f} s, {least / value:.2f}×" for value in seconds.values())])
    rows = rows or [[work.cell, *([report.NOT_INSTALLED] * len(WAYS))] for work in works]
    pairs = [pair for race in races for pair in zip(*_ends(race), strict=True)]
    apart = max((abs(one["losses"][0] - two["losses"][0]) for one, two in pairs), default=0.0)
    sentence = (
        f"**An epoch of {works[0].batch * works[0].batches} rows by two processes** (`keras.distribution.DataParallel` "
        "on JAX; batch 64, length 200, 128 units; each process has half of every batch), and how many times as fast as "
        "one process with one thread. In the program that XLA makes of a step, the processes exchange the gradients of "
        "the layer's weights after each of the 200 time steps, not once a batch. "
        f"The losses of the first epoch by one and by two processes differ by {apart:.1g} at most."
    )
    return Table(sentence, ("cell", *WAYS), rows)


def _ends(race: dict[str, list[dict[str, Any]]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    first, *_, last = race.values()
    return first, last
