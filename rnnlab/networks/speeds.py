"""The seconds that an epoch takes, measured on real training steps, and the units that make networks equally slow."""

import time
from collections.abc import Sequence
from functools import partial
from statistics import median

from rnnlab.features.arrays import Examples
from rnnlab.networks import models, sizes, training
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params

STEPS = 40  # of each network, on the same batches where batches are of one size
WIDEST = 4096  # units; a network this wide takes minutes to measure


class Timed:
    """A network that trains step by step, on the training rows that a training would have, in the same batches."""

    def __init__(self, settings: Params, name: str, units: int, rows: Examples, vocabulary_size: int) -> None:
        """Builds the network of a model with so many units."""
        options = settings.models[name].model_copy(update={"units": units})
        params = sizes.step_options(settings, name)
        model = models.build(settings.task, options, vocabulary_size, rows)
        self.batches = training.batched(model, rows, params, seed=0)
        self._network = training.compiled(model, params, len(rows[1]))

    def step(self, number: int) -> float:
        """Trains with a batch and returns the seconds that this took."""
        batch = self.batches[number % len(self.batches)]
        started = time.perf_counter()
        self._network.train_on_batch(*batch)
        return time.perf_counter() - started


def epoch_seconds(networks: Sequence[Timed]) -> list[float]:
    """Returns the seconds of an epoch of each network: the median of its steps, times their number.

    The networks take turns, as other work on the machine slows down those that run at the same time. A first round is
    not counted: it compiles the networks for all shapes of batches.
    """
    for _ in range(2):
        steps = [[network.step(number) for network in networks] for number in range(STEPS)]
    columns = zip(networks, zip(*steps, strict=True), strict=True)
    return [median(seconds) * len(network.batches) for network, seconds in columns]


def solve(settings: Params, rows: Examples, vocabulary_size: int) -> dict[str, int]:
    """Returns the units, by name, with which the networks in `compare` take as long for an epoch as the slowest one.

    The slowest one keeps its own. What is measured is printed.

    Raises:
        UserError: a network is faster with any number of units.
    """
    own = {name: settings.models[name].units for name in settings.compare}
    networks = {name: Timed(settings, name, units, rows, vocabulary_size) for name, units in own.items()}
    seconds = dict(zip(networks, epoch_seconds(list(networks.values())), strict=True))
    slowest = max(seconds, key=seconds.__getitem__)

    def ratio(name: str, units: int) -> float:
        if units > WIDEST:
            raise UserError(f"match: {name} takes less time for an epoch than {slowest} even with {units // 2:,} units")
        timed = Timed(settings, name, units, rows, vocabulary_size)
        candidate, reference = epoch_seconds([timed, networks[slowest]])
        print(f"{name} with {units} units: {candidate:.3g} s per epoch; {slowest}: {reference:.3g} s", flush=True)
        return candidate / reference

    return own | {name: sizes.search(partial(ratio, name), own[name]) for name in own if name != slowest}
