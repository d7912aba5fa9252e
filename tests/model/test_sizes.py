"""Sizes of networks against Keras itself: recurrent parameters."""

from itertools import product

import numpy as np
import pytest

from rnnlab.networks import layers, models, sizes
from tests.support.networks import plain


@pytest.mark.parametrize(
    ("cell", "stacked", "bidirectional"), list(product(("simple_rnn", "lstm", "gru"), (1, 3), (False, True)))
)
def test_recurrent_parameters_are_counted_as_keras_does(cell: str, stacked: int, bidirectional: bool) -> None:
    options = plain(5, 7, cell=cell, layers=stacked, bidirectional=bidirectional, dense=3)
    forecaster = options.model_copy(update={"output": "linear"})
    examples = {"text": (np.zeros((2, 6)), np.array([[0], [1]])), "series": (np.zeros((2, 6, 3)), np.zeros((2, 4)))}
    for task, network in (("text", options), ("series", forecaster)):
        described = layers.describe(models.build(task, network, 20, examples[task]))
        counted = sum(layer["parameters"] for layer in described if layer["cell"])
        assert sizes.recurrent_parameters(task, network, 7, channels=3) == counted


def test_parameters_of_a_network_on_sequences_depend_on_their_channels() -> None:
    rows = np.zeros((2, 6, 3), np.float32), np.array([[0], [1]], np.float32)
    described = layers.describe(models.build("sequences", plain(5, 7), 0, rows))
    counted = sum(layer["parameters"] for layer in described if layer["cell"])
    assert sizes.recurrent_parameters("sequences", plain(5, 7), 7, channels=3) == counted
