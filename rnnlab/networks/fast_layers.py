"""Recurrent layers that train faster on a CPU than Keras' own: same weights, same mathematics, less work.

- The product with the input weights is taken before the loop over time, once for each distinct word of a batch.
- The loop is one XLA kernel with a backward pass of its own: the gradient of the recurrent weights is one product after
  the loop instead of a sum within it (Appleyard et al. 2016, "Optimizing performance of recurrent neural networks on
  GPUs").
- Steps that are padding in every row of a batch are cut off, or at least not taken.
- Where a training has several threads, each reads a part of the rows: a step is too little work to be split.
"""

import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from rnnlab.networks.models import STRIDE

Tensor = Any  # TensorFlow has no types
States = tuple[Tensor, ...]


class Cell(NamedTuple):
    """What a recurrent cell does to each element once the products with its weights are there.

    Attributes:
        advance: from their sum, (rows, gates · units), and the states, (rows, units) each, to the next states; the
            first of them is the output.
        states: how many there are.
    """

    advance: Callable[[Tensor, States], States]
    states: int


def _sigmoid(z: Tensor) -> Tensor:
    # XLA has a vectorized tanh for CPUs, and none of this.
    return 0.5 * tf.tanh(0.5 * z) + 0.5


def _simple_rnn(z: Tensor, states: States) -> States:
    return (tf.tanh(z),)


def _lstm(z: Tensor, states: States) -> States:
    enter, forget, candidate, leave = tf.split(z, 4, axis=1)
    memory = _sigmoid(forget) * states[1] + _sigmoid(enter) * tf.tanh(candidate)
    return _sigmoid(leave) * tf.tanh(memory), memory


def _gru(z: Tensor, states: States) -> States:
    # The reset gate stands between the candidate's two products, so their sum is taken here.
    update, reset, from_input, from_state = tf.split(z, 4, axis=1)
    update = _sigmoid(update)
    return (update * states[0] + (1.0 - update) * tf.tanh(from_input + _sigmoid(reset) * from_state),)


CELLS = {
    keras.layers.SimpleRNN: Cell(_simple_rnn, 1),
    keras.layers.LSTM: Cell(_lstm, 2),
    keras.layers.GRU: Cell(_gru, 1),
}


def accelerate(model: keras.Sequential, batch_size: int, threads: int = 1) -> keras.Sequential:
    """Gives a network that shares the variables of ``model`` and computes the same, faster.

    Args:
        model: from `rnnlab.networks.models`; layers with dropout between time steps, or not in float32, stay as they are.
        batch_size: of most batches; others are filled up with empty rows to a multiple of it, which spares XLA from
            compiling its loops once more.
        threads: that a batch is read by, if there are so many cores; what comes out does not depend on the cores.

    Returns:
        What to train in place of ``model``, whose weights change with it; ``model`` itself on a GPU, which has
        kernels for whole layers.
    """
    if tf.config.list_physical_devices("GPU"):
        return model
    layers = [Recurrence(layer, batch_size, threads) if _is_known(layer) else layer for layer in model.layers]
    embedding, *rest = layers
    if isinstance(embedding, keras.layers.Embedding):
        # Dropout that drops nothing does not stand between the words and the loop.
        rest = list(itertools.dropwhile(lambda layer: isinstance(layer, keras.layers.Dropout) and not layer.rate, rest))
        if isinstance(rest[0], Recurrence) and not rest[0].directions[0].dropout:
            layers = [Recurrence(rest[0].layer, batch_size, threads, embedding), *rest[1:]]
        if embedding.mask_zero:
            layers = [Trim(), *layers]
    dtype = model.inputs[0].dtype
    return keras.Sequential([keras.Input(model.input_shape[1:], dtype=dtype), *layers], name=model.name)


def _is_known(layer: keras.Layer) -> bool:
    inner = getattr(layer, "forward_layer", layer)
    return type(inner) in CELLS and not inner.recurrent_dropout and inner.compute_dtype == "float32"


