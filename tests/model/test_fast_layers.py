import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnnlab.networks import fast_layers, keras_import, models
from rnnlab.project.sections.networks import Model
from tests.support.networks import plain

VOCABULARY, STEPS, ROWS = 20, 7, 6
SHAPES = {
    "last": {},
    "both-directions": {"bidirectional": True},
    "two-layers": {"layers": 2},
    "both-directions-pooled": {"bidirectional": True, "pooling": "mean_max"},
    "summed": {"pooling": "sqrtn_max"},
    "no-mask": {"mask": False, "bidirectional": True},
}
CELLS = ("simple_rnn", "lstm", "gru")


def words(lengths: list[int], side: str, steps: int = STEPS) -> np.ndarray:
    """Rows of so many words, padded on one side."""
    rows = np.random.default_rng(3).integers(1, VOCABULARY, (len(lengths), steps)).astype(np.int32)
    place = np.arange(steps)
    for row, length in zip(rows, lengths, strict=True):
        row[(place < steps - length) if side == "pre" else (place >= length)] = 0
    return rows


def twins(
    options: Model, steps: int = STEPS, batch_size: int = 4, threads: int = 1, channels: int = 0
) -> tuple[keras.Sequential, keras.Sequential]:
    keras.utils.set_random_seed(5)
    stock = models.build_classifier(options, VOCABULARY, steps, channels=channels)
    # Weights large enough that gates leave their linear part, and biases that are not all alike.
    generator = np.random.default_rng(1)
    stock.set_weights([weights + generator.normal(0, 0.5, weights.shape) for weights in stock.get_weights()])
    return stock, fast_layers.accelerate(stock, batch_size, threads)


def gradients(network: keras.Sequential, tokens: np.ndarray) -> dict[str, np.ndarray]:
    targets = np.arange(len(tokens))[:, None] % 2
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.binary_crossentropy(targets, network(tokens, training=True)))
    found = tape.gradient(loss, [weights.value for weights in network.trainable_variables])
    pairs = zip(network.trainable_variables, found, strict=True)
    return {weights.path: tf.convert_to_tensor(slope).numpy() for weights, slope in pairs}


def assert_same(stock: keras.Sequential, fast: keras.Sequential, tokens: np.ndarray) -> None:
    np.testing.assert_allclose(fast(tokens), stock(tokens), rtol=1e-4, atol=1e-6)
    wanted, found = gradients(stock, tokens), gradients(fast, tokens)
    assert found.keys() == wanted.keys()
    assert len(wanted) == len(stock.weights)
    steps = tokens.shape[1]
    for path, slope in wanted.items():
        if steps > 1:  # the recurrent weights have nothing to do in a single step
            assert np.abs(slope).max() > 1e-6, path
        np.testing.assert_allclose(found[path], slope, rtol=1e-4, atol=1e-4 * np.abs(slope).max(), err_msg=path)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_and_gradients_are_those_of_the_stock_layers(cell: str, shape: str) -> None:
    stock, fast = twins(plain(3, 4, cell=cell, **SHAPES[shape]))
    assert [type(layer).__name__ for layer in fast.layers].count("Recurrence") == len(
        [layer for layer in stock.layers if layer.name.startswith("recurrent")]
    )
    # Two steps are padding in all rows, one row is padding alone (whose mean Keras has as 0 / 0), and the last batch of
    # four is not full.
    for side in ("pre", "post"):
        assert_same(stock, fast, words([5, 3, 1, 2 if "pooled" in shape else 0, 4, 5], side))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_simple_rnn_with_relu_is_computed_as_by_keras(shape: str) -> None:
    stock, fast = twins(plain(3, 4, cell="simple_rnn", init="identity", **SHAPES[shape]))
    assert_same(stock, fast, words([5, 3, 1, 2, 4, 5], "pre"))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_and_gradients_on_numbers_are_those_of_the_stock_layers(cell: str, shape: str) -> None:
    stock, fast = twins(plain(3, 4, cell=cell, **SHAPES[shape]), channels=2)
    used = words([5, 3, STEPS - 2, 1, 4, 6], "pre") != 0
    numbers = np.random.default_rng(4).normal(size=(*used.shape, 2)).astype(np.float32) * used[:, :, None]
    numbers[2, -1, 0] = 0  # in one channel of a step: no padding
    assert_same(stock, fast, numbers)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_threads_that_share_a_batch_give_the_same(cell: str, shape: str) -> None:
    stock, fast = twins(plain(3, 4, cell=cell, **SHAPES[shape]), threads=3)  # 3 do not divide the batch's 4 rows
    assert_same(stock, fast, words([5, 3, 1, 2, 4, 5, 1], "pre"))


