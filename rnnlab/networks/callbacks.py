"""What happens between the epochs of a training: metrics, averages of the weights, checkpoints."""

import math
import sys
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from rnnlab.networks.batches import Batches
from rnnlab.networks.checkpoints import Kept, State
from rnnlab.project.errors import UserError

# Called with each finished row of `rnnlab.networks.training.History.epochs`; returns whether that was enough.
OnEpoch = Callable[[dict[str, float]], bool | None]


class Diverged(UserError):
    """The loss of a training is not a number."""


class Watch(keras.callbacks.Callback):
    """Records each epoch's metrics and seconds; ends a training on request, or if its loss is not a number."""

    def __init__(self, name: str, on_epoch: OnEpoch) -> None:
        super().__init__()
        self.epochs: list[dict[str, float]] = []
        self.seconds: list[float] = []
        self._name, self._on_epoch, self._started = name, on_epoch, 0.0

    def resume(self, epochs: list[dict[str, float]], seconds: list[float]) -> None:
        """Takes over the epochs of a training that is resumed."""
        self.epochs, self.seconds = epochs, seconds
        print(f"{self._name}  resumes after epoch {len(epochs)}", flush=True)
        for row in epochs:
            self._on_epoch(row)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the clock."""
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds a row; prints one line per epoch where there is no terminal for a progress bar."""
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        self.seconds.append(time.perf_counter() - self._started)
        self.epochs.append({"epoch": epoch + 1, **metrics})
        if not math.isfinite(metrics["loss"]) or not math.isfinite(metrics["val_loss"]):
            problem = f"the loss is not a number after epoch {epoch + 1}"
            raise Diverged(f"{self._name}: {problem}; lower train.learning_rate or train.clip_norm")
        if self._on_epoch(self.epochs[-1]):
            self.model.stop_training = True
        if not sys.stdout.isatty():
            shown = "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())
            print(f"{self._name}  epoch {epoch + 1}  {shown}  ({self.seconds[-1]:.1f} s)", flush=True)


def next_order(batches: Batches) -> keras.callbacks.Callback:
    """Draws the order of the next epoch at the end of each."""
    return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: batches.draw_next())


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
        """Restores the last average, whatever weights the optimizer left."""
        self.model.set_weights(self._average)


class Early(keras.callbacks.Callback):
    """Keeps the weights that a network had after its first epoch: those by which that epoch was scored."""

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.weights: list[npt.NDArray[np.float32]] = []
        self.network = network

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Copies the weights of the first epoch."""
        if epoch == 0:
            self.weights = self.network.get_weights()


class Resume(keras.callbacks.Callback):
    """Writes a checkpoint before each epoch but the first, and resumes from one that exists.

    It must be the last of the callbacks: the others have prepared the epoch by then.
    """

    def __init__(self, checkpoint: Kept, watch: Watch, stopping: keras.callbacks.EarlyStopping, early: Early) -> None:
        super().__init__()
        self._checkpoint, self._watch, self._stopping, self._early = checkpoint, watch, stopping, early
        self._state = checkpoint.read()
        self.finished_epochs = len(self._state.progress["epochs"]) if self._state else 0

    def _variables(self) -> list[Any]:
        # They include the states of the generators that draw dropout.
        return [*self.model.variables, *self.model.optimizer.variables]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restores what the checkpoint holds."""
        if not self._state:
            return
        progress, arrays = self._state
        self.model.optimizer.build(self.model.trainable_variables)
        for number, variable in enumerate(self._variables()):
            variable.assign(arrays[f"variable_{number}"])
        self._stopping.best, self._stopping.best_epoch = progress["best"], progress["best_epoch"]
        self._stopping.wait = progress["wait"]
        if self._stopping.restore_best_weights:
            self._stopping.best_weights = [arrays[f"best_{n}"] for n in range(len(self.model.weights))]
        self._early.weights = [arrays[f"early_{n}"] for n in range(len(self._early.network.weights))]
        self._watch.resume(progress["epochs"], progress["seconds"])

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the state after the epochs so far."""
        if epoch == self.finished_epochs:
            return
        arrays = {f"variable_{n}": np.asarray(variable) for n, variable in enumerate(self._variables())}
        arrays |= {f"best_{n}": weights for n, weights in enumerate(self._stopping.best_weights or [])}
        arrays |= {f"early_{n}": weights for n, weights in enumerate(self._early.weights)}
        stopping = self._stopping
        best = {"best": float(stopping.best), "best_epoch": stopping.best_epoch, "wait": stopping.wait}
        progress = {"epochs": self._watch.epochs, "seconds": self._watch.seconds, **best}
        self._checkpoint.write(State(progress, arrays))
