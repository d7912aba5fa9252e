"""The search space of `rnnlab tune`: what Optuna draws from, and what a draw means for a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from rnnlab.project.errors import UserError
from rnnlab.project.overrides import changed
from rnnlab.project.params import Params
from rnnlab.project.sections.networks import Model, Range, Training

Sampler = Literal["random", "tpe"]
Options = Mapping[str, Any]  # of a model or of its training, by name


def changes(model: str, options: Options) -> dict[str, Any]:
    """Returns options of a model as changes to params.yaml, by dotted key."""
    own = Training.model_fields
    return {f"models.{model}.{'train.' if name in own else ''}{name}": value for name, value in options.items()}


def distributions(space: Mapping[str, Any]) -> dict[str, BaseDistribution]:
    """Returns the distribution of each option; whole numbers where the option is one."""
    return {name: _distribution(name, space[name]) for name in sorted(space)}


def _distribution(name: str, draw: Range | tuple[Any, ...]) -> BaseDistribution:
    if not isinstance(draw, Range):
        return CategoricalDistribution(draw)
    if _is_whole(name):
        return IntDistribution(int(draw.low), int(draw.high), log=draw.log)
    return FloatDistribution(draw.low, draw.high, log=draw.log)


def _is_whole(name: str) -> bool:
    return ({**Model.model_fields, **Training.model_fields}[name].annotation) is int


def check(settings: Params) -> None:
    """Checks that each model of ``compare`` can have every option in the space.

    Raises:
        UserError: names the option, and why not.
    """
    for name, draw in settings.tune.space.items():
        source = Path(f"params.yaml: tune.space.{name}")
        ends = (draw.low, draw.high) if isinstance(draw, Range) else draw
        if isinstance(draw, Range) and _is_whole(name):
            if any(end != int(end) for end in ends):
                raise UserError(f"{source}: must be whole numbers, not {draw.low:g} and {draw.high:g}")
            ends = tuple(map(int, ends))
        for model in settings.compare:
            for value in ends:
                changed(settings, changes(model, {name: value}), source)


class Draws:
    """Draws options for one model, always the same ones; models that get the same sampler start with the same draws.

    Random search: Bergstra & Bengio 2012, "Random search for hyper-parameter optimization". The tree-structured Parzen
    estimator: Bergstra et al. 2011, "Algorithms for hyper-parameter optimization".
    """

    def __init__(self, space: Mapping[str, Any], sampler: Sampler, seed: int, *, lower_is_better: bool) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        samplers = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
        direction: Literal["minimize", "maximize"] = "minimize" if lower_is_better else "maximize"
        self._study = optuna.create_study(sampler=samplers[sampler](seed=seed), direction=direction)
        self._distributions = distributions(space)

    def ask(self) -> tuple[optuna.Trial, dict[str, Any]]:
        """Draws the options of one more trial."""
        trial = self._study.ask(self._distributions)
        return trial, {name: _rounded(value) for name, value in trial.params.items()}

    def tell(self, trial: optuna.Trial, score: float | None) -> None:
        """Tells what a trial scored; None if it diverged."""
        self._study.tell(trial, score, None if score is not None else optuna.trial.TrialState.FAIL)


def _rounded(value: Any) -> Any:
    """Rounds a fraction to what people read and copy."""
    return float(f"{value:.3g}") if isinstance(value, float) else value
