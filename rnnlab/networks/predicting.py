"""What networks say of rows, by Keras' own layers, without the padding that rows read together share."""

import functools
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from rnnlab.features.arrays import release, used_steps
from rnnlab.networks import models

ROWS_AT_ONCE = 1 << 13  # of which the most similar lengths are read together, and whose inputs are held in memory


def predict(model: keras.Model, inputs: npt.NDArray[Any], batch_size: int) -> npt.NDArray[np.float32]:
    """Returns what a network says of inputs of the kind that it was built for.

    Returns:
        The next values of a series, float32 of shape (rows, horizon); the probability of the second of two labels,
        float32 of shape (rows,); or the probability of each of more labels, float32 of shape (rows, labels).
    """
    rows = np.asarray(inputs)
    outputs: npt.NDArray[np.float32]
    if len(rows) <= batch_size:
        # Building and tracing a network of any length takes longer than reading one text.
        outputs = np.asarray(model.predict_on_batch(rows))
    else:
        outputs = _predict_in_blocks(model, rows, batch_size)
    if model.layers[-1].name == models.FORECAST:
        return outputs
    if outputs.shape[1] == 1:
        return outputs[:, 0]
    probabilities = softmax(outputs, axis=1)
    return np.asarray(probabilities[:, 1] if outputs.shape[1] == 2 else probabilities)


def _predict_in_blocks(model: keras.Model, inputs: npt.NDArray[Any], batch_size: int) -> npt.NDArray[np.float32]:
    """Reads rows of similar lengths together, without the padding that they share if it is masked: nothing changes."""
    skips_padding = models.masks_padding(model)
    network = _of_any_length(model) if skips_padding else model
    outputs = np.empty((len(inputs), *model.output_shape[1:]), np.float32)
    for first in range(0, len(inputs), ROWS_AT_ONCE):
        block = inputs[first : first + ROWS_AT_ONCE]
        lengths = used_steps(block).sum(axis=1) if skips_padding else np.zeros(len(block))
        order = first + np.argsort(lengths, kind="stable")
        for rows in np.split(order, range(batch_size, len(order), batch_size)):
            batch = inputs[rows]
            outputs[rows] = network.predict_on_batch(_without_shared_padding(batch) if skips_padding else batch)
        release(inputs)
    return outputs


@functools.lru_cache(maxsize=1)
def _of_any_length(model: keras.Model) -> keras.Model:
    shape = (None, *model.input_shape[2:])
    return keras.Sequential([keras.Input(shape, dtype=model.inputs[0].dtype), *model.layers])


def _without_shared_padding(inputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
    length = inputs.shape[1]
    used = np.flatnonzero(used_steps(inputs).any(axis=0))
    first, stop = (used[0], used[-1] + 1) if len(used) else (0, 1)
    steps = min(length, -(-(stop - first) // models.STRIDE) * models.STRIDE)
    first = min(first, length - steps)
    return inputs[:, first : first + steps]
