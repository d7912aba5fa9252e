"""Fitting a network: the same optimizer, budget and early stopping for every cell."""

import math
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from rnnlab import batches
from rnnlab.errors import UserError
from rnnlab.params import Train

# By the name of the output layer.
LOSSES = {
    "probability": ("binary_crossentropy", "accuracy"),
    "logits": (keras.losses.SparseCategoricalCrossentropy(from_logits=True), "accuracy"),
    "value": ("mean_squared_error", "mae"),
}


# Inputs of shape (rows, steps), and targets, float32 of shape (rows, 1).
Examples = tuple[npt.NDArray[Any], npt.NDArray[np.float32]]


class History(NamedTuple):
    """What happened while training.

    Attributes:
        epochs: per epoch ``epoch`` (from 1), ``loss``, ``val_loss``, and ``accuracy``, ``val_accuracy`` of a
            classifier or ``mae``, ``val_mae`` of a forecaster.
        seconds: duration of each epoch, validation included.
        best_epoch: the epoch whose weights the model now has.
    """

    epochs: list[dict[str, float]]
    seconds: list[float]
    best_epoch: int


class Watch(keras.callbacks.Callback):
    """Keeps each epoch's figures and seconds; stops a training whose loss is no number."""

    def __init__(self, name: str, on_epoch: Callable[[dict[str, float]], None]) -> None:
        super().__init__()
        self.epochs: list[dict[str, float]] = []
        self.seconds: list[float] = []
        self._name = name
        self._on_epoch = on_epoch
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the clock."""
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds a row; sparse lines take the bar's place where no one watches a terminal."""
        figures = {name: float(value) for name, value in (logs or {}).items()}
        self.seconds.append(time.perf_counter() - self._started)
        self.epochs.append({"epoch": epoch + 1, **figures})
        if not math.isfinite(figures["loss"]) or not math.isfinite(figures["val_loss"]):
            raise UserError(
                f"{self._name}: the loss is not a number after epoch {epoch + 1};"
                " lower train.learning_rate or train.clip_norm"
            )
        self._on_epoch(self.epochs[-1])
        if not sys.stdout.isatty():
            shown = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
            print(f"{self._name}  epoch {epoch + 1}  {shown}  ({self.seconds[-1]:.1f} s)", flush=True)


class AverageWeights(keras.callbacks.SwapEMAWeights):
    """Scores each epoch by the running average of the weights, and ends with that average.

    Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging". Keras' own callback ends with the
    plain weights where a training stops early.
    """

    def __init__(self) -> None:
        super().__init__(swap_on_epoch=True)
        self._average: list[npt.NDArray[np.float32]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Swaps the average in."""
        super().on_epoch_end(epoch, logs)
        self._average = self.model.get_weights()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Puts the last average back, whatever the optimizer left."""
        self.model.set_weights(self._average)


def fit(
    model: keras.Sequential,
    train: Examples,
    validation: Examples,
    params: Train,
    name: str,
    seed: int,
    on_epoch: Callable[[dict[str, float]], None],
) -> History:
    """Trains ``model`` in place; it ends with the weights of its best validation loss, or of its last epoch.

    Adam with all gradients clipped to one norm (Pascanu et al. 2013, "On the difficulty of training recurrent neural
    networks"), the weights averaged over steps if asked for; stops after ``patience`` epochs without a better
    validation loss. With the fast engine, batches hold texts of like length, so that less padding is run through.

    Args:
        model: from `rnnlab.models`, with the seed already set.
        train: rows to learn from.
        validation: rows that choose the epoch.
        params: the budget; ``seeds`` is not read.
        name: of the run, for messages.
        seed: of the batches.
        on_epoch: is given each finished row of `History.epochs`.

    Raises:
        UserError: the loss is not a number.
    """
    loss, metric = LOSSES[model.layers[-1].name]
    network = _faster(model, params.batch_size) if params.engine == "fast" else model
    network.compile(
        optimizer=keras.optimizers.Adam(
            _rate(params, len(train[1])),
            global_clipnorm=params.clip_norm,
            use_ema=params.ema_momentum is not None,
            ema_momentum=params.ema_momentum or 0.0,
        ),
        loss=loss,
        metrics=[metric],
        # TensorFlow would compile a whole step of stock layers for minutes to win little; others must compile.
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    watch = Watch(name, on_epoch)
    stopping = keras.callbacks.EarlyStopping(
        "val_loss", patience=params.patience, restore_best_weights=params.keep == "best"
    )
    network.fit(
        **_batches(model, train, params, seed),
        validation_data=validation,
        validation_batch_size=params.batch_size,
        epochs=params.epochs,
        # In this order: what stopping keeps as the best weights is the average.
        callbacks=[watch, *([AverageWeights()] if params.ema_momentum else []), stopping],
        verbose=1 if sys.stdout.isatty() else 0,
    )
    kept = min(watch.epochs, key=lambda row: row["val_loss"]) if params.keep == "best" else watch.epochs[-1]
    return History(watch.epochs, watch.seconds, int(kept["epoch"]))


def _faster(model: keras.Sequential, batch_size: int) -> keras.Sequential:
    if keras.backend.backend() != "tensorflow":
        return model
    from rnnlab import recurrence  # imports TensorFlow, which other backends do without

    return recurrence.accelerate(model, batch_size)


def _batches(model: keras.Sequential, train: Examples, params: Train, seed: int) -> dict[str, Any]:
    """Gives what `keras.Model.fit` is to read; like lengths pay where padding is skipped."""
    if params.engine == "fast" and getattr(model.layers[0], "mask_zero", False):
        return {"x": batches.SimilarLengths(*train, params.batch_size, seed), "shuffle": False}
    return {"x": train[0], "y": train[1], "batch_size": params.batch_size}


def _rate(params: Train, rows: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    if params.schedule == "constant":
        return params.learning_rate
    steps = params.epochs * math.ceil(rows / params.batch_size)
    return keras.optimizers.schedules.CosineDecay(params.learning_rate, steps)
