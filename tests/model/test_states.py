"""`rnnlab.evaluation.states` against Keras' own layers."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from scipy.special import expit

from rnnlab.evaluation import states
from rnnlab.features.text import PADDING_ID, encode
from rnnlab.networks import cells, models, training
from rnnlab.networks.checkpoints import Checkpoint
from rnnlab.project.params import Run
from rnnlab.project.sections.data import TokenizePad
from rnnlab.project.sections.networks import Train
from tests.support.networks import plain

UNITS, LENGTH = 4, 7
TEXT = "we saw a dull film but it was not long"
SPLIT = TEXT.split()
KNOWN = ["", "<unk>", *SPLIT[:-1]]
CELLS = ["simple_rnn", "lstm", "gru"]
HEAD = LENGTH // 4  # words of the start that truncation in the middle keeps


def network(**changes: Any) -> keras.Model:
    keras.utils.set_random_seed(1)
    model = models.build_classifier(plain(**{"embedding_dim": 3, "units": UNITS, **changes}), len(KNOWN), LENGTH)
    draw = np.random.default_rng(1)
    model.set_weights([draw.normal(size=weights.shape) for weights in model.get_weights()])  # biases, too
    return model


def options(padding: str = "pre", truncation: str = "pre", length: int = LENGTH) -> TokenizePad:
    values = {"vocabulary_size": 99, "max_length": length, "oov_token": "<unk>"}
    return TokenizePad.model_validate({**values, "padding": padding, "truncation": truncation})


def by_keras(model: keras.Model, tokens: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    """The forward layer's output after each word of a row, padding left out, from Keras' own layer."""
    embedding = model.layers[0]
    first = next(layer for layer in model.layers if layer.name.startswith("recurrent"))
    own = getattr(first, "forward_layer", first)
    layer = type(own).from_config({**own.get_config(), "return_sequences": True})
    layer.build((None, None, 3))
    layer.set_weights(own.get_weights())
    mask = tokens != PADDING_ID
    outputs = layer(embedding(tokens[None]), mask=mask[None] if embedding.mask_zero else None)
    return np.asarray(outputs)[0][mask]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mask": False},
        {"layers": 2, "bidirectional": True, "pooling": "mean_max"},
        {"dropout": 0.5, "word_dropout": 0.5, "embedding_dropout": 0.5, "input_dropout": 0.5, "recurrent_dropout": 0.5},
    ],
    ids=["plain", "unmasked", "deep", "dropping"],
)
@pytest.mark.parametrize("padding", ["pre", "post"])
def test_the_hidden_state_is_that_of_keras(cell: str, changes: dict[str, Any], padding: str) -> None:
    model, text = network(cell=cell, **changes), "a film not long"
    tokens = encode(pa.array([text]), KNOWN, options(padding)).tokens[0]
    assert (tokens == PADDING_ID).sum() == 3
    read = states.read(model, text, KNOWN, options(padding))
    assert read.words == text.split()
    expected = by_keras(model, tokens)
    assert np.abs(np.diff(expected, axis=0)).max() > 0.1
    np.testing.assert_allclose(read.values["hidden"], expected, atol=1e-5)
    assert {values.dtype for values in read.values.values()} == {np.dtype("float32")}
    assert {values.shape for values in read.values.values()} == {(4, UNITS)}


def test_the_cell_state_is_that_of_keras() -> None:
    model = network()
    own = model.get_layer("recurrent")
    layer = keras.layers.LSTM(UNITS, return_state=True)
    layer.build((None, None, 3))
    layer.set_weights(own.get_weights())
    tokens = encode(pa.array([TEXT]), KNOWN, options()).tokens
    _, hidden, memory = layer(model.layers[0](tokens))
    read = states.read(model, TEXT, KNOWN, options()).values
    np.testing.assert_allclose(read["cell"][-1], np.asarray(memory)[0], atol=1e-5)
    np.testing.assert_allclose(read["hidden"][-1], np.asarray(hidden)[0], atol=1e-5)


@pytest.mark.parametrize(
    ("cell", "bias", "gates"),
    [
        ("lstm", [-2.0, 1.0, 0.0, 0.5], {"input": -2.0, "forget": 1.0}),
        ("gru", [[-2.0, 1.0, 0.0], [0.5, 0.25, 0.0]], {"update": -1.5, "reset": 1.25}),
    ],
)
def test_a_gate_that_hears_its_bias_alone_is_that_of_its_name(
    cell: str, bias: list[Any], gates: dict[str, float]
) -> None:
    model = network(cell=cell)
    kernel, recurrent, _ = model.get_layer("recurrent").get_weights()
    biases = np.repeat(np.array(bias), UNITS, axis=-1)
    model.get_layer("recurrent").set_weights([0 * kernel, 0 * recurrent, biases])
    read = states.read(model, TEXT, KNOWN, options()).values
    assert set(read) - {"hidden", "cell"} == set(gates)
    for name, value in gates.items():
        np.testing.assert_allclose(read[name], expit(value), rtol=1e-6)


def test_every_cell_can_be_followed() -> None:
    assert set(states.STEPS) == {cell.__name__ for cell in cells.CELLS.values()}


def test_a_simple_rnn_has_a_hidden_state_alone() -> None:
    assert set(states.read(network(cell="simple_rnn"), TEXT, KNOWN, options()).values) == {"hidden"}


@pytest.mark.parametrize(
    ("truncation", "words"),
    [("pre", SPLIT[-LENGTH:]), ("post", SPLIT[:LENGTH]), ("middle", SPLIT[:HEAD] + SPLIT[HEAD - LENGTH :])],
)
def test_of_a_long_text_the_words_are_those_that_the_network_sees(truncation: str, words: list[str]) -> None:
    read = states.read(network(), TEXT, KNOWN, options(truncation=truncation))
    assert read.words == words
    assert len(read.values["hidden"]) == LENGTH


def test_the_last_words_are_shown_with_all_before_them_read(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network()
    whole = states.read(model, TEXT, KNOWN, options())
    monkeypatch.setattr(states, "DRAWN_WORDS", 3)
    last = states.read(model, TEXT, KNOWN, options())
    assert last.words == SPLIT[-3:]
    np.testing.assert_array_equal(last.values["hidden"], whole.values["hidden"][-3:])


@pytest.mark.parametrize("mask", [True, False])
def test_a_text_without_a_word_is_read(mask: bool) -> None:
    read = states.read(network(mask=mask), "…", KNOWN, options())
    assert read.words == [""]
    assert read.values["cell"].shape == (1, UNITS)


def test_what_the_fast_engine_trained_is_read_from_its_file(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    rows = (draw.integers(2, len(KNOWN), (32, LENGTH)).astype(np.int32), np.ones((32, 1), np.float32))
    model, values = network(cell="gru"), {"epochs": 1, "batch_size": 16, "learning_rate": 0.01, "engine": "fast"}
    rest = {"schedule": "constant", "clip_norm": 1.0, "ema_momentum": None, "patience": 1, "keep": "last"}
    budget = Train.model_validate({"seeds": [1], "threads": 1, "class_weights": "none", **values, **rest})
    training.fit(model, rows, rows, budget, Run("gru", 1), Checkpoint(tmp_path / "state.npz"), lambda row: None)
    models.save(model, tmp_path / "gru-1.keras")
    read = states.read(models.load(tmp_path / "gru-1.keras"), TEXT, KNOWN, options())
    expected = by_keras(model, encode(pa.array([TEXT]), KNOWN, options()).tokens[0])
    np.testing.assert_allclose(read.values["hidden"], expected, atol=1e-5)
