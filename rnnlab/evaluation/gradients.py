"""How far back the gradients of networks reach, and what moves their answers."""

import functools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from rnnlab.features.text import PADDING_ID
from rnnlab.networks import models

MIN_ROWS = 5  # a mean over fewer says nothing


class _Nudge(keras.layers.Layer):
    """Adds a free vector, at first zero, to every step of every row of a batch of fixed size; the shape stays."""

    supports_masking = True

    def __init__(self, rows: int, steps: int, channels: int) -> None:
        super().__init__(name="nudge")
        self.vectors = self.add_weight(shape=(rows, steps, channels), initializer="zeros", name="vectors")

    def call(self, inputs: Any) -> Any:
        return inputs + self.vectors


class _Probe(keras.Model):
    """A frozen copy of a network with a nudge that alone can learn, on its embeddings or else on its inputs.

    One step of plain gradient descent at rate 1 on the sum of what the rows are asked for leaves minus its gradient in
    the nudge. It starts from 0, so nothing is rounded away; and unlike a gradient tape, every backend of Keras can do
    it.
    """

    def __init__(self, model: keras.Model, rows: int) -> None:
        super().__init__(name="probe")
        self._copy = copy = type(model).from_config(model.get_config())
        copy.layers[-1].activation = keras.activations.linear
        copy.trainable = False
        first, *others = copy.layers
        has_words = isinstance(first, keras.layers.Embedding)
        self._nudge = _Nudge(rows, *(first.output if has_words else copy.inputs[0]).shape[1:])
        layers = [first, self._nudge, *others] if has_words else [self._nudge, copy]
        self._network, self._asked = keras.Sequential(layers), ASKED[model.layers[-1].name == models.FORECAST]
        self.compile(keras.optimizers.SGD(1.0), jit_compile=False)

    def call(self, inputs: Any) -> Any:
        """Returns what each row is asked for; dropout is off, although this is a training step."""
        asked = self._asked(self._network(inputs, training=False))
        self.add_loss(keras.ops.sum(asked))
        return asked

    def take_weights(self, model: keras.Model) -> None:
        """Copies the weights of a network of the same architecture."""
        self._copy.set_weights(model.get_weights())

    def gradients(self, inputs: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Returns the gradient by row, step and channel of the embedding or input, float32."""
        self._nudge.set_weights([np.zeros(self._nudge.vectors.shape, np.float32)])
        self.train_on_batch(inputs)
        step: npt.NDArray[np.float32] = self._nudge.get_weights()[0]
        return -step


def _logit(outputs: Any) -> Any:
    """Returns each row's logit: the log-odds of the likeliest label, or of the second of two."""
    return outputs[:, 0] if outputs.shape[1] == 1 else _log_odds_of_best(outputs)


def _mean_step(outputs: Any) -> Any:
    """Returns the mean of the values that are forecast for each row."""
    return keras.ops.mean(outputs, axis=1)


def _log_odds_of_best(logits: Any) -> Any:
    """Returns the log-odds of the label with the highest logit, of shape (rows,), from shape (rows, labels)."""
    is_best = keras.ops.one_hot(keras.ops.argmax(logits, axis=1), logits.shape[1], dtype="bool")
    others = keras.ops.where(is_best, -np.inf, logits)
    return keras.ops.max(logits, axis=1) - keras.ops.logsumexp(others, axis=1)


ASKED = {False: _logit, True: _mean_step}  # whether the network forecasts


@functools.lru_cache(maxsize=1)
def _probe(model: keras.Model, rows: int) -> _Probe:
    """Builds a probe; the last one is kept, so that a network that takes other weights is not compiled again."""
    return _Probe(model, rows)


def fresh_weights(model: keras.Model, seed: int) -> list[npt.NDArray[np.float32]]:
    """Draws the weights that a network had before its training, or weights like them where layers are others.

    What does not learn, such as the numbers of pairs of words, is the network's own; channels that started at log-count
    ratios are drawn like the others.
    """
    keras.utils.set_random_seed(seed)
    fresh = keras.Sequential.from_config(model.get_config())
    for kept, variable in zip(model.non_trainable_variables, fresh.non_trainable_variables, strict=True):
        variable.assign(kept)
    weights: list[npt.NDArray[np.float32]] = fresh.get_weights()
    return weights


def gradient_norms(model: keras.Model, tokens: npt.NDArray[np.int32], batch_size: int) -> npt.NDArray[np.float32]:
    """Measures how much a small change of each word's embedding moves the logit: ‖∂ logit / ∂ embedding‖₂.

    Gradients that vanish with the distance from the end make it hard to learn from early words (Hochreiter 1991,
    "Untersuchungen zu dynamischen neuronalen Netzen"; Bengio et al. 1994, "Learning long-term dependencies with
    gradient descent is difficult"; Pascanu et al. 2013, "On the difficulty of training recurrent neural networks").
    Those of a trained network say what moves its answer, not what it could have learned; and where states are pooled,
    early words reach the logit without being remembered.

    Args:
        model: a classifier; not changed.
        tokens: word ids, int32 of shape (rows, max_length), one row at least.
        batch_size: rows at once.

    Returns:
        float32 of shape (rows, max_length), dropout off; the logit is the log-odds of the likeliest label. Masked
        padding has 0, and so has any gradient below 1e-38, the smallest number of a float32.
    """
    norms = np.empty(tokens.shape, np.float32)
    for rows, gradients in _gradients(model, tokens, batch_size):
        norms[rows] = np.linalg.norm(gradients.astype(np.float64), axis=2)  # the square of a small float32 would be 0
    return norms


def _gradients(
    model: keras.Model, inputs: npt.NDArray[Any], batch_size: int
) -> Iterator[tuple[npt.NDArray[np.int_], npt.NDArray[np.float32]]]:
    """Yields indices of rows and their gradients; batches of one size, so that nothing is compiled again."""
    size = min(batch_size, len(inputs))
    probe = _probe(model, size)
    probe.take_weights(model)
    for start in range(0, len(inputs), size):
        rows = np.arange(start, start + size) % len(inputs)  # the last batch is filled up from the start
        yield rows, probe.gradients(inputs[rows])


def attributions(model: keras.Model, inputs: npt.NDArray[np.float32], batch_size: int) -> npt.NDArray[np.float64]:
    """Measures how much each value of a window moves a forecast: |input × ∂ forecast / ∂ input|, a mean over windows.

    Shrikumar, Greenside & Kundaje 2017, "Learning important features through propagating activation differences", have
    input times gradient. The forecast is the mean of its steps. Inputs are standardised: a channel at its mean, 0, is
    taken to move nothing, and so is a word that is absent. The measure is linear around each window, and shares nothing
    out between values that move together, such as neighbours.

    Args:
        model: a forecaster; not changed.
        inputs: windows, float32 of shape (rows, window, channels), one row at least.
        batch_size: rows at once.

    Returns:
        In standard deviations of the values, float64 of shape (window, channels).
    """
    moved = np.empty(inputs.shape, np.float64)
    for rows, gradients in _gradients(model, inputs, batch_size):
        moved[rows] = np.abs(inputs[rows] * gradients.astype(np.float64))
    means: npt.NDArray[np.float64] = moved.mean(axis=0)
    return means


def norms_by_distance(norms: npt.NDArray[np.float32], tokens: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """Averages gradient norms by the distance from the text's last word, in words that the network sees.

    The mean is the arithmetic one: it is the most that words at a distance can add to the mean gradient of the rows,
    whatever their directions, and a gradient that is 0 counts as 0. Where it vanishes, it vanishes in every row.
    Padding is left out, whichever side it is on.

    Returns:
        float64 of shape (max_length,): the mean norm at distance 0, 1, 2, … words; NaN where fewer than `MIN_ROWS`
        rows have such a word.
    """
    real = np.asarray(tokens) != PADDING_ID
    after = np.cumsum(real[:, ::-1], axis=1)[:, ::-1] - real
    length = tokens.shape[1]
    sums = np.bincount(after[real], weights=norms[real], minlength=length)
    counts = np.bincount(after[real], minlength=length)
    return np.where(counts >= MIN_ROWS, sums / np.maximum(counts, 1), np.nan)
