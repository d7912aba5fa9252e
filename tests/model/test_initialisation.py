"""How cells begin, by `init`: weights, and networks that are saved and loaded."""

from pathlib import Path

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from rnnlab.evaluation import states
from rnnlab.networks import cells, models, predicting
from tests.support.networks import plain

UNITS, LENGTH = 400, 50


def layer_of(seed: int = 1, units: int = UNITS, **changes: object) -> keras.Layer:
    keras.utils.set_random_seed(seed)
    return models.build_classifier(plain(3, units, **changes), 20, LENGTH).get_layer("recurrent")


def gates(bias: np.ndarray) -> list[np.ndarray]:
    """The biases of an LSTM's input gate, forget gate, candidate and output gate."""
    return np.split(np.asarray(bias), 4)


def test_an_lstm_begins_with_an_open_forget_gate_unless_it_is_told_not_to() -> None:
    for init, expected in (("default", 1.0), ("no_forget_bias", 0.0)):
        enter, forget, candidate, leave = gates(layer_of(init=init).get_weights()[2])
        assert (forget == expected).all()
        assert not enter.any() and not candidate.any() and not leave.any()


def test_other_beginnings_leave_the_other_weights_as_they_are() -> None:
    usual = layer_of().get_weights()
    for init in ("no_forget_bias", "chrono"):
        for one, other in zip(usual[:2], layer_of(init=init).get_weights()[:2], strict=True):
            assert one.tolist() == other.tolist()


def test_chrono_draws_time_scales_up_to_the_length_of_a_sequence() -> None:
    enter, forget, candidate, leave = gates(layer_of(init="chrono").get_weights()[2])
    scales = np.exp(forget)
    assert scales.min() >= 1 and scales.max() <= LENGTH - 1 + 1e-3
    assert scales.mean() == pytest.approx(LENGTH / 2, rel=0.1)  # of a uniform distribution
    assert (enter == -forget).all()
    assert not candidate.any() and not leave.any()


def test_the_draw_depends_on_the_seed_alone() -> None:
    drawn = [layer_of(seed, init="chrono").get_weights()[2].tolist() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_gru_keeps_its_state_over_the_time_scales() -> None:
    bias, again = layer_of(cell="gru", init="chrono").get_weights()[2]
    scales = np.exp(bias[:UNITS])
    assert scales.max() <= LENGTH - 1 + 1e-3 and scales.mean() == pytest.approx(LENGTH / 2, rel=0.1)
    assert not bias[UNITS:].any() and not again.any()


@pytest.mark.parametrize("steps", [1, 2])
def test_sequences_of_a_step_or_two_have_no_time_scales(steps: int) -> None:
    network = models.build_classifier(plain(3, 4, init="chrono"), 20, steps)
    assert not network.get_layer("recurrent").get_weights()[2].any()


def test_a_forecaster_has_the_time_scales_of_its_window() -> None:
    forecaster = models.build_forecaster(plain(3, UNITS, init="chrono", output="linear"), 12)
    forget = gates(forecaster.get_layer("recurrent").get_weights()[2])[1]
    assert 9 < np.exp(forget).max() <= 11 + 1e-3


def test_an_irnn_repeats_its_state_and_reads_little() -> None:
    layer = layer_of(cell="simple_rnn", init="identity")
    kernel, recurrent, bias = layer.get_weights()
    assert layer.activation is keras.activations.relu
    assert (recurrent == np.eye(UNITS)).all() and not bias.any()
    assert kernel.std() == pytest.approx(cells.SMALL, rel=0.1) and abs(kernel.mean()) < cells.SMALL / 5


@pytest.mark.parametrize(
    ("cell", "init", "cells"),
    [
        ("simple_rnn", "chrono", "lstm or gru"),
        ("gru", "no_forget_bias", "lstm"),
        ("lstm", "identity", "simple_rnn"),
        ("mine", "chrono", "lstm or gru"),
    ],
)
def test_a_beginning_that_a_cell_cannot_have_is_refused(cell: str, init: str, cells: str) -> None:
    expected = f"init: {init} is a way for {cells} to begin, not for {cell}; set default"
    with pytest.raises(ValidationError, match=expected):
        plain(3, 4, cell=cell, init=init)


@pytest.mark.parametrize(
    ("cell", "init"),
    [("lstm", "no_forget_bias"), ("lstm", "chrono"), ("gru", "chrono"), ("simple_rnn", "identity")],
)
def test_a_saved_network_is_loaded_as_it_was(cell: str, init: str, tmp_path: Path) -> None:
    network = models.build_classifier(plain(3, 4, cell=cell, init=init), 20, LENGTH)
    models.save(network, tmp_path / "network.keras")
    loaded = models.load(tmp_path / "network.keras")
    for one, other in zip(network.get_weights(), loaded.get_weights(), strict=True):
        assert one.tolist() == other.tolist()
    rows = np.random.default_rng(1).integers(1, 20, (5, LENGTH)).astype(np.int32)
    np.testing.assert_array_equal(predicting.predict(loaded, rows, 5), predicting.predict(network, rows, 5))
    # Keras alone, without any code of this project, can load it too.
    assert "rnnlab" not in network.get_layer("recurrent").get_config().__repr__()


def test_states_of_an_irnn_are_those_of_keras() -> None:
    network = models.build_classifier(plain(3, 4, cell="simple_rnn", init="identity"), 20, LENGTH)
    draw = np.random.default_rng(1)
    network.set_weights([draw.normal(scale=0.5, size=weights.shape) for weights in network.get_weights()])
    vectors = draw.normal(size=(6, 3)).astype(np.float32)
    layer = network.get_layer("recurrent")
    followed = states._scan(network, vectors)["hidden"]
    np.testing.assert_allclose(followed[-1], np.asarray(layer(vectors[None]))[0], rtol=1e-5)
    assert (followed >= 0).all() and followed.any()
