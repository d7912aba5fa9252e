import keras
import numpy as np
import pytest

from rnnlab.networks import models, predicting
from tests.model.test_models import LENGTH, VOCABULARY, built, sequences
from tests.support.networks import plain


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("at_once", [1, 4, 7])
def test_how_many_rows_are_held_in_memory_changes_no_prediction(
    monkeypatch: pytest.MonkeyPatch, at_once: int, mask: bool
) -> None:
    network, rows = built(cell="lstm", mask=mask), np.tril(np.full((LENGTH, LENGTH), 3, np.int32))
    expected = network.predict(rows, verbose=0)[:, 0]
    monkeypatch.setattr(predicting, "ROWS_AT_ONCE", at_once)
    np.testing.assert_allclose(predicting.predict(network, rows, 2), expected, rtol=1e-5)


def test_logits_are_read_as_a_probability() -> None:
    network = built(output="logits")
    rows = np.array([[3, 4, 5, 6, 7, 8, 9]], np.int32)
    logits = np.asarray(network(rows))[0].astype(np.float64)
    expected = np.exp(logits[1]) / np.exp(logits).sum()
    assert predicting.predict(network, rows, 1)[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("padding", ["before", "after"])
@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_reading_rows_by_length_without_shared_padding_changes_no_prediction(padding: str, pooling: str) -> None:
    keras.utils.set_random_seed(1)
    network = models.build_classifier(plain(embedding_dim=5, units=4, pooling=pooling), VOCABULARY, max_length=150)
    lengths = [150, 0, 0, 3, 64, 65, 149, 1, 128, 20, 5, 70]
    tokens = np.zeros((len(lengths), 150), np.int32)
    generator = np.random.default_rng(1)
    for row, length in enumerate(lengths):
        place = slice(150 - length, 150) if padding == "before" else slice(length)
        tokens[row, place] = generator.integers(1, VOCABULARY, length)
    whole = predicting.predict(network, tokens, batch_size=100)
    np.testing.assert_allclose(predicting.predict(network, tokens, batch_size=2), whole, atol=1e-6)


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_numbers_are_read_by_length_like_words(pooling: str) -> None:
    keras.utils.set_random_seed(1)
    options = plain(embedding_dim=5, units=4, pooling=pooling)
    network = models.build("sequences", options, 0, sequences(150, 3))
    inputs = np.random.default_rng(1).normal(size=(7, 150, 3)).astype(np.float32)
    for row, length in enumerate([150, 3, 64, 65, 149, 1, 70]):
        inputs[row, : 150 - length] = 0
        inputs[row, -length, :2] = 0  # a channel that is not 0 makes a step
    whole = predicting.predict(network, inputs, batch_size=100)
    np.testing.assert_allclose(predicting.predict(network, inputs, batch_size=2), whole, atol=1e-6)
    shorter = inputs[1:2, -3:]
    np.testing.assert_allclose(predicting.predict(network, shorter, 1), whole[1:2], atol=1e-6)
