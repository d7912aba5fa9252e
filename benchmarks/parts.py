"""Where the time of a training step goes: each part alone, and the least time that its arithmetic can take."""

from collections.abc import Callable
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks import timing
from benchmarks.networks import keras_model
from benchmarks.report import Section, Table
from benchmarks.timing import Rival
from benchmarks.work import CLIP_NORM, LEARNING_RATE, Work, rows

PARTS = {
    "whole step": Rival("benchmarks.networks:ours"),
    "loop, forward": Rival("benchmarks.parts:forward"),
    "loop, backward": Rival("benchmarks.parts:backward"),
    "input product and its gradients": Rival("benchmarks.parts:projection"),
    "gradient of the recurrent weights": Rival("benchmarks.parts:recurrent_gradient"),
    "clipping and Adam": Rival("benchmarks.parts:optimizer"),
    "the same products without an order": Rival("benchmarks.parts:products"),
}
SIZE = (64, 200, 128)  # batch, length, units
CELLS = ("simple_rnn", "lstm")


def measure(quick: bool) -> Section:
    """Measures the parts of a step of both cells, one core each."""
    works = [Work(cell, *SIZE, batches=4 if quick else 8) for cell in CELLS]
    with timing.workers(PARTS, cores=1) as pools:
        races = [timing.race(pools, PARTS, work, 3 if quick else 7) for work in tqdm(works, desc="parts", disable=None)]
    columns = [
        [f"{timing.least(race.samples[name]) / work.batches * 1000:.1f} ms" for name in PARTS]
        for work, race in zip(works, races, strict=True)
    ]
    sentence = (
        "**Where a step's time goes** (batch 64, length 200, 128 units, one core). The last row does all matrix "
        "products of the step flat, as if no time step waited for the one before: the least that the arithmetic takes "
        "here. What is left of the step is dropout, the head, Keras and copying."
    )
    table = Table(sentence, ("part", *CELLS), [list(row) for row in zip(PARTS, *columns, strict=True)])
    raw = [{"work": work._asdict(), **race._asdict()} for work, race in zip(works, races, strict=True)]
    return Section("Where the time goes", [table], {"parts": raw})


class Shapes:
    """Random tensors with the shapes of a step.

    Attributes:
        cell: of `rnnlab.networks.fast_layers.CELLS`.
        words: the distinct words of a batch.
        indices: index of each step's word among them.
    """

    def __init__(self, work: Work) -> None:
        keras_model(work, mask=True)  # imports Keras quietly
        import keras
        import tensorflow as tf

        from rnnlab.networks import fast_layers

        self.layer = {"simple_rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM}[work.cell]
        self.cell = fast_layers.CELLS[self.layer]
        self.forward = fast_layers._forward_loop(self.cell, every_step=False)
        self.backward = fast_layers._backward_loop(self.cell, every_step=False)
        self.steps, self.rows, self.units = work.length, work.batch, work.units
        self.gates = {"simple_rnn": 1, "lstm": 4}[work.cell] * work.units
        tokens = rows(work)[0][: work.batch]
        self.words, self.indices = np.unique(tokens.T.reshape(-1), return_inverse=True)
        self.vectors = draw(len(self.words), work.embedding)
        self.kernel = draw(work.embedding, self.gates)
        self.recurrent = draw(self.units, self.gates) / self.units**0.5
        self.inputs = draw(self.steps, self.rows, self.gates)
        self.mask = tf.ones((self.steps, self.rows, 1), tf.bool)
        self.first, self.stop = tf.constant(0), tf.constant(self.steps)


def draw(*shape: int) -> Any:
    """Draws a float32 tensor."""
    import tensorflow as tf

    return tf.constant(np.random.default_rng(1).normal(size=shape), tf.float32)


def repeated(work: Work, once: Callable[[], Any]) -> Callable[[], None]:
    """Returns a function that does something once for each batch of a repetition."""

    def repeat() -> None:
        for _ in range(work.batches):
            once()

    return repeat


def forward(work: Work) -> Callable[[], None]:
    """The loop over time."""
    it = Shapes(work)
    return repeated(work, lambda: it.forward(it.inputs, it.recurrent, it.mask, it.first, it.stop))


def backward(work: Work) -> Callable[[], None]:
    """The loop back over time."""
    it = Shapes(work)
    _, sums, *states = it.forward(it.inputs, it.recurrent, it.mask, it.first, it.stop)
    upstream = draw(it.rows, it.units)
    return repeated(work, lambda: it.backward(upstream, sums, states, it.recurrent, it.mask, it.first, it.stop))


def projection(work: Work) -> Callable[[], None]:
    """From vectors of distinct words to what the loop reads, and back."""
    it = Shapes(work)
    import tensorflow as tf

    indices = tf.constant(it.indices.reshape(it.steps, it.rows), tf.int32)
    slopes = draw(it.steps, it.rows, it.gates)

    @tf.function(autograph=False)
    def once() -> Any:
        with tf.GradientTape() as tape:
            tape.watch((it.vectors, it.kernel))
            gathered = tf.gather(tf.matmul(it.vectors, it.kernel), indices)
        return tape.gradient(gathered, (it.vectors, it.kernel), slopes)

    return repeated(work, once)


def recurrent_gradient(work: Work) -> Callable[[], None]:
    """One product of all states with all slopes."""
    it = Shapes(work)
    import tensorflow as tf

    states, slopes = draw(it.steps * it.rows, it.units), draw(it.steps * it.rows, it.gates)
    return repeated(work, lambda: tf.matmul(states, slopes, transpose_a=True))


def optimizer(work: Work) -> Callable[[], None]:
    """Clipping and Adam on gradients of the network's shapes."""
    it = Shapes(work)
    import keras
    import tensorflow as tf

    model = keras_model(work, mask=True)
    adam = keras.optimizers.Adam(LEARNING_RATE, global_clipnorm=CLIP_NORM)
    adam.build(model.trainable_variables)
    embedding, *others = model.trainable_variables
    of_words = tf.IndexedSlices(draw(*it.vectors.shape), tf.constant(it.words), embedding.shape)
    gradients = [of_words, *(draw(*variable.shape) for variable in others)]
    once = tf.function(lambda: adam.apply(gradients, model.trainable_variables), autograph=False)
    return repeated(work, once)


def products(work: Work) -> Callable[[], None]:
    """The matrix products of a step: three with the input weights, three with the recurrent ones."""
    it = Shapes(work)
    import tensorflow as tf

    pairs = [
        (it.vectors, it.kernel),
        (draw(it.steps * it.rows, it.units), it.recurrent),
    ]

    @tf.function(autograph=False)
    def once() -> Any:
        results = []
        for left, right in pairs:
            product = tf.matmul(left, right)
            results += [
                product,
                tf.matmul(product, right, transpose_b=True),
                tf.matmul(left, product, transpose_a=True),
            ]
        return results

    return repeated(work, once)
