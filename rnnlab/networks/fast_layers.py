"""Recurrent layers that train faster on a CPU than Keras' own: same weights, same mathematics, less work.

- The product with the input weights is computed before the loop over time, once for each distinct word of a batch.
- The loop is one XLA kernel with its own backward pass: the gradient of the recurrent weights is one product after the
  loop, not a sum within it (Appleyard et al. 2016, "Optimizing performance of recurrent neural networks on GPUs").
- Steps that are padding in every row of a batch are cut off, or at least skipped.
- If a training has several threads, each reads a part of the rows: one step is too little work to split.
"""

import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from rnnlab.networks.models import STRIDE, masks_padding

Tensor = Any  # TensorFlow has no types
States = tuple[Tensor, ...]


class Cell(NamedTuple):
    """One step of a recurrent cell, after the products with its weights.

    It computes the next states from the sum of the products, (rows, gates · units), and the states, (rows, units) each;
    the first state is the output.
    """

    advance: Callable[[Tensor, States], States]
    states: int  # how many the cell has


def _sigmoid(z: Tensor) -> Tensor:
    # XLA has a vectorized tanh for CPUs, but no vectorized sigmoid.
    return 0.5 * tf.tanh(0.5 * z) + 0.5


def _simple_rnn(z: Tensor, states: States) -> States:
    return (tf.tanh(z),)


def _relu_rnn(z: Tensor, states: States) -> States:
    return (tf.nn.relu(z),)


def _lstm(z: Tensor, states: States) -> States:
    input_gate, forget_gate, candidate, output_gate = tf.split(z, 4, axis=1)
    memory = _sigmoid(forget_gate) * states[1] + _sigmoid(input_gate) * tf.tanh(candidate)
    return _sigmoid(output_gate) * tf.tanh(memory), memory


def _gru(z: Tensor, states: States) -> States:
    # The reset gate applies to one of the candidate's two products, so they are added here.
    update, reset, from_input, from_state = tf.split(z, 4, axis=1)
    update = _sigmoid(update)
    return (update * states[0] + (1.0 - update) * tf.tanh(from_input + _sigmoid(reset) * from_state),)


RNN, LSTM, GRU = keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU
CELLS = {RNN: Cell(_simple_rnn, 1), LSTM: Cell(_lstm, 2), GRU: Cell(_gru, 1)}
RELU_RNN = Cell(_relu_rnn, 1)  # a SimpleRNN with `init: identity`


def accelerate(model: keras.Sequential, batch_size: int, threads: int = 1) -> keras.Sequential:
    """Returns a network to train in place of ``model``: it shares its variables and computes the same, faster.

    On a GPU, it is ``model`` itself, since GPUs have kernels for whole layers.

    Args:
        model: from `rnnlab.networks.models`; layers with dropout between time steps, or not in float32, are kept.
        batch_size: of most batches; others are filled up with empty rows to a multiple of it, so that XLA need not
            compile its loops again.
        threads: that read a batch, if the machine has as many cores; the result does not depend on the cores.
    """
    if tf.config.list_physical_devices("GPU"):
        return model
    layers = [Recurrence(layer, batch_size, threads) if _is_supported(layer) else layer for layer in model.layers]
    embedding, *rest = layers
    if type(embedding) is keras.layers.Embedding:  # the vector of a word with bigrams depends on the one before it
        # Dropout layers that drop nothing are left out between the words and the loop.
        rest = list(itertools.dropwhile(lambda layer: isinstance(layer, keras.layers.Dropout) and not layer.rate, rest))
        if isinstance(rest[0], Recurrence) and not rest[0].directions[0].dropout:
            layers = [Recurrence(rest[0].layer, batch_size, threads, embedding), *rest[1:]]
    if masks_padding(model):
        layers = [Trim(), *layers]
    dtype = model.inputs[0].dtype
    return type(model)([keras.Input(model.input_shape[1:], dtype=dtype), *layers], name=model.name)


def _is_supported(layer: keras.Layer) -> bool:
    inner = getattr(layer, "forward_layer", layer)
    return type(inner) in CELLS and not inner.recurrent_dropout and inner.compute_dtype == "float32"


