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
from rnnlab.networks.checkpoints import Checkpoint, Kept, Received, State
from rnnlab.networks.keras_import import thread_variables
from rnnlab.project import workers
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params, Run
from rnnlab.project.sections.networks import Training
from rnnlab.project.workers import ALONE, Team

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


class Work(NamedTuple):
    """All that determines a training beside its code; `rnnlab.features.arrays` has the rows."""

    run: Run
    settings: Params
    rows: Examples
    held_out: Examples
    vocabulary_size: int


def train(work: Work, checkpoint: Checkpoint, on_epoch: OnEpoch) -> tuple[keras.Sequential, History]:
    """Builds a network and fits it, with the same result in every process; see `fit`.

    With ``train.workers``, other processes help; if one is lost, the training goes on from the last epoch.

    Raises:
        UserError: it diverged, or the workers cannot be had.
    """
    options = work.settings.training_of(work.run.model)
    if options.workers == 1:
        return _train(work, checkpoint, on_epoch, ALONE)
    if keras.backend.backend() != "tensorflow":
        raise UserError(
            f"train.workers is {options.workers}, which only TensorFlow can do; set 1, or unset KERAS_BACKEND"
        )
    told = 0

    def on_new_epoch(row: dict[str, float]) -> bool | None:
        nonlocal told
        is_new, told = row["epoch"] > told, max(told, int(row["epoch"]))
        return on_epoch(row) if is_new else None

    return workers.together(
        options.workers,
        options.threads,
        lambda team: _train(work, checkpoint, on_new_epoch, team),
        follow,
        lambda: (work, checkpoint.read()),
        thread_variables(options.threads),
    )


def follow(team: Team, given: tuple[Work, State | None]) -> None:
    """Helps with a training that another process leads, from the state in which that goes on."""
    work, state = given
    _train(work, Received(state), lambda row: None, team)


def _train(work: Work, checkpoint: Kept, on_epoch: OnEpoch, team: Team) -> tuple[keras.Sequential, History]:
    keras.utils.clear_session()  # or layers would be numbered on from the last network's, and the file would differ
    keras.utils.set_random_seed(work.run.seed)
    settings, rows = work.settings, work.rows
    model = models.build(settings.task, settings.models[work.run.model], work.vocabulary_size, rows)
    options = settings.training_of(work.run.model)
    return model, fit(model, rows, work.held_out, options, work.run, checkpoint, on_epoch, team)


def fit(
    model: keras.Sequential,
    train: Examples,
    validation: Examples,
    params: Training,
    run: Run,
    checkpoint: Kept,
    on_epoch: OnEpoch,
    team: Team = ALONE,
) -> History:
    """Trains ``model`` in place; it ends with the weights of its best validation loss, or of its last epoch.

    Args:
        model: from `rnnlab.networks.models`, with the seed already set.
        train, validation: rows to learn from, and rows that choose the epoch.
        params: ``patience`` is how many epochs may pass without a better validation loss.
        run: names the training in messages, and seeds its batches.
        checkpoint: of the same training, if it was killed; the weights have the same bytes as without the kill.
        on_epoch: called with each finished row of `History.epochs`; returns whether the training shall end.
        team: that trains it together: all of them call this.

    Raises:
        Diverged: the loss is not a number.
    """
    network = compiled(model, params, len(train[1]), team)
    watch = Watch(run.name, on_epoch)
    keep_best = params.keep == "best"
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=params.patience, restore_best_weights=keep_best)
    early = Early(model)
    resume = Resume(checkpoint, watch, stopping, early)
    batches = batched(model, train, params, run.seed, resume.finished_epochs, team)
    first, last = _shared(team, validation) if team.size > 1 else ([], [])
    network.fit(
        **_feeding(batches, (_part(validation[0], team), _part(validation[1], team)), params.batch_size),
        class_weight=balanced_weights(train[1]) if params.class_weights == "balanced" else None,
        shuffle=False,  # Batches shuffles
        initial_epoch=resume.finished_epochs,
        epochs=params.epochs,
        # The order matters: the early weights, and those that early stopping keeps as the best, are the average.
        callbacks=[
            *(*first, next_order(batches), watch),
            *([AverageWeights()] if params.ema_momentum else []),
            *(early, stopping, resume, *last),
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


def _part(rows: npt.NDArray[Any], team: Team) -> npt.NDArray[Any]:
    """Returns the validation rows that a process scores: one at least, which counts for nothing if it is another's."""
    mine = team.part(rows)
    return mine if len(mine) else rows[:1]


def _shared(team: Team, validation: Examples) -> tuple[list[keras.callbacks.Callback], list[keras.callbacks.Callback]]:
    """Returns the first and the last callbacks of a training that several processes share."""
    from rnnlab.networks import sharing  # imports TensorFlow, which other backends do not need

    return [sharing.SharedLogs(team, len(team.part(validation[1])))], [sharing.OwnDropout(team)]


def batched(
    model: keras.Sequential,
    rows: Examples,
    params: Training,
    seed: int,
    finished_epochs: int = 0,
    team: Team = ALONE,
) -> Batches:
    """Returns the batches that a network is trained with, of similar lengths if it skips padding."""
    by_length = params.engine == "fast" and models.masks_padding(model)
    return Batches(*rows, params.batch_size, seed, by_length=by_length, finished_epochs=finished_epochs, team=team)


def _feeding(batches: Batches, validation: Examples, batch_size: int) -> dict[str, Any]:
    """Returns the arguments of Keras' `fit` that name the data, in the form that is fastest for the backend."""
    inputs, targets = np.asarray(validation[0]), validation[1]
    if keras.backend.backend() != "tensorflow":
        return {"x": batches, "validation_data": (inputs, targets), "validation_batch_size": batch_size}
    from rnnlab.networks import tensorflow_batches  # imports TensorFlow, which other backends do not need

    held_out = tensorflow_batches.from_rows(inputs, targets, batch_size)
    return {"x": tensorflow_batches.from_batches(batches), "validation_data": held_out}


def compiled(model: keras.Sequential, params: Training, rows: int, team: Team = ALONE) -> keras.Sequential:
    """Prepares a network for Adam, with all gradients clipped to one norm, and weights averaged over steps on request.

    Pascanu et al. 2013, "On the difficulty of training recurrent neural networks".
    """
    batch_size = math.ceil(params.batch_size / team.size)
    network = _faster(model, batch_size, params.threads) if params.engine == "fast" else model
    loss, metric = LOSSES[model.layers[-1].name]
    average = {"use_ema": params.ema_momentum is not None, "ema_momentum": params.ema_momentum or 0.0}
    adam = _adam(team, _rate(params, rows), global_clipnorm=params.clip_norm, **average)
    # TensorFlow would spend minutes compiling a step of stock layers and gain little; other backends must compile.
    is_tensorflow = keras.backend.backend() == "tensorflow"
    how = {"jit_compile": False, "steps_per_execution": STEPS_AT_ONCE} if is_tensorflow else {"jit_compile": "auto"}
    network.compile(adam, loss, metrics=[metric], **how)
    adam.build(network.trainable_variables)  # or the first step makes its variables, and has to be traced once more
    return network


def _adam(team: Team, rate: Any, **options: Any) -> keras.optimizers.Adam:
    if team.size == 1:
        return keras.optimizers.Adam(rate, **options)
    from rnnlab.networks import sharing  # imports TensorFlow, which other backends do not need

    return sharing.SharedAdam(team, rate, **options)


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
