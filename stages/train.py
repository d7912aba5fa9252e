"""Encoded rows → one trained network, its history, and how long it took."""

import argparse
import csv
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rnnlab import checkpoints, features, params
from rnnlab.errors import UserError, exit_status
from rnnlab.files import read_json, replacing, write_json
from rnnlab.params import Params, Run, Task
from rnnlab.provenance import project_root
from rnnlab.quiet import importing_keras


def read_split(folder: Path, task: Task) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32]]:
    """Reads what a network learns from: inputs of shape (rows, steps), and targets of shape (rows, 1)."""
    if task == "series":
        windows = features.load_windows(folder)
        return np.asarray(windows.inputs), np.asarray(windows.targets)[:, None]
    rows = features.load(folder)
    return np.asarray(rows.tokens), np.asarray(rows.labels, np.float32)[:, None]


def write_history(target: Path, epochs: Sequence[dict[str, float]]) -> None:
    """Writes one row an epoch, rounded to what can differ between machines of one kind."""
    with replacing(target) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, epochs[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: round(value, 6) for name, value in row.items()} for row in epochs)


def identity(run: Run, settings: Params, vocabulary_size: int) -> dict[str, Any]:
    """Gives what the weights follow from, besides data and code."""
    return {
        "versions": {name: version(name) for name in ("keras", "numpy", "tensorflow")},
        "backend": os.environ.get("KERAS_BACKEND"),
        "task": settings.task,
        "vocabulary_size": vocabulary_size,
        "seed": run.seed,
        "model": settings.models[run.model].model_dump(),
        "train": settings.train.model_dump(exclude={"seeds"}),
    }


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True, help="folder that gets <model>-<seed>.keras")
    parser.add_argument("--history", type=Path, required=True, help="folder that gets <model>-<seed>.csv")
    parser.add_argument("--timings", type=Path, required=True, help="folder that gets <model>-<seed>.json")
    flags = parser.parse_args()
    settings = params.read()
    if flags.model not in settings.models:
        raise UserError(f"--model {flags.model}: no such model; params.yaml has {', '.join(settings.models)}")
    run = Run(flags.model, flags.seed)
    rows = read_split(flags.train, settings.task)
    held_out = read_split(flags.validation, settings.task)
    vocabulary_size = len(read_json(flags.vocabulary))
    os.environ |= dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"), str(settings.train.threads))
    # Keras takes seconds to import: whatever is wrong before is told at once.
    with importing_keras():
        from rnnlab import live, models, training

    started = datetime.now(UTC)
    checkpoint = checkpoints.of_training(
        project_root() / "data/checkpoints", run.name, identity(run, settings, vocabulary_size), [*rows, *held_out]
    )
    models.set_seed(run.seed)
    if settings.task == "series":
        model = models.build_forecaster(settings.models[run.model], rows[0].shape[1])
    else:
        model = models.build_classifier(settings.models[run.model], vocabulary_size, rows[0].shape[1])
    with live.watching(run, settings) as watcher:
        history = training.fit(model, rows, held_out, settings.train, run, checkpoint, watcher.epoch)
    models.save(model, flags.models / f"{run.name}.keras")
    write_history(flags.history / f"{run.name}.csv", history.epochs)
    write_json(
        flags.timings / f"{run.name}.json",
        {
            "started": started.isoformat(),
            "ended": datetime.now(UTC).isoformat(),
            "epoch_seconds": [round(seconds, 3) for seconds in history.seconds],
            "mlflow_run": watcher.run_id,
        },
    )
    checkpoint.remove()


if __name__ == "__main__":
    sys.exit(exit_status(main))
