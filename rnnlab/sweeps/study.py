"""A study: trials for each of some models, in rounds that are the same however often the study is stopped."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import Any, NamedTuple

from rnnlab.networks import checkpoints
from rnnlab.project import layout
from rnnlab.project.files import package_digest
from rnnlab.project.overrides import changed
from rnnlab.project.params import Params, Run
from rnnlab.project.sections.networks import Training
from rnnlab.project.tasks import TASKS
from rnnlab.sweeps import space, trials
from rnnlab.sweeps.space import Draws, Options, Sampler
from rnnlab.sweeps.trials import Data, Limits, Outcome, Trial, kept_scores

ROUND = 5  # trials of each model side by side; those of later rounds are held to the medians of earlier ones
GRACE = 1 / 3  # of its epochs, that each training has: a SimpleRNN may learn late


class Tried(NamedTuple):
    """A trial of one model: its number from 1, what was drawn, and its trainings, one a seed."""

    model: str
    number: int
    options: Options
    outcomes: Sequence[Outcome]
    column: str  # of a history, that holds the score

    @property
    def diverged(self) -> bool:
        """Whether the loss of a training was not a number, so that there is no score."""
        return any(outcome.diverged for outcome in self.outcomes)

    @property
    def stopped(self) -> int:
        """Number of trainings that did poorly and were stopped."""
        return sum(outcome.stopped for outcome in self.outcomes)

    @property
    def score(self) -> float:
        """The mean over the seeds of the score on validation rows."""
        return fmean(outcome.history[outcome.best_epoch - 1][self.column] for outcome in self.outcomes)

    @property
    def loss(self) -> float:
        """The mean over the seeds of the validation loss."""
        return fmean(outcome.validation_loss for outcome in self.outcomes)

    @property
    def cost(self) -> int:
        """Weights times epochs, of all trainings: the same on every machine, unlike seconds."""
        return sum(outcome.parameters * len(outcome.history) for outcome in self.outcomes)


class Study:
    """Draws, plans and ranks the trials of each model of ``compare``."""

    def __init__(self, settings: Params, sampler: Sampler, data: Data) -> None:
        self.settings, self.task, self.data = settings, TASKS[settings.task], data
        code = package_digest(layout.PACKAGE, "sweeps")
        identity = {"tune": settings.tune.model_dump(mode="json"), "sampler": sampler, "round": ROUND, "code": code}
        options = {model: _not_drawn(settings, model) for model in settings.compare}
        # Test rows are not among what a study depends on: it never sees them.
        self.key = checkpoints.training_key({**identity, "models": options}, [*data.train, *data.validation])
        lower = self.task.measure.lower_is_better
        self._draws = {
            model: Draws(settings.tune.space, sampler, settings.tune.seeds[0], lower_is_better=lower)
            for model in settings.compare
        }
        self.tried: dict[str, list[Tried]] = {model: [] for model in settings.compare}

    def __len__(self) -> int:
        """Counts the trials of each model."""
        return min(map(len, self.tried.values()))

    def round(self, count: int, train: Callable[[Sequence[Trial]], Mapping[str, Outcome]]) -> None:
        """Adds so many trials to each model; ``train`` returns the outcomes of trainings by key."""
        drawn = {model: [draws.ask() for _ in range(count)] for model, draws in self._draws.items()}
        limits = {model: self._limits(model) for model in drawn}
        planned = {
            model: [self._trainings(model, options, limits[model]) for _, options in asked]
            for model, asked in drawn.items()
        }
        outcomes = train([trial for of_model in planned.values() for seeds in of_model for trial in seeds])
        for model, asked in drawn.items():
            for (trial, options), seeds in zip(asked, planned[model], strict=True):
                number = len(self.tried[model]) + 1
                done = [outcomes[each.key] for each in seeds]
                tried = Tried(model, number, options, done, self.task.measure.validation)
                self.tried[model].append(tried)
                self._draws[model].tell(trial, None if tried.diverged else tried.score)

    def _trainings(self, model: str, options: Options, limits: Callable[[Training], Limits]) -> list[Trial]:
        settings = changed(self.settings, space.changes(model, options), layout.PARAMS)
        runs = [Run(model, seed) for seed in settings.tune.seeds]
        planned = [trials.planned(run, settings, self.data, self.key) for run in runs]
        return [trial._replace(limits=limits(trial.training)) for trial in planned]

    def _limits(self, model: str) -> Callable[[Training], Limits]:
        """Returns the limits that the earlier trials of a model set to a training; see `medians`."""
        histories = [outcome.history for tried in self.tried[model] for outcome in tried.outcomes]
        scores = medians([kept_scores(history, self.task.measure.validation) for history in histories])
        lower = self.task.measure.lower_is_better
        return lambda training: Limits(
            self.task.measure.validation, lower, max(1, round(GRACE * training.epochs)), scores
        )

    def ranked(self, model: str) -> list[Tried]:
        """Sorts the trials of a model, the best first; of equal scores, the cheaper trial."""
        sign = 1 if self.task.measure.lower_is_better else -1
        scored = [tried for tried in self.tried[model] if not tried.diverged]
        return sorted(scored, key=lambda tried: (sign * tried.score, tried.cost, tried.number))


def _not_drawn(settings: Params, model: str) -> dict[str, dict[str, Any]]:
    options = settings.options_of(model)
    return {
        part: {name: value for name, value in of.items() if name not in settings.tune.space}
        for part, of in options.items()
    }


def medians(curves: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Returns the median of the scores after each epoch, where a training that has ended keeps its last score.

    The median stopping rule: Golovin et al. 2017, "Google Vizier: A service for black-box optimization".
    """
    known = [curve for curve in curves if curve]
    longest = max(map(len, known), default=0)
    return tuple(median(curve[min(epoch, len(curve) - 1)] for curve in known) for epoch in range(longest))


def rounds(total: int) -> Iterator[int]:
    """Yields the number of trials of each round."""
    for start in range(0, total, ROUND):
        yield min(ROUND, total - start)
