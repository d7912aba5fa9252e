"""Gradients of networks are those of finite differences."""

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import logsumexp

from rnnlab.evaluation import gradients
from rnnlab.networks import models
from tests.support.networks import plain

CHANNELS, UNITS, LENGTH = 3, 4, 6
WORDS = 15  # one for each step of ROWS that is no padding
ROWS = np.array([[1, 2, 3, 4, 5, 6], [0, 0, 7, 8, 9, 10], [11, 12, 13, 14, 15, 0]], np.int32)
EPSILON = 3e-3
# The words themselves, then each nudged up and down in each channel.
VOCABULARY = 1 + WORDS + 2 * WORDS * CHANNELS


def network(vocabulary: int = VOCABULARY, length: int = LENGTH, seed: int = 1, **changes: object) -> keras.Model:
    keras.utils.set_random_seed(seed)
    model = models.build_classifier(plain(**{"embedding_dim": CHANNELS, "units": UNITS, **changes}), vocabulary, length)
    words = np.random.default_rng(seed).normal(size=(vocabulary, CHANNELS))
    model.get_layer("embedding").set_weights([words])  # Keras' own are so small that every cell is nearly linear
    return model


def logits(model: keras.Model, tokens: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    outputs = model.predict(tokens, verbose=0).astype(np.float64)
    return np.log(outputs[:, 0] / (1 - outputs[:, 0])) if outputs.shape[1] == 1 else outputs[:, 1] - outputs[:, 0]


def numeric_norms(model: keras.Model) -> npt.NDArray[np.float64]:
    """Central differences on ROWS: a word's nudged twins are words of their own, so that one batch holds them all."""
    words = model.get_layer("embedding").get_weights()[0]
    nudged, places = [], []
    for row, step in np.argwhere(ROWS):
        for channel in range(CHANNELS):
            for sign in (1, -1):
                twin = 1 + WORDS + len(nudged)
                words[twin] = words[ROWS[row, step]]
                words[twin, channel] += sign * EPSILON
                nudged.append(ROWS[row].copy())
                nudged[-1][step] = twin
                places.append((row, step))
    model.get_layer("embedding").set_weights([words])
    up, down = logits(model, np.array(nudged)).reshape(-1, 2).T
    squares = np.zeros(ROWS.shape)
    np.add.at(squares, tuple(np.array(places[::2]).T), ((up - down) / (2 * EPSILON)) ** 2)
    return np.sqrt(squares)


@pytest.mark.parametrize("cell", ["simple_rnn", "lstm"])
def test_fresh_weights_are_those_that_a_training_starts_with(cell: str) -> None:
    def built(seed: int) -> keras.Model:
        keras.utils.set_random_seed(seed)
        return models.build_classifier(
            plain(cell=cell, embedding_dim=2, units=3, word_dropout=0.1, layers=2), 9, LENGTH
        )

    start, trained = built(3), built(4)
    trained.set_weights([weights + 1 for weights in trained.get_weights()])
    for fresh, wanted in zip(gradients.fresh_weights(trained, 3), start.get_weights(), strict=True):
        np.testing.assert_array_equal(fresh, wanted)


@pytest.mark.parametrize("output", ["sigmoid", "logits"])
@pytest.mark.parametrize("pooling", ["last", "mean_max"])
@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru"])
def test_gradient_norms_are_those_of_finite_differences(cell: str, pooling: str, output: str) -> None:
    model = network(cell=cell, pooling=pooling, output=output)
    expected = numeric_norms(model)
    norms = gradients.gradient_norms(model, ROWS, batch_size=3)
    assert norms.dtype == np.float32
    assert norms.shape == ROWS.shape
    np.testing.assert_allclose(norms, expected, rtol=0.01, atol=2e-4)
    assert (norms[ROWS == 0] == 0).all()
    assert (norms[ROWS != 0] > 0).all()


@pytest.mark.weekly
def test_gradient_norms_of_a_deep_network_are_those_of_finite_differences() -> None:
    model = network(layers=2, bidirectional=True, dense=4, pooling="max")
    np.testing.assert_allclose(gradients.gradient_norms(model, ROWS, 3), numeric_norms(model), rtol=0.01, atol=2e-4)


def test_padding_that_is_not_masked_has_a_gradient() -> None:
    model = network(cell="simple_rnn", mask=False)
    norms = gradients.gradient_norms(model, ROWS, 3)
    np.testing.assert_allclose(norms[0], numeric_norms(model)[0], rtol=0.01, atol=2e-4)
    assert (norms[ROWS == 0] > 0).all()


def test_gradient_norms_leave_the_network_as_it_is(recwarn: pytest.WarningsRecorder) -> None:
    model = network(dropout=0.5)
    model.get_layer("embedding").trainable = False
    config, weights = model.get_config(), model.get_weights()
    trainable = [weight.trainable for weight in model.weights]
    before = model.predict(ROWS, verbose=0)
    gradients.gradient_norms(model, ROWS, 3)
    assert model.get_config() == config
    assert [weight.trainable for weight in model.weights] == trainable
    for now, then in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, then)
    np.testing.assert_array_equal(model.predict(ROWS, verbose=0), before)
    assert not [warning for warning in recwarn if issubclass(warning.category, UserWarning)]


