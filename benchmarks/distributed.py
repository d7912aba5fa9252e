"""Trains a network, with or without workers: `python -m benchmarks.distributed WORK WORKERS THREADS`."""

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.distribution import EPOCHS
from benchmarks.work import CLIP_NORM, LEARNING_RATE, Work, rows
from rnnlab.networks.checkpoints import Checkpoint
from rnnlab.networks.keras_import import importing_keras
from rnnlab.project import params
from rnnlab.project.params import Params, Run

MODEL = "lstm"  # of params.yaml, whose options are replaced


def main() -> None:
    """Trains; prints the seconds of the fastest epoch, and the losses of all."""
    work, workers, threads = Work(**json.loads(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
    with importing_keras():
        from rnnlab.networks import training

    examples = rows(work)
    held_out = (examples[0][: work.batch], examples[1][: work.batch])  # one batch, so that training is what is timed
    task = training.Work(Run(MODEL, 1), settings(work, workers, threads), examples, held_out, work.words)
    with tempfile.TemporaryDirectory() as folder:
        _, history = training.train(task, Checkpoint(Path(folder) / "state.npz"), lambda row: None)
    print(json.dumps({"seconds": min(history.seconds[1:]), "losses": [row["loss"] for row in history.epochs]}))


def settings(work: Work, workers: int, threads: int) -> Params:
    """Returns parameters of the network and its training, without dropout, by which processes would differ."""
    default = params.read()
    size = {"cell": work.cell, "units": work.units, "embedding_dim": work.embedding, "mask": False, "train": {}}
    model = default.models[MODEL].model_copy(update=size | {"dropout": 0.0, "embedding_dropout": 0.0})
    budget = {"epochs": EPOCHS, "patience": EPOCHS, "batch_size": work.batch, "workers": workers, "threads": threads}
    rates = {"learning_rate": LEARNING_RATE, "clip_norm": CLIP_NORM}
    train = default.train.model_copy(update=budget | rates)
    return default.model_copy(update={"models": {MODEL: model}, "train": train})


if __name__ == "__main__":
    main()