def test_what_threads_compute_does_not_depend_on_the_cores() -> None:
    assert trained_digest(1) == trained_digest(3)


def trained_digest(cores: int) -> str:
    """Trains on so many cores, or all of a machine that has fewer; where a process cannot choose, only as if."""
    script = """
import hashlib, os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(sys.argv[1])])
import keras, numpy as np
from rnnlab.networks import fast_layers
from tests.model.test_fast_layers import plain, twins, words
stock, fast = twins(plain(16, 128, cell="lstm"), batch_size=8, threads=3)
fast.compile("adam", "binary_crossentropy")
fast.fit(words([7, 5, 3, 2] * 20, "pre"), np.ones((80, 1)), epochs=3, verbose=0, shuffle=False)
print(hashlib.sha256(b"".join(weights.tobytes() for weights in stock.get_weights())).hexdigest())
"""
    environment = {**os.environ, **keras_import.thread_variables(3), "TF_NUM_INTEROP_THREADS": str(cores)}
    done = subprocess.run(
        [sys.executable, "-c", script, str(cores)], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_padding_that_a_whole_batch_shares_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_layers, "STRIDE", 4)
    stock, fast = twins(plain(3, 4, cell="lstm", **SHAPES["both-directions-pooled"]), steps=10)
    for side, lengths, left in (("pre", [5, 3, 1], 8), ("post", [5, 3, 2], 8), ("pre", [3, 1], 4), ("post", [9], 10)):
        tokens = words(lengths, side, steps=10)
        assert_same(stock, fast, tokens)
        cut = fast.layers[0](tokens).numpy()
        assert cut.shape == (len(lengths), left)
        assert [row[row > 0].tolist() for row in cut] == [row[row > 0].tolist() for row in tokens]


def test_padding_of_numbers_is_cut_off_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_layers, "STRIDE", 2)
    numbers = np.ones((3, 9, 2), np.float32)
    numbers[:, :4] = 0
    numbers[:, 4, 0] = 0
    assert fast_layers.Trim()(numbers).shape == (3, 6, 2)


@pytest.mark.parametrize("cell", CELLS)
def test_a_single_step_is_enough(cell: str) -> None:
    stock, fast = twins(plain(3, 4, cell=cell), steps=1)
    assert_same(stock, fast, np.array([[3], [7], [0]], np.int32))


def test_dropped_words_and_channels_are_the_same_in_both() -> None:
    names = ("word_dropout", "embedding_dropout", "input_dropout")
    for dropped in (*((name,) for name in names), names[:2]):
        weights = []
        for engine in (0, 1):
            network = twins(plain(3, 4, **dict.fromkeys(dropped, 0.5)))[engine]
            weights.append(gradients(network, words([7, 7, 5, 3], "pre")))
        for path, slope in weights[0].items():
            np.testing.assert_allclose(weights[1][path], slope, rtol=1e-4, atol=1e-6, err_msg=f"{dropped} {path}")


def test_dropout_between_steps_stays_with_the_stock_layer() -> None:
    _, fast = twins(plain(3, 4, recurrent_dropout=0.5))
    assert not any(isinstance(layer, fast_layers.Recurrence) for layer in fast.layers)


@pytest.mark.parametrize("residual", [False, True])
def test_a_forecaster_is_made_faster_too(residual: bool) -> None:
    keras.utils.set_random_seed(5)
    stock = models.build_forecaster(plain(3, 4, output="linear", layers=2, residual=residual), STEPS)
    fast = fast_layers.accelerate(stock, 4)
    assert any(isinstance(layer, fast_layers.Recurrence) for layer in fast.layers)
    values = np.random.default_rng(1).normal(size=(6, STEPS, 1)).astype(np.float32)
    np.testing.assert_allclose(fast(values), stock(values), rtol=1e-4, atol=1e-6)


def test_what_was_trained_is_a_plain_keras_model(tmp_path: Path) -> None:
    stock, fast = twins(plain(3, 4))
    names = [weights.path for weights in stock.weights]
    fast.compile("adam", "binary_crossentropy")
    tokens = words([7, 5, 3, 2], "pre")
    before = stock.predict_on_batch(tokens)
    fast.fit(tokens, np.ones((4, 1)), epochs=3, verbose=0)
    assert np.all(stock.predict_on_batch(tokens) > before)
    assert [weights.path for weights in stock.weights] == names
    models.save(stock, tmp_path / "model.keras")
    plain_keras = keras.saving.load_model(tmp_path / "model.keras", custom_objects={}, safe_mode=True)
    assert {type(layer).__module__.split(".")[0] for layer in plain_keras.layers} == {"keras"}
    np.testing.assert_array_equal(plain_keras.predict_on_batch(tokens), stock.predict_on_batch(tokens))
