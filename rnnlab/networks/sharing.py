"""One network that several processes train: each finds the gradients of its share of a batch, all take the same step.

Chen et al. 2016, "Revisiting distributed synchronous SGD". Gradients are exchanged once a step, since the loop over
time has a backward pass of its own (`rnnlab.networks.fast_layers`).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rnnlab.project.workers import Team

Tensor = Any  # TensorFlow has no types


class SharedAdam(keras.optimizers.Adam):
    """Adam on the mean of the gradients that the processes of a team found, before they are clipped."""

    def __init__(self, team: Team, rate: Any, **options: Any) -> None:
        """Takes the learning rate, and other options of Adam."""
        super().__init__(rate, **options)
        self._team = team

    def apply(self, grads: Sequence[Tensor], trainable_variables: Sequence[Any] | None = None) -> None:
        """Takes a step with the gradients of all processes; those of an embedding are of the words of a batch alone."""
        parts = [part for gradient in grads for part in _parts(gradient)]
        is_joined = [isinstance(gradient, tf.IndexedSlices) for gradient in grads for _ in _parts(gradient)]

        def meet(*arrays: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
            summed = [array for array, each in zip(arrays, is_joined, strict=True) if not each]
            joined = [array for array, each in zip(arrays, is_joined, strict=True) if each]
            sums, rows = map(iter, self._team.meet(summed, joined))
            return [next(rows if each else sums) for each in is_joined]

        found = tf.numpy_function(meet, parts, [part.dtype for part in parts])
        for part, before, each in zip(found, parts, is_joined, strict=True):
            part.set_shape([None, *before.shape[1:]] if each else before.shape)
        left = iter(found)
        super().apply([_mean(gradient, left, self._team.size) for gradient in grads], trainable_variables)


def _parts(gradient: Tensor) -> list[Tensor]:
    return [gradient.values, gradient.indices] if isinstance(gradient, tf.IndexedSlices) else [gradient]


def _mean(gradient: Tensor, sums: Iterator[Tensor], size: int) -> Tensor:
    mean = next(sums) / size
    if not isinstance(gradient, tf.IndexedSlices):
        return mean
    # A word that several processes read must be there once, or Adam would square its gradients one by one.
    words, numbers = tf.unique(next(sums))
    return tf.IndexedSlices(tf.math.unsorted_segment_sum(mean, numbers, tf.size(words)), words, gradient.dense_shape)


class SharedLogs(keras.callbacks.Callback):
    """Gives every process the figures of all rows; it must be the first of the callbacks."""

    def __init__(self, team: Team, held_out: int) -> None:
        """Takes the number of validation rows that this process scores; of training rows, all have equally many."""
        super().__init__()
        self._team, self._held_out = team, held_out

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Replaces figures by their mean over rows."""
        figures = logs if logs is not None else {}
        weights = np.array([self._held_out if name.startswith("val_") else 1.0 for name in figures])
        (sums, rows), _ = self._team.meet([weights * [float(value) for value in figures.values()], weights])
        figures.update(zip(figures, (sums / rows).tolist(), strict=True))


class OwnDropout(keras.callbacks.Callback):
    """Lets each process drop other units; it must be the last of the callbacks, after a training is resumed."""

    def __init__(self, team: Team) -> None:
        super().__init__()
        self._team = team

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Moves the seeds of this process away from those that all began with."""
        for variable in self.model.variables:
            if variable.name == "seed_generator_state":
                seed, drawn = np.asarray(variable)
                variable.assign([seed ^ (self._team.rank << 16), drawn])
