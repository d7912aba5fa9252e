"""What a change to an experiment gains: its model against the same of the experiment it extends."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnlab.evaluation import comparisons, statistics
from rnnlab.evaluation.statistics import Interval
from rnnlab.experiments.catalogue import Named
from rnnlab.experiments.outcomes import Outcome, of_experiment
from rnnlab.project.tasks import MEASURES, TASKS, Measure


class Gain(NamedTuple):
    """One experiment's model against the same of the experiment it extends.

    Attributes:
        difference: of their mean scores, over the same test rows.
        won: seeds, and seeds in all.
        measure: of the scores.
        rows: how many test rows both have.
        of: how many there are in all.
    """

    difference: Interval
    won: tuple[int, int]
    measure: Measure
    rows: int
    of: int

    @property
    def clear(self) -> bool:
        """Whether the whole interval speaks for the first."""
        return self.difference.high < 0 if self.measure.lower_is_better else self.difference.low > 0


# By DVC experiment and model.
Gains = Mapping[tuple[str, str], Gain]


def all_gains(named: Iterable[Named], outcomes: Mapping[str, Outcome]) -> Gains:
    """Compares every experiment with the one it extends, model by model, where both were run."""
    gains = {}
    for experiment in named:
        parent = outcomes.get(experiment.lineage[-2]) if len(experiment.lineage) > 1 else None
        if not parent:
            continue
        for setup, outcome in of_experiment(experiment, outcomes):
            for model in outcome.values["compare"]:
                found = gain(outcome, parent, model)
                if found:
                    gains[setup.name, model] = found
    return gains


def gain(first: Outcome, second: Outcome, model: str) -> Gain | None:
    """Compares two experiments' models over the test rows that both have, seeds paired by position.

    Returns:
        First minus second; None where one has no predictions or they share no row.
    """
    if first.measure != second.measure or model not in second.values["compare"]:
        return None
    if first.predictions is None or second.predictions is None:
        return None
    ours, theirs = row_scores(first.predictions, model), row_scores(second.predictions, model)
    shared = ours.index.intersection(theirs.index)
    if shared.empty:
        return None
    seeds = min(ours.shape[1], theirs.shape[1])
    pair: list[npt.NDArray[np.float64]] = [scores.loc[shared].to_numpy().T[:seeds] for scores in (ours, theirs)]
    measure = MEASURES[first.measure]
    difference = statistics.paired_difference(
        *pair,
        over_seeds=seeds > 1,
        resamples=first.values.get("intervals", {}).get("resamples", 2000),
        seed=bootstrap_seed(first.values),
    )
    won = statistics.seeds_won(*pair, lower_is_better=measure.lower_is_better)
    return Gain(difference, won, measure, len(shared), len(ours.index.union(theirs.index)))


def bootstrap_seed(values: Mapping[str, Any]) -> int:
    """Returns the seed of the intervals; in results from before it had a key of its own, one seed drew everything."""
    return int(values.get("intervals", {}).get("seed", values.get("seed", 0)))


def row_scores(predictions: pd.DataFrame, model: str) -> pd.DataFrame:
    """Scores a model's test rows, a column a seed: 1.0 for a label that was found, or the squared error of a value."""
    rows = predictions[predictions["model"] == model]
    task = next(task for task in TASKS.values() if task.answer in rows)
    return rows.assign(score=comparisons.score_rows(task, rows)).pivot(index=task.row, columns="seed", values="score")


def gain_sentence(first: str, second: str, found: Gain) -> str:
    """Says whether a change helped."""
    claim = statistics.sentence(first, second, found.difference, found.won, measure=found.measure)
    return claim if found.rows == found.of else f"{claim} (over the {found.rows:,} test rows that both have)"
