"""The networks that are timed against each other: ours, stock Keras, PyTorch; same weights, same rows."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

LEARNING_RATE = 0.001
CLIP_NORM = 1.0
# Words of a review of IMDB: half have 174 at least, one in ten 455.
MEDIAN_WORDS, SPREAD = 174.0, 0.75

Floats = npt.NDArray[np.float32]


class Work(NamedTuple):
    """What one repetition trains.

    Attributes:
        cell: ``simple_rnn`` or ``lstm``.
        batch: rows a batch.
        length: steps a row.
        units: of the recurrent layer.
        batches: of one repetition.
        padded: rows as long as reviews are, padded in front, in a new order each time, by `fit`; else all rows are
            full, in one order, batch by batch.
        embedding: channels of a word.
        words: word ids.
        threads: of ours, each of which reads a part of a batch; the others split what they split.
    """

    cell: str
    batch: int
    length: int
    units: int
    batches: int
    padded: bool = False
    embedding: int = 128
    words: int = 10_000
    threads: int = 1


def rows(work: Work) -> tuple[npt.NDArray[np.int32], Floats]:
    """Draws word ids, (rows, length), as rare as Zipf's law has them, and labels, (rows, 1)."""
    generator = np.random.default_rng(1)
    count = work.batch * work.batches
    chances = 1 / np.arange(1, work.words)
    tokens = generator.choice(np.arange(1, work.words), (count, work.length), p=chances / chances.sum())
    if work.padded:
        lengths = np.exp(generator.normal(np.log(MEDIAN_WORDS), SPREAD, (count, 1)))
        tokens[np.arange(work.length) < work.length - np.maximum(lengths, 10)] = 0
    return tokens.astype(np.int32), generator.integers(2, size=(count, 1)).astype(np.float32)


def weights(work: Work) -> list[Floats]:
    """Draws embedding, both kernels, bias, and the head's kernel and bias, in Keras' shapes and order."""
    generator = np.random.default_rng(2)
    gates = {"simple_rnn": 1, "lstm": 4}[work.cell] * work.units
    bias = np.zeros(gates)
    if work.cell == "lstm":
        bias[work.units : 2 * work.units] = 1.0  # of the forget gate
    # A recurrent matrix that neither grows nor shrinks what it is applied to, as Keras' own.
    orthogonal = np.linalg.qr(generator.normal(size=(gates, work.units)))[0].T
    inputs = (6 / (work.embedding + gates)) ** 0.5
    drawn = [
        generator.uniform(-0.05, 0.05, (work.words, work.embedding)),
        generator.uniform(-inputs, inputs, (work.embedding, gates)),
        orthogonal,
        bias,
        generator.uniform(-0.2, 0.2, (work.units, 1)),
        np.zeros(1),
    ]
    return [array.astype(np.float32) for array in drawn]


def ours(work: Work) -> Callable[[], float]:
    """Trains as `rnnlab.networks.training` does with ``train.engine: fast``."""
    _forget()
    model = keras_model(work, mask=True)
    from rnnlab.networks import fast_layers, tensorflow_batches
    from rnnlab.networks.batches import Batches
    from rnnlab.networks.callbacks import NextOrder

    network = fast_layers.accelerate(model, work.batch, work.threads)
    if not work.padded:
        return _stepping(network, work)
    batches = Batches(*rows(work), work.batch, seed=1, by_length=True)
    fed = tensorflow_batches.from_batches(batches)
    return _fitting(network, x=fed, shuffle=False, callbacks=[NextOrder(batches)])


def stock(work: Work) -> Callable[[], float]:
    """Trains Keras' own layers; full rows need no mask, which Keras is faster without."""
    return _stock(work, jit=False)


def stock_jit(work: Work) -> Callable[[], float]:
    """The same as `stock`, the whole step compiled by XLA."""
    return _stock(work, jit=True)


def pytorch(work: Work) -> Callable[[], float]:
    """Trains PyTorch's own layers; rows with padding are packed, so that they give the same outputs."""
    from benchmarks import torch_networks

    return torch_networks.training(work)


def pytorch_unmasked(work: Work) -> Callable[[], float]:
    """Trains PyTorch's own layers straight through the padding in front: faster than packing, other outputs."""
    from benchmarks import torch_networks

    return torch_networks.training(work, packed=False)


def keras_model(work: Work, mask: bool) -> Any:
    """Builds the network with the common weights, not compiled."""
    from rnnlab.networks.keras_import import importing_keras

    with importing_keras():
        from rnnlab.networks import models
        from rnnlab.project import params
    size = {"cell": work.cell, "units": work.units, "embedding_dim": work.embedding, "mask": mask}
    no_dropout = {"word_dropout": 0.0, "embedding_dropout": 0.0, "dropout": 0.0}
    options = params.read().models["lstm"].model_copy(update=size | no_dropout)
    model = models.build_classifier(options, work.words, work.length)
    model.set_weights(weights(work))
    return model


def _forget() -> None:
    """Lets go of the networks that this process trained before, and of Keras' distribution."""
    from rnnlab.networks.keras_import import importing_keras

    with importing_keras():
        import keras
    keras.backend.clear_session()


def _stock(work: Work, jit: bool) -> Callable[[], float]:
    _forget()
    network = keras_model(work, mask=work.padded)
    if not work.padded:
        return _stepping(network, work, jit)
    tokens, labels = rows(work)
    return _fitting(network, jit, x=tokens, y=labels, batch_size=work.batch, shuffle=True)


def _compile(network: Any, jit: bool) -> None:
    import keras

    optimizer = keras.optimizers.Adam(LEARNING_RATE, global_clipnorm=CLIP_NORM)
    network.compile(optimizer=optimizer, loss="binary_crossentropy", jit_compile=jit)


def _fitting(network: Any, jit: bool = False, **options: Any) -> Callable[[], float]:
    _compile(network, jit)
    return lambda: float(network.fit(**options, verbose=0).history["loss"][0])


def _stepping(network: Any, work: Work, jit: bool = False) -> Callable[[], float]:
    _compile(network, jit)
    batches = list(zip(*(np.split(array, work.batches) for array in rows(work)), strict=True))

    def step(tokens: npt.NDArray[np.int32], labels: Floats) -> float:
        loss = float(network.train_on_batch(tokens, labels))
        network.reset_metrics()
        return loss

    return lambda: float(np.mean([step(*batch) for batch in batches]))
