"""The whole pipeline against the plain notebook that it replaces: the same CSV, networks and epochs."""

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks import clones, report, texts, timing
from benchmarks.report import Section, Table
from benchmarks.timing import Sample

EPOCHS = 3
# Sizes of the notebooks on IMDB; those of params.yaml on the embedded corpus.
IMDB = {"words": 10_000, "length": 200, "embedding": 128, "units": 128}
EMBEDDED = {"words": 200, "length": 96, "embedding": 32, "units": 32}
QUICK_ROWS = 2000


def measure(quick: bool) -> Section:
    """Runs both from nothing to their test accuracy."""
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
    """Gives what both cost, by round, and what the last `make run` showed, each line behind its second."""
    source = place / "reviews.csv"
    texts.write(source, rows)
    flags = [str(word) for key, value in {**size, "epochs": epochs}.items() for word in (f"--{key}", value)]
    notebook = [sys.executable, "-m", "benchmarks.notebook", str(source), *flags]
    samples: dict[str, list[Sample]] = {"pipeline": [], "notebook": []}
    shown = ""
    for number in tqdm(range(rounds), desc="notebook", disable=None):
        # Each time from nothing, without what DVC keeps of the time before.
        folder = clones.clone(place / str(number))
        clones.set_params(folder, {**clones.read_from(source), **_network(size), "compare": ["rnn", "lstm"]})
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
    """Gives the seconds from the start of each stage to that of the next, the start and end of DVC among them.

    Args:
        shown: lines of `make run`, each behind its second; the trainings, side by side, are one phase.
    """
    begun = {"DVC's start": 0.0}
    last = 0.0
    for line in shown.splitlines():
        stamp, _, told = line.partition(" ")
        last = float(stamp)
        if stage := re.match("Running stage '([a-z_]+)", told):
            begun.setdefault({"baseline": "train"}.get(stage[1], stage[1]), last)
    ends = [*list(begun.values())[1:], last]
    return {name: end - start for (name, start), end in zip(begun.items(), ends, strict=True)}


def _make_run() -> list[str]:
    """Gives `make run` without its installation, by the interpreter that runs this."""
    return ["make", "-o", f"{sys.prefix}/.installed", f"VENV={sys.prefix}", "run", "QUIETLY="]


def _network(size: dict[str, int]) -> dict[str, Any]:
    plain = {"embedding_dim": size["embedding"], "units": size["units"], "embedding_dropout": 0.0, "dropout": 0.0}
    return {"models": {"rnn": plain, "lstm": plain}}


def _training(epochs: int) -> dict[str, Any]:
    budget = {"seeds": [1], "epochs": epochs, "patience": epochs, "learning_rate": 0.001, "batch_size": 64}
    # The longer of two trainings has all cores when the other has ended.
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
            f"{timing.median(found):.1f}",
            f"{timing.median(found, 'cpu'):.1f}",
            f"{timing.median(found, 'megabytes'):.0f}",
            report.times(found, base) if found is not base else "",
        ]
        for name, found in samples.items()
    ]
    return Table(sentence, ("what", "seconds", "CPU seconds", "peak MB", "notebook / pipeline"), rows)
