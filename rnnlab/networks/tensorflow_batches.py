"""Batches for Keras on TensorFlow, prefetched by one thread.

By default, Keras lets tf.data tune its buffers during training. The tuning thread sleeps twice as long each time, and
on a busy processor the end of an epoch often has to wait until it wakes: at worst for as long as the epoch took.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from rnnlab.networks.batches import Batches

Batch = tuple[npt.NDArray[Any], npt.NDArray[np.float32]]


def from_batches(batches: Batches) -> tf.data.Dataset:
    """Returns the batches of an epoch, in the order that they have when the epoch begins."""

    def epoch() -> Iterator[Batch]:
        for index in range(len(batches)):
            yield batches[index]

    signature = tuple(tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in batches[0])
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    return _untuned(dataset.apply(tf.data.experimental.assert_cardinality(len(batches))))


def from_rows(inputs: npt.NDArray[Any], targets: npt.NDArray[np.float32], batch_size: int) -> tf.data.Dataset:
    """Returns rows in their order, in batches; the last batch holds the remainder.

    Args:
        inputs: of shape (rows, steps).
        targets: of shape (rows, 1).
        batch_size: rows per batch.
    """
    return _untuned(tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(batch_size))


def _untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(1).with_options(options)