class Trim(keras.layers.Layer):
    """Cuts off time steps that are padding in every row, on both sides, in multiples of `STRIDE`."""

    def call(self, words: Tensor) -> Tensor:
        """Takes word ids, (rows, steps), and gives (rows, fewer steps)."""
        first, stop = _used(tf.transpose(words != 0))
        steps = tf.minimum(tf.shape(words)[1], -(-(stop - first) // STRIDE) * STRIDE)
        first = tf.minimum(first, tf.shape(words)[1] - steps)
        return words[:, first : first + steps]

    def compute_output_spec(self, words: keras.KerasTensor) -> keras.KerasTensor:
        """Leaves the number of steps open."""
        return keras.KerasTensor((words.shape[0], None), words.dtype)


class Recurrence(keras.layers.Layer):
    """A recurrent layer of Keras, in one direction or both, computed by `scan`."""

    def __init__(
        self, layer: keras.Layer, batch_size: int, threads: int, embedding: keras.layers.Embedding | None = None
    ) -> None:
        """Wraps a layer, and the embedding before it if nothing stands between the two."""
        super().__init__(name=layer.name)
        self.supports_masking = True
        self.layer = layer
        self.threads = threads
        self.batch_size = -(-batch_size // threads) * threads  # so that its parts are alike
        self.embedding = embedding
        both = isinstance(layer, keras.layers.Bidirectional)
        self.directions = [layer.forward_layer, layer.backward_layer] if both else [layer]

    def compute_mask(self, inputs: Tensor, previous_mask: Tensor = None) -> Tensor:
        """Hands the mask on where the output still has time steps."""
        return self._mask(inputs, previous_mask) if self.directions[0].return_sequences else None

    def _mask(self, inputs: Tensor, mask: Tensor) -> Tensor:
        return self.embedding.compute_mask(inputs) if self.embedding else mask

    def call(self, inputs: Tensor, mask: Tensor = None, training: bool = False) -> Tensor:
        """Takes word ids, (rows, steps), or what the layer before gave, (rows, steps, channels)."""
        rows = tf.shape(inputs)[0]
        mask = self._mask(inputs, mask)
        kept = self._fill(tf.ones(tf.shape(inputs)[:2], tf.bool) if mask is None else mask)
        project = (
            self._by_word(self._fill(inputs), self.embedding)
            if self.embedding
            else self._by_step(self._fill(inputs), training)
        )
        kept = tf.transpose(kept)[:, :, None]
        outputs = [_run(layer, project(layer), kept, self.threads)[:rows] for layer in self.directions]
        return outputs[0] if len(outputs) == 1 else tf.concat(outputs, axis=-1)

    def _fill(self, rows: Tensor) -> Tensor:
        return tf.pad(rows, [[0, -tf.shape(rows)[0] % self.batch_size], *[[0, 0]] * (len(rows.shape) - 1)])

    def _by_word(self, words: Tensor, embedding: keras.layers.Embedding) -> Callable[[keras.Layer], Tensor]:
        by_time = tf.transpose(words)
        distinct, places = tf.unique(tf.reshape(by_time, (-1,)))
        vectors = tf.gather(tf.convert_to_tensor(embedding.embeddings), distinct)
        return lambda layer: tf.gather(_project(layer, vectors), tf.reshape(places, tf.shape(by_time)))

    def _by_step(self, sequences: Tensor, training: bool) -> Callable[[keras.Layer], Tensor]:
        by_time = tf.transpose(sequences, (1, 0, 2))

        def project(layer: keras.Layer) -> Tensor:
            if training and layer.dropout:
                dropped = layer.cell.get_dropout_mask(by_time[0])
                layer.cell.reset_dropout_mask()
                return _project(layer, by_time * (dropped[0] if isinstance(dropped, list) else dropped))
            return _project(layer, by_time)

        return project


def _run(layer: keras.Layer, projected: Tensor, kept: Tensor, threads: int) -> Tensor:
    """Reads time steps in the layer's direction and gives its output with the rows first, steps in their own order."""
    if layer.go_backwards:
        projected, kept = projected[::-1], kept[::-1]
    kernel = _recurrent_kernel(layer)
    parts = zip(tf.split(projected, threads, axis=1), tf.split(kept, threads, axis=1), strict=True)
    outputs = tf.concat([scan(CELLS[type(layer)], *part, kernel, layer.return_sequences) for part in parts], axis=-2)
    if not layer.return_sequences:
        return outputs
    return tf.transpose(outputs[::-1] if layer.go_backwards else outputs, (1, 0, 2))


def _project(layer: keras.Layer, inputs: Tensor) -> Tensor:
    kernel, bias = tf.convert_to_tensor(layer.cell.kernel), tf.convert_to_tensor(layer.cell.bias)
    if isinstance(layer, keras.layers.GRU):
        gates = 2 * layer.units
        kernel = tf.pad(kernel, ((0, 0), (0, layer.units)))
        bias = tf.concat([bias[0, :gates] + bias[1, :gates], bias[0, gates:], bias[1, gates:]], axis=0)
    # As one flat product: of a product with a third axis TensorFlow makes a slow gradient.
    products = tf.matmul(tf.reshape(inputs, (-1, kernel.shape[0])), kernel) + bias
    return tf.reshape(products, tf.concat([tf.shape(inputs)[:-1], [kernel.shape[1]]], axis=0))


def _recurrent_kernel(layer: keras.Layer) -> Tensor:
    kernel = tf.convert_to_tensor(layer.cell.recurrent_kernel)
    if isinstance(layer, keras.layers.GRU):
        gates = 2 * layer.units
        return tf.concat([kernel[:, :gates], tf.zeros_like(kernel[:, gates:]), kernel[:, gates:]], axis=1)
    return kernel


def scan(cell: Cell, inputs: Tensor, kept: Tensor, kernel: Tensor, whole: bool) -> Tensor:
    """Runs a cell over time; can be differentiated by ``inputs`` and ``kernel``, once.

    Args:
        cell: one of `CELLS`.
        inputs: products with the input weights, float32 of shape (steps, rows, gates · units).
        kept: bool of shape (steps, rows, 1); where false, a row's states stay as they are.
        kernel: the recurrent weights, float32 of shape (units, gates · units).
        whole: whether the outputs of all steps are wanted, or that of the last alone, which spares copies of all.

    Returns:
        The outputs, float32 of shape (steps, rows, units), or (rows, units).
    """
    forward, backward = _loops(cell, whole)
    first, stop = _used(kept[:, :, 0])

    @tf.custom_gradient
    def run(inputs: Tensor, kernel: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, Tensor]]]:
        last, z, *states = forward(tf.stop_gradient(inputs), tf.stop_gradient(kernel), kept, first, stop)

        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
            slopes = backward(upstream, z, states, kernel, kept, first, stop)
            units, gates = kernel.shape
            before, after = tf.reshape(states[0][:-1], (-1, units)), tf.reshape(slopes[1:], (-1, gates))
            return slopes, tf.matmul(before, after, transpose_a=True)

        return states[0] if whole else last, gradient

    outputs: Tensor = run(inputs, kernel)
    return outputs


def _used(kept: Tensor) -> tuple[Tensor, Tensor]:
    """Gives of (steps, rows) the first step that any row keeps, and the one after the last; all, where none does."""
    used = tf.cast(tf.reduce_any(kept, axis=1), tf.int32)
    return tf.argmax(used, output_type=tf.int32), tf.shape(used)[0] - tf.argmax(used[::-1], output_type=tf.int32)


@functools.cache
def _loops(cell: Cell, whole: bool) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Makes both loops of a cell; XLA compiles them once for each shape they meet."""

    def step(z: Tensor, kept: Tensor, states: States) -> States:
        return tuple(tf.where(kept, new, old) for new, old in zip(cell.advance(z, states), states, strict=False))

    @tf.function(jit_compile=True, autograph=False)
    def forward(inputs: Tensor, kernel: Tensor, kept: Tensor, first: Tensor, stop: Tensor) -> tuple[Tensor, ...]:
        steps, rows = tf.shape(inputs)[0], tf.shape(inputs)[1]
        states = (tf.zeros((rows, kernel.shape[0])),) * cell.states

        def body(t: Tensor, states: States, sums: Tensor, past: States) -> tuple[Tensor, ...]:
            z = inputs[t] + tf.matmul(states[0], kernel)
            states = step(z, kept[t], states)
            return t + 1, states, sums.write(t, z), tuple(a.write(t, s) for a, s in zip(past, states, strict=True))

        blank = tuple(tf.TensorArray(tf.float32, steps) for _ in range(cell.states + 1))
        loop = (first, states, blank[0], blank[1:])
        _, last, sums, past = tf.while_loop(lambda t, *_: t < stop, body, loop)
        outputs = past[0].stack()
        if whole:  # the steps that were left out at the end repeat the last output
            outputs = tf.where(tf.range(steps)[:, None, None] < stop, outputs, last[0])
        return last[0], sums.stack(), outputs, *(states.stack() for states in past[1:])

    @tf.function(jit_compile=True, autograph=False)
    def backward(
        upstream: Tensor, sums: Tensor, past: States, kernel: Tensor, kept: Tensor, first: Tensor, stop: Tensor
    ) -> Tensor:
        steps = tf.shape(sums)[0]
        left_out = tf.range(steps)[:, None, None] >= stop
        slope = tf.reduce_sum(tf.where(left_out, upstream, 0.0), axis=0) if whole else upstream

        def body(t: Tensor, slopes: States, found: Tensor) -> tuple[Tensor, ...]:
            before = tuple(tf.where(t > 0, states[tf.maximum(t - 1, 0)], 0.0) for states in past)
            z = sums[t]
            with tf.GradientTape() as tape:
                tape.watch((z, before))
                after = step(z, kept[t], before)
            upon = (slopes[0] + upstream[t], *slopes[1:]) if whole else slopes
            by_sum, by_states = tape.gradient(after, (z, before), upon, unconnected_gradients="zero")
            slopes = (by_states[0] + tf.matmul(by_sum, kernel, transpose_b=True), *by_states[1:])
            return t - 1, slopes, found.write(t, by_sum)

        loop = (stop - 1, (slope, *(tf.zeros_like(slope),) * (cell.states - 1)), tf.TensorArray(tf.float32, steps))
        return tf.while_loop(lambda t, *_: t >= first, body, loop)[2].stack()

    return forward, backward
