"""What goes on in the units of a recurrent layer while it reads: states and gates after each word, by plain NumPy."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit

from rnnlab.features.text import RESERVED_IDS, encode, words
from rnnlab.project.sections.data import TokenizePad

DRAWN_WORDS = 60  # a text of more is hard to read along an axis
Array = npt.NDArray[np.float32]
Values = dict[str, Array]


class States(NamedTuple):
    """Words in the order in which they are read, and what a layer's units hold or do with each.

    ``values`` has by name "hidden" and, by cell, "cell", "forget" and "input", or "update" and "reset": float32 of
    shape (words, units). Gates are in [0, 1]; an update gate of 1 keeps the state.
    """

    words: Sequence[str]
    values: Values


class Weights(NamedTuple):
    """The weights of a cell: of its input, (channels, gates · units), and of its state, (units, gates · units)."""

    kernel: Array
    recurrent: Array
    bias: Array
    recurrent_bias: Array | float


def _simple_rnn(given: Array, recurrent: Array, last: Values) -> Values:
    return {"hidden": np.tanh(given + recurrent)}


def _relu_rnn(given: Array, recurrent: Array, last: Values) -> Values:
    """Le et al. 2015, "A simple way to initialize recurrent networks of rectified linear units"."""
    return {"hidden": np.maximum(given + recurrent, 0)}


def _lstm(given: Array, recurrent: Array, last: Values) -> Values:
    """Hochreiter & Schmidhuber 1997, "Long short-term memory", with the forget gate of Gers et al. 2000."""
    enter, forget, candidate, leave = np.split(given + recurrent, 4)
    enter, forget = expit(enter), expit(forget)
    memory = forget * last["cell"] + enter * np.tanh(candidate)
    return {"hidden": expit(leave) * np.tanh(memory), "cell": memory, "forget": forget, "input": enter}


def _gru(given: Array, recurrent: Array, last: Values) -> Values:
    """Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", reset after the product."""
    (update, reset, candidate), (old_update, old_reset, old) = np.split(given, 3), np.split(recurrent, 3)
    update, reset = expit(update + old_update), expit(reset + old_reset)
    hidden = update * last["hidden"] + (1 - update) * np.tanh(candidate + reset * old)
    return {"hidden": hidden, "update": update, "reset": reset}


# By Keras' class: one step, from the products with the input and with the last hidden state, and from the last values.
STEPS: Mapping[str, Callable[[Array, Array, Values], Values]] = {"SimpleRNN": _simple_rnn, "LSTM": _lstm, "GRU": _gru}


def read(model: Any, text: str, vocabulary: list[str], options: TokenizePad) -> States:
    """Follows the first recurrent layer of a classifier, in its forward direction, through a cleaned text.

    Args:
        model: of `rnnlab.networks.models.build_classifier`, loaded by Keras, that it `can_follow`.
        text: as `rnnlab.features.text.clean` leaves it.
        vocabulary: the word of each id.
        options: how the network's texts were tokenized.

    Returns:
        The last `DRAWN_WORDS` of the words that the network sees, with what it holds after each; dropout is off, and
        padding changes the states only where it is not masked.
    """
    split: list[str] = words(pa.array([text], pa.string()))[0].as_py()
    (tokens,) = encode(pa.array([text], pa.string()), vocabulary, options).tokens
    # The places of the words, encoded like words, say which of them truncation leaves.
    places = [str(place) for place in range(len(split))]
    numbered = encode(pa.array([" ".join(places)], pa.string()), [""] * RESERVED_IDS + places, options)
    seen = numbered.tokens[0] - RESERVED_IDS
    embedding = model.layers[0]
    steps = np.flatnonzero(seen >= 0) if embedding.mask_zero else np.arange(len(tokens))
    values = _scan(model, np.asarray(embedding(tokens[None]))[0, steps])
    shown = np.flatnonzero(seen[steps] >= 0)[-DRAWN_WORDS:]
    return States(
        [split[place] for place in seen[steps][shown]], {name: table[shown] for name, table in values.items()}
    )


def can_follow(model: Any) -> bool:
    """Whether the recurrent layers of a network are Keras' own; what goes on in others is not known."""
    return any(type(getattr(layer, "forward_layer", layer)).__name__ in STEPS for layer in model.layers)


def _scan(model: Any, vectors: Array) -> Values:
    """Runs the first recurrent layer over vectors, (steps, channels); returns all values, (steps, units) each."""
    inner = (getattr(layer, "forward_layer", layer) for layer in model.layers)
    layer = next(layer for layer in inner if type(layer).__name__ in STEPS)
    is_relu = layer.get_config()["activation"] == "relu"
    step, weights = _relu_rnn if is_relu else STEPS[type(layer).__name__], _weights(layer)
    given = vectors @ weights.kernel + weights.bias
    past: list[Values] = []
    last: Values = dict.fromkeys(("hidden", "cell"), np.zeros(layer.units, np.float32))
    for product in given:
        last = step(product, last["hidden"] @ weights.recurrent + weights.recurrent_bias, last)
        past.append(last)
    return {name: np.array([values[name] for values in past], np.float32) for name in past[0]}


def _weights(layer: Any) -> Weights:
    kernel, recurrent, bias = layer.get_weights()
    given, again = bias if bias.ndim == 2 else (bias, 0.0)  # a GRU has one for each product
    return Weights(kernel, recurrent, given, again)
