"""One training from its parameters and encoded rows to a network; the same wherever it runs."""

import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rnnlab import features
from rnnlab.checkpoints import Checkpoint
from rnnlab.params import Params, Run, Task
from rnnlab.sharded_arrays import ShardedArray

if TYPE_CHECKING:
    import keras

    from rnnlab.training import History

# Inputs of shape (rows, steps), and targets, float32 of shape (rows, 1).
Examples = tuple[npt.NDArray[Any] | ShardedArray, npt.NDArray[np.float32]]


def read_split(folder: Path, task: Task) -> Examples:
    """Maps what a network learns from: inputs of shape (rows, steps), and targets of shape (rows, 1)."""
    if task == "series":
        windows = features.load_windows(folder)
        return np.asarray(windows.inputs), np.asarray(windows.targets)[:, None]
    rows = features.load(folder)
    tokens = rows.tokens if isinstance(rows.tokens, ShardedArray) else np.asarray(rows.tokens)
    return tokens, np.asarray(rows.labels, np.float32)[:, None]


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


def thread_variables(threads: int) -> dict[str, str]:
    """Environment variables that bound the threads of a process; to be set before Keras is imported."""
    return {"TF_NUM_INTRAOP_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}


def train(
    run: Run,
    settings: Params,
    rows: Examples,
    held_out: Examples,
    vocabulary_size: int,
    checkpoint: Checkpoint,
    on_epoch: Callable[[dict[str, float]], None],
) -> "tuple[keras.Sequential, History]":
    """Draws the weights of a network and fits them; imports Keras. See `rnnlab.training.fit`."""
    from rnnlab import models, training

    models.set_seed(run.seed)
    if settings.task == "series":
        model = models.build_forecaster(settings.models[run.model], rows[0].shape[1])
    else:
        model = models.build_classifier(settings.models[run.model], vocabulary_size, rows[0].shape[1])
    return model, training.fit(model, rows, held_out, settings.train, run, checkpoint, on_epoch)
