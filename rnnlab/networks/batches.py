"""Batches in an order that depends on the seed and the epoch alone; of similar lengths where padding is skipped."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from rnnlab.features.arrays import Examples, used_steps
from rnnlab.project.workers import ALONE, Team

Inputs = npt.NDArray[Any]  # of shape (rows, steps) or (rows, steps, channels)
Targets = npt.NDArray[np.float32]  # of shape (rows, 1)
# Batches per pool of rows drawn at random, within which a batch takes neighbours by length: enough for similar lengths,
# and few enough that an epoch's batches stay a random draw.
POOL = 50


class Batches(keras.utils.PyDataset):
    """Rows in batches: a new random order each epoch, sorted by length within pools on request, then shuffled.

    Khomenko et al. 2016, "Accelerating recurrent neural network training using sequence bucketing and multi-GPU data
    parallelization".
    """

    def __init__(
        self,
        inputs: Inputs,
        targets: Targets,
        size: int,
        seed: int,
        *,
        by_length: bool,
        finished_epochs: int = 0,
        team: Team = ALONE,
    ) -> None:
        """Draws the order of the first epoch that is not finished.

        Args:
            inputs: 0 for padding, if ``by_length``.
            size: rows per batch; one batch of each epoch holds the remainder.
            by_length: whether the rows of a batch have similar lengths.
            finished_epochs: of a training that is resumed.
            team: of whose batches this process reads its share.
        """
        super().__init__()
        self._team = team
        self._inputs, self._targets, self._size = inputs, targets, size
        self._lengths = used_steps(inputs).sum(axis=1) if by_length else np.zeros(len(inputs), np.int64)
        self._generator = np.random.default_rng(seed)
        # The first order is never used: Keras' own loop drew one more, and committed results depend on those orders.
        for _ in range(finished_epochs + 2):
            self._batches = self._draw()

    def _draw(self) -> list[npt.NDArray[np.intp]]:
        size = self._size
        order = self._generator.permutation(len(self._lengths))
        pools = (order[start : start + POOL * size] for start in range(0, len(order), POOL * size))
        by_length = (pool[np.argsort(self._lengths[pool], kind="stable")] for pool in pools)
        batches = [pool[start : start + size] for pool in by_length for start in range(0, len(pool), size)]
        shares = [self._team.share(batches[index]) for index in self._generator.permutation(len(batches))]
        return [share for share in shares if len(share)]

    def __len__(self) -> int:
        """Counts the batches of an epoch."""
        return len(self._batches)

    def __getitem__(self, index: int) -> Examples:
        """Returns a batch: inputs and targets."""
        rows = self._batches[index]
        return self._inputs[rows], self._targets[rows]

    def draw_next(self) -> None:
        """Draws the next epoch's order."""
        self._batches = self._draw()
