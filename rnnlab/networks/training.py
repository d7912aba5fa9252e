"""Fitting a network: the same optimizer, budget and early stopping for every cell."""

import math
import sys
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from rnnlab.features.arrays import Examples
from rnnlab.networks import models
from rnnlab.networks.batches import Batches
from rnnlab.networks.callbacks import AverageWeights, Early, OnEpoch, Resume, Watch, next_order
from rnnlab.networks.checkpoints import Checkpoint
from rnnlab.project.params import Params, Run
from rnnlab.project.sections.networks import Training

# By the name of the output layer.
LOSSES = {
    "probability": ("binary_crossentropy", "accuracy"),
    "logits": (keras.losses.SparseCategoricalCrossentropy(from_logits=True), "accuracy"),
    "value": ("mean_squared_error", "mae"),
}

STEPS_AT_ONCE = 16  # without a return to Python, which takes a quarter of a short step; a bar moves as often


class History(NamedTuple):
    """What happened while training.

    Each row of ``epochs`` has ``epoch`` (from 1), ``loss``, ``val_loss``, and ``accuracy``, ``val_accuracy`` of a
    classifier or ``mae``, ``val_mae`` of a forecaster.
    """

    epochs: list[dict[str, float]]
    seconds: list[float]  # of each epoch, validation included
    best_epoch: int  # whose weights the model has
    early: list[npt.NDArray[np.float32]]  # the weights after the first epoch, in the order of the model's


def train(
    run: Run,
    settings: Params,
    rows: Examples,
    held_out: Examples,
    vocabulary_size: int,
    checkpoint: Checkpoint,
    on_epoch: OnEpoch,
) -> tuple[keras.Sequential, History]:
    """Builds a network and fits it, with the same result in every process; see `fit`."""
    keras.utils.clear_session()  # or layers would be numbered on from the last network's, and the file would differ
    keras.utils.set_random_seed(run.seed)
    model = models.build(settings.task, settings.models[run.model], vocabulary_size, rows)
    return model, fit(model, rows, held_out, settings.training_of(run.model), run, checkpoint, on_epoch)


def fit(
    model: keras.Sequential,
    train: Examples,
    validation: Examples,
    params: Training,
    run: Run,
    checkpoint: Checkpoint,
    on_epoch: OnEpoch,
) -> History:
    """Trains ``model`` in place; it ends with the weights of its best validation loss, or of its last epoch.

    Args:
        model: from `rnnlab.networks.models`, with the seed already set.
        train, validation: rows to learn from, and rows that choose the epoch.
        params: ``patience`` is how many epochs may pass without a better validation loss.
        run: names the training in messages, and seeds its batches.
        checkpoint: of the same training, if it was killed; the weights have the same bytes as without the kill.
        on_epoch: called with each finished row of `History.epochs`; returns whether the training shall end.

    Raises:
        Diverged: the loss is not a number.
    """
    network = compiled(model, params, len(train[1]))
    watch = Watch(run.name, on_epoch)
    keep_best = params.keep == "best"
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=params.patience, restore_best_weights=keep_best)
    early = Early(model)
    resume = Resume(checkpoint, watch, stopping, early)
    batches = batched(model, train, params, run.seed, resume.finished_epochs)
    network.fit(
        **_feeding(batches, validation, params.batch_size),
        class_weight=balanced_weights(train[1]) if params.class_weights == "balanced" else None,
        shuffle=False,  # Batches shuffles
        initial_epoch=resume.finished_epochs,
        epochs=params.epochs,
        # The order matters: the early weights, and those that early stopping keeps as the best, are the average.
        callbacks=[
            *(next_order(batches), watch),
            *([AverageWeights()] if params.ema_momentum else []),
            *(early, stopping, resume),
        ],
        verbose=1 if sys.stdout.isatty() else 0,
    )
    kept = min(watch.epochs, key=lambda row: row["val_loss"]) if keep_best else watch.epochs[-1]
    return History(watch.epochs, watch.seconds, int(kept["epoch"]), early.weights)


def balanced_weights(targets: npt.NDArray[np.float32]) -> dict[int, float]:
    """Returns the weight of a row of each label, by number: all labels weigh the same, and a row 1 on average.

    King & Zeng 2001, "Logistic regression in rare events data".
    """
    counts = np.bincount(targets[:, 0].astype(np.int64))
    return {label: float(len(targets) / (len(counts) * count)) for label, count in enumerate(counts)}


def batched(model: keras.Sequential, rows: Examples, params: Training, seed: int, finished_epochs: int = 0) -> Batches:
    """Returns the batches that a network is trained with, of similar lengths if it skips padding."""
    by_length = params.engine == "fast" and models.masks_padding(model)
    return Batches(*rows, params.batch_size, seed, by_length=by_length, finished_epochs=finished_epochs)


def _feeding(batches: Batches, validation: Examples, batch_size: int) -> dict[str, Any]:
    """Returns the arguments of Keras' `fit` that name the data, in the form that is fastest for the backend."""
    inputs, targets = np.asarray(validation[0]), validation[1]
    if keras.backend.backend() != "tensorflow":
        return {"x": batches, "validation_data": (inputs, targets), "validation_batch_size": batch_size}
    from rnnlab.networks import tensorflow_batches  # imports TensorFlow, which other backends do not need

    held_out = tensorflow_batches.from_rows(inputs, targets, batch_size)
    return {"x": tensorflow_batches.from_batches(batches), "validation_data": held_out}


def compiled(model: keras.Sequential, params: Training, rows: int) -> keras.Sequential:
    """Prepares a network for Adam, with all gradients clipped to one norm, and weights averaged over steps on request.

    Pascanu et al. 2013, "On the difficulty of training recurrent neural networks".
    """
    network = _faster(model, params.batch_size, params.threads) if params.engine == "fast" else model
    loss, metric = LOSSES[model.layers[-1].name]
    average = {"use_ema": params.ema_momentum is not None, "ema_momentum": params.ema_momentum or 0.0}
    adam = keras.optimizers.Adam(_rate(params, rows), global_clipnorm=params.clip_norm, **average)
    # TensorFlow would spend minutes compiling a step of stock layers and gain little; other backends must compile.
    is_tensorflow = keras.backend.backend() == "tensorflow"
    how = {"jit_compile": False, "steps_per_execution": STEPS_AT_ONCE} if is_tensorflow else {"jit_compile": "auto"}
    network.compile(adam, loss, metrics=[metric], **how)
    return network


def _faster(model: keras.Sequential, batch_size: int, threads: int) -> keras.Sequential:
    if keras.backend.backend() != "tensorflow":
        return model
    from rnnlab.networks import fast_layers  # imports TensorFlow, which other backends do not need

    return fast_layers.accelerate(model, batch_size, threads)


def _rate(params: Training, rows: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    if params.schedule == "constant":
        return params.learning_rate
    steps = params.epochs * math.ceil(rows / params.batch_size)
    return keras.optimizers.schedules.CosineDecay(params.learning_rate, steps)
