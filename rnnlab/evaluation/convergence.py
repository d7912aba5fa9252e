"""Which trainings had not converged, so that longer or other training may change the result."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from rnnlab.evaluation.statistics import GROUPS_APART
from rnnlab.project.params import Params, Run
from rnnlab.project.tasks import Measure

LAST_SHARE = 0.1  # of the epochs: a best epoch among these would probably have been followed by better ones
ROUNDING = 1e-9  # of scores that are exactly as far apart as is allowed

# By network: ``seeds``, how many were judged, and ``reasons``, by seed, of those that had not converged.
Convergence = Mapping[str, Mapping[str, Any]]


class Budget(NamedTuple):
    """How many epochs a training was allowed, and the schedule of its learning rate."""

    epochs: int
    schedule: str


def budgets(settings: Params) -> dict[str, Budget]:
    """Returns what each network was allowed."""
    trained = {name: settings.training_of(name) for name in settings.compare}
    return {name: Budget(training.epochs, training.schedule) for name, training in trained.items()}


def judge(
    measure: Measure, histories: Mapping[Run, pd.DataFrame], allowed: Mapping[str, Budget], margin: float
) -> dict[str, dict[str, Any]]:
    """Judges every training by its epochs and by the other seeds of its model.

    A training had not converged if its best epoch is among the last tenth of those allowed, unless the learning rate
    falls to 0 there; or if it ended on a plateau that another seed left: more than `GROUPS_APART` margins behind it.

    Args:
        measure: that the models are compared by.
        histories: epochs of each training that is known, with the columns of `rnnlab.networks.training.History`.
        allowed: by network.
        margin: `intervals.margin`.

    Returns:
        See `Convergence`; a network without any history is left out.
    """
    found = {}
    for model, budget in allowed.items():
        seeds = {run.seed: history for run, history in histories.items() if run.model == model}
        if seeds:
            scores = {seed: _best_score(measure, history) for seed, history in seeds.items()}
            late, behind = _late(seeds, budget), _behind(measure, scores, margin)
            told = {seed: ", ".join(cause[seed] for cause in (late, behind) if seed in cause) for seed in seeds}
            found[model] = {"seeds": len(seeds), "reasons": {str(seed): why for seed, why in told.items() if why}}
    return found


def _late(seeds: Mapping[int, pd.DataFrame], budget: Budget) -> dict[int, str]:
    if budget.schedule == "cosine":
        return {}
    best = {seed: int(history.loc[history["val_loss"].idxmin(), "epoch"]) for seed, history in seeds.items()}
    first = (1 - LAST_SHARE) * budget.epochs + ROUNDING
    return {seed: f"best epoch {epoch} of {budget.epochs}" for seed, epoch in best.items() if epoch > first}


def _behind(measure: Measure, scores: Mapping[int, float], margin: float) -> dict[int, str]:
    leader = (min if measure.lower_is_better else max)(scores, key=scores.__getitem__)
    best = scores[leader]
    apart = GROUPS_APART * measure.margin(margin, best) + ROUNDING
    return {
        seed: f"plateau at a {measure.validation_name} of {measure.amount(score)},"
        f" seed {leader} reached {measure.amount(best)}"
        for seed, score in scores.items()
        if abs(score - best) > apart
    }


def _best_score(measure: Measure, history: pd.DataFrame) -> float:
    scores = history[measure.validation]
    return float(scores.min() if measure.lower_is_better else scores.max())


def of_runs(found: Convergence, runs: Iterable[Run]) -> dict[str, dict[str, Any]]:
    """Keeps what was found of some trainings only."""
    seeds: dict[str, list[str]] = {}
    for run in runs:
        if run.model in found:
            seeds.setdefault(run.model, []).append(str(run.seed))
    reasons = {model: found[model]["reasons"] for model in seeds}
    return {
        model: {"seeds": len(kept), "reasons": {seed: reasons[model][seed] for seed in kept if seed in reasons[model]}}
        for model, kept in seeds.items()
    }


def word(found: Convergence, run: Run) -> str:
    """Says of a training "yes", or "no" and why; a dash where it was not judged, as in results of 0.1.0."""
    if run.model not in found:
        return "–"
    reason = found[run.model]["reasons"].get(str(run.seed))
    return f"no: {reason}" if reason else "yes"


def counts(found: Convergence, models: Iterable[str]) -> list[str]:
    """Says of each of some models how many of its seeds had not converged, if there are any."""
    judged = [(name, found[name]) for name in models if name in found]
    return [f"{len(one['reasons'])} of {one['seeds']} seeds of {name}" for name, one in judged if one["reasons"]]


def remarks(found: Convergence, models: Iterable[str]) -> list[str]:
    """Returns the remark on a verdict that rests on trainings that had not converged, if any."""
    told = ", ".join(counts(found, models))
    return [f"not converged: {told}"] if told else []


def sentences(found: Convergence) -> list[str]:
    """Says of each model how many of its seeds had not converged, and what that means; `word` says why."""
    return [f"{count} had not converged: longer or other training may change this" for count in counts(found, found)]