def test_dropout_makes_no_difference() -> None:
    names = ("word_dropout", "embedding_dropout", "input_dropout", "recurrent_dropout", "dropout")
    still, dropping = network(), network(**dict.fromkeys(names, 0.5))
    dropping.set_weights(still.get_weights())
    norms = [gradients.gradient_norms(model, ROWS, 3) for model in (still, dropping)]
    np.testing.assert_allclose(*norms, rtol=1e-5)


def test_gradient_norms_do_not_depend_on_the_batches(tmp_path: Path) -> None:
    model = network(cell="gru")
    np.save(tmp_path / "tokens.npy", np.concatenate([ROWS, ROWS[:2]]))
    mapped = np.load(tmp_path / "tokens.npy", mmap_mode="r")
    whole, parts = (gradients.gradient_norms(model, mapped, size) for size in (100, 2))
    np.testing.assert_allclose(whole, parts, rtol=1e-5)
    np.testing.assert_array_equal(parts[:2], parts[3:])


@pytest.mark.parametrize("weight", [0.5, 1e-5])
def test_a_simple_rnn_with_small_recurrent_weights_forgets_exponentially(weight: float) -> None:
    length = 8
    model = network(length=length, cell="simple_rnn")
    model.get_layer("embedding").set_weights([np.full((VOCABULARY, CHANNELS), 1e-4)])
    kernel, _, bias = model.get_layer("recurrent").get_weights()
    model.get_layer("recurrent").set_weights([kernel, weight * np.eye(UNITS), bias])
    (norms,) = gradients.gradient_norms(model, np.arange(1, length + 1, dtype=np.int32)[None], 1)
    # tanh' is 1 around 0, so each step back multiplies by the weight alone: down to 1e-35.
    np.testing.assert_allclose(norms / norms[-1], weight ** np.arange(length - 1.0, -1, -1), rtol=1e-4)


def test_the_gradient_of_three_labels_is_that_of_the_log_odds_of_the_likeliest() -> None:
    tokens = np.array([[2, 3, 1, 3], [5, 4, 5, 6]], np.int32)
    model = models.build_classifier(plain(CHANNELS, UNITS, output="auto", mask=False), 8, 4, labels=3)
    found = gradients.gradient_norms(model, tokens, batch_size=2)
    vectors, rest = np.asarray(model.layers[0](tokens)), keras.Sequential(model.layers[1:])
    likeliest = np.asarray(model(tokens)).argmax(axis=1)

    def log_odds(moved: np.ndarray) -> np.ndarray:
        logits = np.asarray(rest(moved), np.float64)
        others = np.where(np.arange(3) == likeliest[:, None], -np.inf, logits)
        return logits[np.arange(len(logits)), likeliest] - logsumexp(others, axis=1)

    squares = np.zeros(tokens.shape)
    for place, channel in np.ndindex(tokens.shape[1], CHANNELS):
        nudge = np.zeros_like(vectors)
        nudge[:, place, channel] = 1e-2
        squares[:, place] += ((log_odds(vectors + nudge) - log_odds(vectors - nudge)) / 2e-2) ** 2
    np.testing.assert_allclose(found, np.sqrt(squares), rtol=0.02)


