"""The trainings of a sweep, and what comes of each."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rnnlab.features.arrays import Examples
from rnnlab.networks import checkpoints
from rnnlab.project.params import Params, Run
from rnnlab.sweeps.grids import Combination


class Trial(NamedTuple):
    """One training.

    Attributes:
        key: names what the weights follow from: combinations that agree in that share a trial.
        run: the model and the seed.
        settings: all parameters.
    """

    key: str
    run: Run
    settings: Params


class Data(NamedTuple):
    """What every trial reads: inputs and targets of each split, and the number of word ids."""

    train: Examples
    validation: Examples
    test: Examples
    vocabulary_size: int


class Outcome(NamedTuple):
    """What a trial left behind, as JSON can hold it.

    Attributes:
        history: rows of `rnnlab.networks.training.History.epochs`.
        best_epoch: the epoch whose weights were kept.
        test: figures of the test rows, from `rnnlab.evaluation.metrics.score` or its like for a series.
        parameters: weights of the network.
        network: the SHA-256 of its ``.keras`` file.
        stopped: whether a search stopped it before its end: there are no figures and no network then.
    """

    history: list[dict[str, float]]
    best_epoch: int
    test: dict[str, Any]
    parameters: int
    network: str
    stopped: bool = False

    @property
    def validation_loss(self) -> float:
        """By which trials are compared: of the epoch that was kept."""
        return self.history[self.best_epoch - 1]["val_loss"]


# What came of a trial, with its ``.keras`` file; or why there is nothing.
Result = tuple[Outcome, bytes] | str


def stopped(history: list[dict[str, float]]) -> Outcome:
    """Gives what is known of a trial that a search stopped."""
    best = min(history, key=lambda row: row["val_loss"])
    return Outcome(history, int(best["epoch"]), {}, 0, "", stopped=True)


def of_combinations(combinations: Sequence[Combination], data: Data) -> list[list[Trial]]:
    """Lists the trainings of each combination."""
    shared = checkpoints.training_key({}, [*data.train, *data.validation, *data.test])
    return [
        [
            Trial(_key(run, combination.settings, data, shared), run, combination.settings)
            for run in combination.settings.runs
        ]
        for combination in combinations
    ]


def _key(run: Run, settings: Params, data: Data, shared: str) -> str:
    return checkpoints.key_of({"shared": shared, **checkpoints.identity(run, settings, data.vocabulary_size)})
