"""What the networks that are timed against each other have in common: weights, rows and the optimizer's settings."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

LEARNING_RATE = 0.001
CLIP_NORM = 1.0
# Words in a review of IMDB: half have at least 174, one in ten at least 455.
MEDIAN_WORDS, SPREAD = 174.0, 0.75

Floats = npt.NDArray[np.float32]


class Work(NamedTuple):
    """What one repetition trains.

    Attributes:
        cell: ``simple_rnn`` or ``lstm``.
        batch: rows per batch.
        length: steps per row.
        units: of the recurrent layer.
        batches: per repetition.
        padded: whether rows are as long as reviews, padded in front, and read in a new order each time, by `fit`;
            otherwise all rows are full and read in one order, batch by batch.
        embedding: channels per word.
        words: number of word ids.
        threads: of our network, each of which reads a part of a batch; the other libraries use threads as they like.
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
    """Draws word ids, (rows, length), whose frequencies follow Zipf's law, and labels, (rows, 1)."""
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
    # An orthogonal matrix, as in Keras: it neither grows nor shrinks what it is applied to.
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
