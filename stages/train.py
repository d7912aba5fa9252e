"""Encoded rows → a trained network, as it was early and in the end, its layers, its history, and how long it took."""

import argparse
import os
from datetime import UTC, datetime

from rnnlab.features.arrays import read_examples
from rnnlab.networks import checkpoints, energy
from rnnlab.networks.keras_import import importing_keras, thread_variables
from rnnlab.project import layout, params, warm
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json, write_csv, write_json
from rnnlab.project.git import project_root
from rnnlab.project.params import Run
from rnnlab.tracking import live


def main() -> None:
    """Trains the network of ``--model`` and ``--seed``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--seed", type=int, required=True)
    run = Run(**vars(parser.parse_args()))
    settings = params.read()
    if (year := datetime.now(UTC).year) < 1980:  # the first that ZIP knows, in which Keras packs a network
        raise UserError(f"this machine's clock says {year}, and Keras writes no file before 1980; set it and run again")
    if run.model not in settings.models:
        raise UserError(f"--model {run.model}: no such model; params.yaml has {', '.join(settings.models)}")
    settings = settings.with_units({run.model: read_json(layout.size(run.model))["units"]})
    rows, held_out = (read_examples(split, settings.task) for split in (layout.TRAIN, layout.VALIDATION_ROWS))
    vocabulary_size = len(read_json(layout.VOCABULARY))
    os.environ |= thread_variables(settings.training_of(run.model).threads)
    # Keras takes seconds to import: mistakes are reported before that.
    with importing_keras():
        from rnnlab.networks import layers, models, training

    started = datetime.now(UTC)
    identity = checkpoints.identity(run, settings, vocabulary_size)
    folder = project_root() / layout.CHECKPOINTS
    checkpoint = checkpoints.of_training(folder, run.name, identity, [*rows, *held_out])
    with live.watching(run, settings) as watcher, energy.measured() as taken:
        work = training.Work(run, settings, rows, held_out, vocabulary_size)
        model, history = training.train(work, checkpoint, watcher.epoch)
    models.save(model, layout.network(run))
    models.save(model, layout.early(run), history.early)
    write_json(layout.layers(run), layers.describe(model))
    # Rounded, because further digits differ even between machines of the same kind.
    epochs = [[round(value, 6) for value in row.values()] for row in history.epochs]
    write_csv(layout.history(run), list(history.epochs[0]), epochs)
    times = {"started": started.isoformat(), "ended": datetime.now(UTC).isoformat()}
    seconds = [round(seconds, 3) for seconds in history.seconds]
    write_json(layout.timings(run), {**times, **taken, "epoch_seconds": seconds, "mlflow_run": watcher.run_id})
    checkpoint.remove()


if __name__ == "__main__":
    raise SystemExit(warm.status(main))