class Trim(keras.layers.Layer):
    """Cuts off time steps that are padding in every row, on both sides, in multiples of `STRIDE`."""

    def call(self, inputs: Tensor) -> Tensor:
        """Takes word ids, (rows, steps), or numbers, (rows, steps, channels), and returns fewer steps."""
        is_used = inputs != 0
        first, stop = _used(tf.transpose(is_used if len(inputs.shape) == 2 else tf.reduce_any(is_used, axis=2)))
        steps = tf.minimum(tf.shape(inputs)[1], -(-(stop - first) // STRIDE) * STRIDE)
        first = tf.minimum(first, tf.shape(inputs)[1] - steps)
        return inputs[:, first : first + steps]

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Leaves the number of steps open."""
        return keras.KerasTensor((inputs.shape[0], None, *inputs.shape[2:]), inputs.dtype)


class Recurrence(keras.layers.Layer):
    """A recurrent layer of Keras, in one direction or both, computed by `scan`."""

    def __init__(
        self, layer: keras.Layer, batch_size: int, threads: int, embedding: keras.layers.Embedding | None = None
    ) -> None:
        """Wraps a layer, and the embedding before it if there is nothing between the two."""
        super().__init__(name=layer.name)
        self.supports_masking = True
        self.layer, self.embedding, self.threads = layer, embedding, threads
        self.batch_size = -(-batch_size // threads) * threads  # for parts of equal size
        both = isinstance(layer, keras.layers.Bidirectional)
        self.directions = [layer.forward_layer, layer.backward_layer] if both else [layer]

    def compute_mask(self, inputs: Tensor, previous_mask: Tensor = None) -> Tensor:
        """Passes the mask on if the output still has time steps."""
        return self._mask(inputs, previous_mask) if self.directions[0].return_sequences else None

    def _mask(self, inputs: Tensor, mask: Tensor) -> Tensor:
        return self.embedding.compute_mask(inputs) if self.embedding else mask

    def call(self, inputs: Tensor, mask: Tensor = None, training: bool = False) -> Tensor:
        """Takes word ids, (rows, steps), or the output of the layer before, (rows, steps, channels)."""
        rows = tf.shape(inputs)[0]
        mask = self._mask(inputs, mask)
        mask = self._fill(tf.ones(tf.shape(inputs)[:2], tf.bool) if mask is None else mask)
        filled = self._fill(inputs)
        project = self._by_word(filled, self.embedding) if self.embedding else self._by_step(filled, training)
        mask = tf.transpose(mask)[:, :, None]
        outputs = [_run(layer, project(layer), mask, self.threads)[:rows] for layer in self.directions]
        return outputs[0] if len(outputs) == 1 else tf.concat(outputs, axis=-1)

    def _fill(self, rows: Tensor) -> Tensor:
        return tf.pad(rows, [[0, -tf.shape(rows)[0] % self.batch_size], *[[0, 0]] * (len(rows.shape) - 1)])

    def _by_word(self, words: Tensor, embedding: keras.layers.Embedding) -> Callable[[keras.Layer], Tensor]:
        by_time = tf.transpose(words)
        distinct, indices = tf.unique(tf.reshape(by_time, (-1,)))
        vectors = tf.gather(tf.convert_to_tensor(embedding.embeddings), distinct)
        indices = tf.reshape(indices, tf.shape(by_time))
        return lambda layer: tf.gather(_project(layer, vectors), _in_order(layer, indices))

    def _by_step(self, sequences: Tensor, training: bool) -> Callable[[keras.Layer], Tensor]:
        by_time = tf.transpose(sequences, (1, 0, 2))

        def project(layer: keras.Layer) -> Tensor:
            steps = _in_order(layer, by_time)
            if training and layer.dropout:
                scale = layer.cell.get_dropout_mask(by_time[0])
                layer.cell.reset_dropout_mask()
                steps *= scale[0] if isinstance(scale, list) else scale
            return _project(layer, steps)

        return project


def _run(layer: keras.Layer, projected: Tensor, mask: Tensor, threads: int) -> Tensor:
    """Reads steps in the order in which they are given; returns the output, rows first, in the order of the input."""
    kernel, cell = _recurrent_kernel(layer), _cell(layer)
    masks = tf.split(_in_order(layer, mask), threads, axis=1)
    parts = zip(tf.split(projected, threads, axis=1), masks, strict=True)
    outputs = tf.concat([scan(cell, *part, kernel, layer.return_sequences) for part in parts], axis=-2)
    if not layer.return_sequences:
        return outputs
    return tf.transpose(_in_order(layer, outputs), (1, 0, 2))


def _in_order(layer: keras.Layer, steps: Tensor) -> Tensor:
    """Puts steps, (steps, …), in the order in which a layer reads them, or back; [::-1] takes 16 times as long."""
    return tf.reverse(steps, [0]) if layer.go_backwards else steps


def _cell(layer: keras.Layer) -> Cell:
    return RELU_RNN if layer.activation is keras.activations.relu else CELLS[type(layer)]


def _project(layer: keras.Layer, inputs: Tensor) -> Tensor:
    kernel, bias = tf.convert_to_tensor(layer.cell.kernel), tf.convert_to_tensor(layer.cell.bias)
    if isinstance(layer, keras.layers.GRU):
        gates = 2 * layer.units
        kernel = tf.pad(kernel, ((0, 0), (0, layer.units)))
        bias = tf.concat([bias[0, :gates] + bias[1, :gates], bias[0, gates:], bias[1, gates:]], axis=0)
    # One flat product: TensorFlow's gradient of a product with a third axis is slow.
    products = tf.matmul(tf.reshape(inputs, (-1, kernel.shape[0])), kernel) + bias
    return tf.reshape(products, tf.concat([tf.shape(inputs)[:-1], [kernel.shape[1]]], axis=0))


def _recurrent_kernel(layer: keras.Layer) -> Tensor:
    kernel = tf.convert_to_tensor(layer.cell.recurrent_kernel)
    if isinstance(layer, keras.layers.GRU):
        gates = 2 * layer.units
        return tf.concat([kernel[:, :gates], tf.zeros_like(kernel[:, gates:]), kernel[:, gates:]], axis=1)
    return kernel


def scan(cell: Cell, inputs: Tensor, mask: Tensor, kernel: Tensor, every_step: bool) -> Tensor:
    """Runs a cell over time; has first derivatives with respect to ``inputs`` and ``kernel``.

    Args:
        cell: one of `CELLS`.
        inputs: products with the input weights, float32 of shape (steps, rows, gates · units).
        mask: bool of shape (steps, rows, 1); where false, a row's states do not change.
        kernel: the recurrent weights, float32 of shape (units, gates · units).
        every_step: whether to return the outputs of all steps, float32 of shape (steps, rows, units), or that of the
            last alone, (rows, units), which avoids copies.
    """
    first, stop = _used(mask[:, :, 0])

    @tf.custom_gradient
    def run(inputs: Tensor, kernel: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, Tensor]]]:
        forward = _forward_loop(cell, every_step)
        last, z, *states = forward(tf.stop_gradient(inputs), tf.stop_gradient(kernel), mask, first, stop)

        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
            slopes = _backward_loop(cell, every_step)(upstream, z, states, kernel, mask, first, stop)
            units, gates = kernel.shape
            before, after = tf.reshape(states[0][:-1], (-1, units)), tf.reshape(slopes[1:], (-1, gates))
            return slopes, tf.matmul(before, after, transpose_a=True)

        return states[0] if every_step else last, gradient

    return run(inputs, kernel)


def _used(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the first step that any row of a mask, (steps, rows), uses, and the one after the last; all if none."""
    used = tf.cast(tf.reduce_any(mask, axis=1), tf.int32)
    return tf.argmax(used, output_type=tf.int32), tf.shape(used)[0] - tf.argmax(used[::-1], output_type=tf.int32)


def _step(cell: Cell, z: Tensor, mask: Tensor, states: States) -> States:
    return tuple(tf.where(mask, new, old) for new, old in zip(cell.advance(z, states), states, strict=False))


@functools.cache
def _forward_loop(cell: Cell, every_step: bool) -> Any:
    """Returns the loop of a cell over time; XLA compiles it once for each shape."""

    @tf.function(jit_compile=True, autograph=False)
    def forward(inputs: Tensor, kernel: Tensor, mask: Tensor, first: Tensor, stop: Tensor) -> tuple[Tensor, ...]:
        steps, rows = tf.shape(inputs)[0], tf.shape(inputs)[1]
        states = (tf.zeros((rows, kernel.shape[0])),) * cell.states

        def body(t: Tensor, states: States, sums: Tensor, past: States) -> tuple[Tensor, ...]:
            z = inputs[t] + tf.matmul(states[0], kernel)
            states = _step(cell, z, mask[t], states)
            return t + 1, states, sums.write(t, z), tuple(a.write(t, s) for a, s in zip(past, states, strict=True))

        blank = tuple(tf.TensorArray(tf.float32, steps) for _ in range(cell.states + 1))
        loop = (first, states, blank[0], blank[1:])
        _, last, sums, past = tf.while_loop(lambda t, *_: t < stop, body, loop)
        outputs = past[0].stack()
        if every_step:  # the steps that were skipped at the end repeat the last output
            outputs = tf.where(tf.range(steps)[:, None, None] < stop, outputs, last[0])
        return last[0], sums.stack(), outputs, *(states.stack() for states in past[1:])

    return forward


@functools.cache
def _backward_loop(cell: Cell, every_step: bool) -> Any:
    """Returns the loop back over time, which computes the gradient with respect to the sums of the products."""

    @tf.function(jit_compile=True, autograph=False)
    def backward(
        upstream: Tensor, sums: Tensor, past: States, kernel: Tensor, mask: Tensor, first: Tensor, stop: Tensor
    ) -> Tensor:
        steps = tf.shape(sums)[0]
        skipped = tf.range(steps)[:, None, None] >= stop
        slope = tf.reduce_sum(tf.where(skipped, upstream, 0.0), axis=0) if every_step else upstream

        def body(t: Tensor, slopes: States, by_sums: Tensor) -> tuple[Tensor, ...]:
            before = tuple(tf.where(t > 0, states[tf.maximum(t - 1, 0)], 0.0) for states in past)
            z = sums[t]
            with tf.GradientTape() as tape:
                tape.watch((z, before))
                after = _step(cell, z, mask[t], before)
            upon = (slopes[0] + upstream[t], *slopes[1:]) if every_step else slopes
            by_sum, by_states = tape.gradient(after, (z, before), upon, unconnected_gradients="zero")
            slopes = (by_states[0] + tf.matmul(by_sum, kernel, transpose_b=True), *by_states[1:])
            return t - 1, slopes, by_sums.write(t, by_sum)

        loop = (stop - 1, (slope, *(tf.zeros_like(slope),) * (cell.states - 1)), tf.TensorArray(tf.float32, steps))
        return tf.while_loop(lambda t, *_: t >= first, body, loop)[2].stack()

    return backward