def test_norms_are_averaged_by_the_distance_from_the_last_word() -> None:
    before = np.array([[0, 0, 5], [0, 6, 5], [7, 6, 5]] * 5, np.int32)
    after = np.array([[5, 0, 0], [6, 5, 0], [7, 6, 5]] * 5, np.int32)
    norms_before = np.array([[9, 9, 1], [9, 2, 4], [8, 0, 1]] * 5, np.float32)
    norms_after = np.array([[1, 9, 9], [2, 4, 9], [8, 0, 1]] * 5, np.float32)
    np.testing.assert_array_equal(gradients.norms_by_distance(norms_before, before), [2, 1, 8])
    np.testing.assert_array_equal(gradients.norms_by_distance(norms_after, after), [2, 1, 8])


def test_a_distance_that_few_rows_have_has_no_mean() -> None:
    rows = np.array([[0, 1, 1]] * 5 + [[1, 1, 1]] * 4, np.int32)
    means = gradients.norms_by_distance(np.full(rows.shape, 1e-30, np.float32), rows)
    np.testing.assert_allclose(means, [1e-30, 1e-30, np.nan], rtol=1e-6)


def forecaster(**changes: object) -> keras.Model:
    keras.utils.set_random_seed(1)
    options = plain(**{"embedding_dim": CHANNELS, "units": UNITS, "output": "linear", **changes})
    return models.build_forecaster(options, LENGTH, channels=CHANNELS, horizon=2)


WINDOWS = np.random.default_rng(2).normal(size=(5, LENGTH, CHANNELS)).astype(np.float32)


def numeric_attributions(model: keras.Model) -> npt.NDArray[np.float64]:
    """Central differences of the mean forecast."""
    moved = np.zeros((LENGTH, CHANNELS))
    for step, channel in np.ndindex(LENGTH, CHANNELS):
        up, down = WINDOWS.copy(), WINDOWS.copy()
        up[:, step, channel] += EPSILON
        down[:, step, channel] -= EPSILON
        slope = (model.predict(up, verbose=0) - model.predict(down, verbose=0)).mean(axis=1) / (2 * EPSILON)
        moved[step, channel] = np.abs(slope * WINDOWS[:, step, channel]).mean()
    return moved


@pytest.mark.parametrize(
    "changes",
    [{"cell": "simple_rnn"}, {"cell": "lstm", "layers": 2, "dropout": 0.5}, {"cell": "gru", "residual": True}],
)
def test_attributions_are_inputs_times_finite_differences(changes: dict[str, object]) -> None:
    model = forecaster(**changes)
    found = gradients.attributions(model, WINDOWS, batch_size=100)
    assert found.shape == (LENGTH, CHANNELS)
    np.testing.assert_allclose(found, numeric_attributions(model), rtol=0.02, atol=2e-4)
    np.testing.assert_allclose(gradients.attributions(model, WINDOWS, batch_size=2), found, rtol=1e-5)


def test_what_a_forecaster_does_not_read_moves_nothing() -> None:
    model = forecaster(cell="lstm")
    kernel, *others = model.get_layer("recurrent").get_weights()
    kernel[1] = 0
    model.get_layer("recurrent").set_weights([kernel, *others])
    found = gradients.attributions(model, WINDOWS, batch_size=5)
    assert (found[:, 1] == 0).all()
    assert (found[:, [0, 2]] > 0).all()
