"""The pipeline against the notebook that it replaces: the same CSV, networks and epochs."""

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks import report, texts, timing
from benchmarks.report import Section, Table
from benchmarks.timing import Sample
from reliability import clones

EPOCHS = 3
# The sizes of the notebooks on IMDB, and those of params.yaml on the embedded corpus.
IMDB = {"words": 10_000, "length": 200, "embedding": 128, "units": 128}
EMBEDDED = {"words": 200, "length": 96, "embedding": 32, "units": 32}
QUICK_ROWS = 2000


def measure(quick: bool) -> Section:
    """Runs both from scratch to their test accuracy."""
    real = "split" in texts.frame()
    rows = min(QUICK_ROWS, len(texts.frame())) if quick else len(texts.frame())
    epochs, rounds = (1, 1) if quick else (EPOCHS, 1 if real else 3)
    with tempfile.TemporaryDirectory() as place:
        samples, shown = _run(Path(place), rows, IMDB if real else EMBEDDED, epochs, rounds)
    sentence = (
        f"**From {rows:,} {texts.name()} to test accuracies** of a SimpleRNN and an LSTM, one seed, epochs: "
        f"{epochs}, rounds: {rounds}. The notebook reads, tokenizes, trains with stock Keras and evaluates "
        "(benchmarks/notebook.py); `make run` also validates, trains baselines, looks inside, compares, plots and "
        "logs to MLflow. Both may use all cores."
    )
    spent = phases(shown)
    return Section(
        "A notebook against the pipeline", [_table(sentence, samples), _profile(spent)], {**samples, "phases": spent}
    )


def _run(place: Path, rows: int, size: dict[str, int], epochs: int, rounds: int) -> tuple[dict[str, list[Sample]], str]:
    """Returns the costs of both by round, and the output of the last `make run`, each line after its second."""
    source = place / "reviews.csv"
    texts.write(source, rows)
    flags = [str(word) for key, value in {**size, "epochs": epochs}.items() for word in (f"--{key}", value)]
    notebook = [sys.executable, "-m", "benchmarks.notebook", str(source), *flags]
    samples: dict[str, list[Sample]] = {"pipeline": [], "notebook": []}
    shown = ""
    for number in tqdm(range(rounds), desc="notebook", disable=None):
        # From scratch each time, without DVC's cache of the time before.
        folder = clones.clone(place / str(number))
        clones.set_params(folder, {**texts.read_from(source), **_network(size), "compare": ["rnn", "lstm"]})
        clones.set_params(folder, {"train": _training(epochs), "tokenize_pad": _encoding(size)})
        sample, shown = timing.run([sys.executable, "-c", _STAMPED, *_make_run()], folder)
        samples["pipeline"].append(sample)
        samples["notebook"].append(timing.run(notebook, Path())[0])
    return samples, shown


_STAMPED = """
import subprocess, sys, time
started = time.perf_counter()
with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
    for line in process.stdout:
        print(f"{time.perf_counter() - started:.1f} {line}", end="")
sys.exit(process.returncode)
"""


def phases(shown: str) -> dict[str, float]:
    """Returns the seconds from the start of each stage to that of the next, including the start and end of DVC.

    Args:
        shown: output of `make run`, each line after its second; the trainings, side by side, are one phase.
    """
    begun = {"DVC's start": 0.0}
    last = 0.0
    for line in shown.splitlines():
        stamp, _, message = line.partition(" ")
        last = float(stamp)
        if ended := re.fullmatch(r"([a-z_]+)\S* +(\d+\.\d) s", message):
            stage = {"baseline": "train"}.get(ended[1], ended[1])
            begun[stage] = min(begun.get(stage, last), last - float(ended[2]))
    ends = [*list(begun.values())[1:], last]
    return {name: end - start for (name, start), end in zip(begun.items(), ends, strict=True)}


def _make_run() -> list[str]:
    """Returns the command `make run` without its installation, with the interpreter of this process."""
    return ["make", "-o", f"{sys.prefix}/.installed", f"VENV={sys.prefix}", "run"]


def _network(size: dict[str, int]) -> dict[str, Any]:
    plain = {"embedding_dim": size["embedding"], "units": size["units"], "embedding_dropout": 0.0, "dropout": 0.0}
    return {"models": {"rnn": plain, "lstm": plain}}


def _training(epochs: int) -> dict[str, Any]:
    budget = {"seeds": [1], "epochs": epochs, "patience": epochs, "learning_rate": 0.001, "batch_size": 64}
    # The longer of two trainings has all cores once the other has ended.
    return {**budget, "threads": os.cpu_count()}


def _encoding(size: dict[str, int]) -> dict[str, Any]:
    return {"vocabulary_size": size["words"], "max_length": size["length"]}


def _profile(spent: dict[str, float]) -> Table:
    rows = [[name, f"{seconds:.1f}", f"{seconds / sum(spent.values()):.0%}"] for name, seconds in spent.items()]
    sentence = (
        "**Where the pipeline's time goes**: seconds from the start of a stage to that of the next, with DVC's own; "
        "`train` is both trainings and the baselines, side by side."
    )
    return Table(sentence, ("stage", "seconds", "share"), rows)


def _table(sentence: str, samples: dict[str, list[Sample]]) -> Table:
    base = samples["pipeline"]
    rows = [
        [
            name,
            f"{timing.median(runs):.1f}",
            f"{timing.median(runs, 'cpu'):.1f}",
            f"{timing.median(runs, 'megabytes'):.0f}",
            report.times(runs, base) if runs is not base else "",
        ]
        for name, runs in samples.items()
    ]
    return Table(sentence, ("what", "seconds", "CPU seconds", "peak MB", "notebook / pipeline"), rows)
