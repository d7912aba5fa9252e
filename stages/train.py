"""Encoded rows → one trained network, its history, and how long it took."""

import argparse
import csv
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rnnlab import checkpoints, params, trainings
from rnnlab.errors import UserError, exit_status
from rnnlab.files import read_json, replacing, write_json
from rnnlab.params import Run
from rnnlab.provenance import project_root
from rnnlab.quiet import importing_keras


def write_history(target: Path, epochs: Sequence[dict[str, float]]) -> None:
    """Writes one row an epoch, rounded to what can differ between machines of one kind."""
    with replacing(target) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, epochs[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: round(value, 6) for name, value in row.items()} for row in epochs)


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
    rows = trainings.read_split(flags.train, settings.task)
    held_out = trainings.read_split(flags.validation, settings.task)
    vocabulary_size = len(read_json(flags.vocabulary))
    os.environ |= trainings.thread_variables(settings.train.threads)
    # Keras takes seconds to import: whatever is wrong before is told at once.
    with importing_keras():
        from rnnlab import live, models

    started = datetime.now(UTC)
    told = trainings.identity(run, settings, vocabulary_size)
    checkpoint = checkpoints.of_training(project_root() / "data/checkpoints", run.name, told, [*rows, *held_out])
    with live.watching(run, settings) as watcher:
        model, history = trainings.train(run, settings, rows, held_out, vocabulary_size, checkpoint, watcher.epoch)
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
