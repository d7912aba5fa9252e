"""The trainings of a sweep, what each leaves behind, and the folders that keep it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rnnlab.features.arrays import Examples
from rnnlab.features.series_encoding import Encoding
from rnnlab.networks import checkpoints
from rnnlab.project import layout
from rnnlab.project.files import package_digest, read_json, replacing, write_json
from rnnlab.project.params import Params, Run
from rnnlab.project.sections.networks import Training
from rnnlab.sweeps.grids import Combination

ROOMS = ("evaluation", "sweeps")  # whose code determines what is kept besides the weights
OUTCOME = "outcome.json"


class Limits(NamedTuple):
    """When a training does poorly: after as many epochs as ``grace``, its score is worse than that epoch's limit.

    Attributes:
        column: of a history, that holds the score.
        lower_is_better: whether a lower score is a better one.
        grace: epochs that each training has.
        scores: the worst score that goes on, of each epoch; after the last of them, the last one counts.
    """

    column: str = ""
    lower_is_better: bool = False
    grace: int = 0
    scores: tuple[float, ...] = ()

    def exceeded(self, epochs: Sequence[Mapping[str, float]]) -> bool:
        """Whether a training does poorly after these epochs."""
        if not self.scores or len(epochs) < self.grace:
            return False
        limit = self.scores[min(len(epochs), len(self.scores)) - 1]
        score = kept_scores(epochs, self.column)[-1]
        return score > limit if self.lower_is_better else score < limit


def kept_scores(epochs: Sequence[Mapping[str, float]], column: str) -> list[float]:
    """Returns what a training would score if it ended after each epoch: that of the least validation loss so far."""
    best: Mapping[str, float] = {"val_loss": math.inf}
    scores = []
    for epoch in epochs:
        best = min(best, epoch, key=lambda row: row["val_loss"])
        scores.append(best[column])
    return scores


class Trial(NamedTuple):
    """One training; ``key`` is of all that determines its outcome: combinations that agree in it share a trial."""

    key: str
    run: Run
    settings: Params
    limits: Limits = Limits()

    @property
    def training(self) -> Training:
        """How its network is trained."""
        return self.settings.training_of(self.run.model)


class Data(NamedTuple):
    """The data that every trial reads: inputs and targets of each split, word ids, and how series are encoded."""

    train: Examples
    validation: Examples
    test: Examples
    vocabulary_size: int
    encoding: Encoding | None = None
    series: npt.NDArray[np.int32] | None = None  # number of each test window's series


class Outcome(NamedTuple):
    """The result of a trial, in a form that JSON can hold.

    Attributes:
        history: rows of `rnnlab.networks.training.History.epochs`.
        best_epoch: the epoch whose weights were kept.
        test: scores on the test rows, from `rnnlab.evaluation`.
        parameters: number of weights.
        network: the SHA-256 of its ``.keras`` file.
        stopped: whether a search stopped it early, in which case it has no test scores and no network.
        diverged: whether its loss was not a number, after the epochs of its history; then it has no best one.
    """

    history: list[dict[str, float]]
    best_epoch: int
    test: dict[str, Any]
    parameters: int
    network: str
    stopped: bool = False
    diverged: bool = False

    @property
    def validation_loss(self) -> float:
        """The loss that trials are compared by: that of the epoch that was kept."""
        return self.history[self.best_epoch - 1]["val_loss"]

    @property
    def summary(self) -> str:
        """Says in a few words how it ended."""
        if self.diverged:
            return f"its loss is not a number after epoch {len(self.history)}"
        early = f", stopped after epoch {len(self.history)}" if self.stopped else ""
        return f"validation loss {self.validation_loss:.4f}{early}"


# The outcome of a trial and its ``.keras`` file, or why it failed.
Result = tuple[Outcome, bytes] | str
RunTrial = Callable[[Trial, Data], tuple[Outcome, bytes]]
# Runs trials side by side, and yields each as it ends.
Outcomes = Callable[[Sequence[Trial]], Iterator[tuple[Trial, Result]]]
TRIALS_PER_PROCESS = 50  # a process leaks some memory with each network that it builds


def stopped(history: list[dict[str, float]]) -> Outcome:
    """Returns the outcome of a trial that a search stopped."""
    best = min(history, key=lambda row: row["val_loss"])
    return Outcome(history, int(best["epoch"]), {}, 0, "", stopped=True)


def of_combinations(combinations: Sequence[Combination], data: Data) -> list[list[Trial]]:
    """Lists the trainings of each combination."""
    code = package_digest(layout.PACKAGE, *ROOMS)
    shared = checkpoints.training_key({"code_of_scores": code}, [*data.train, *data.validation, *data.test])
    return [[planned(run, settings, data, shared) for run in settings.runs] for _, settings in combinations]


def planned(run: Run, settings: Params, data: Data, shared: str) -> Trial:
    """Returns a training; ``shared`` is a key of what its outcome depends on beside the network."""
    identity = checkpoints.identity(run, settings, data.vocabulary_size)
    return Trial(checkpoints.key_of({"shared": shared, **identity}), run, settings)


def read_finished(trials: Sequence[Trial], search: str | None) -> dict[str, Outcome]:
    """Reads the outcomes, by key, of trials that an earlier sweep finished or the same search stopped."""
    outcomes = {}
    for trial in trials:
        files = (_folder(trial.key, each) / OUTCOME for each in (None, search))
        if kept := next(filter(Path.is_file, files), None):
            outcomes[trial.key] = Outcome(**read_json(kept))
    return outcomes


def keep(trial: Trial, outcome: Outcome, network: bytes, search: str | None) -> None:
    """Writes the outcome of a trial and its network, atomically."""
    with replacing(_folder(trial.key, search if outcome.stopped else None)) as folder:
        folder.mkdir()
        if network:
            (folder / "network.keras").write_bytes(network)
        write_json(folder / OUTCOME, outcome._asdict())


def _folder(key: str, search: str | None) -> Path:
    """Returns the folder of a trial; one that a search stopped is not finished for any other sweep."""
    return layout.FINISHED_TRIALS / (f"{key}-{search}" if search else key)
