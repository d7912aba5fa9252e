"""Batches for Keras on TensorFlow, read ahead by a thread that does nothing else.

Keras by itself lets tf.data tune its buffers while it trains. The thread that tunes sleeps for twice as long each time,
and on a busy processor an epoch's end often has to wait until it wakes: for as long as the epoch took, at worst.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rnnlab.networks.batches import Batches

Batch = tuple[npt.NDArray[Any], npt.NDArray[np.float32]]


def from_batches(batches: Batches) -> tf.data.Dataset:
    """Gives the batches of an epoch, in the order that they have when the epoch begins."""

    def epoch() -> Iterator[Batch]:
        for place in range(len(batches)):
            yield batches[place]

    signature = tuple(tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in batches[0])
    found = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    return _untuned(found.apply(tf.data.experimental.assert_cardinality(len(batches))))


def from_rows(inputs: npt.NDArray[Any], targets: npt.NDArray[np.float32], batch_size: int) -> tf.data.Dataset:
    """Gives rows in their order; the last batch has what is left over.

    Args:
        inputs: of shape (rows, steps).
        targets: of shape (rows, 1).
        batch_size: rows a batch.
    """
    return _untuned(tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(batch_size))


def _untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(1).with_options(options)
