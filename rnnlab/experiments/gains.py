"""What a change gains: one model compared with another over the test rows and seeds that both have."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnlab.evaluation import comparisons, statistics
from rnnlab.evaluation.statistics import Interval
from rnnlab.experiments.catalogue import Named
from rnnlab.experiments.results import of_experiment
from rnnlab.project.results import Result
from rnnlab.project.tasks import Measure, Task

RESAMPLES = 2000  # where a result does not say


class Gain(NamedTuple):
    """How one model compares with another.

    Attributes:
        difference: of their mean scores, over the same test rows.
        won: seeds, and seeds in all.
        measure: of the scores.
        rows: how many test rows both have.
        of: how many there are in all.
        seeds: remark on the seeds, "" where each model's seeds were all used.
    """

    difference: Interval
    won: tuple[int, int]
    measure: Measure
    rows: int
    of: int
    seeds: str = ""

    @property
    def clear(self) -> bool:
        """Whether the interval is on the side of the first model, from end to end."""
        return all(self.measure.is_better(end) for end in (self.difference.low, self.difference.high))


# By DVC experiment and model.
Gains = Mapping[tuple[str, str], Gain]


class Pairs(NamedTuple):
    """Scores of two models on the same test rows.

    Attributes:
        first: floats of shape (seeds, rows).
        second: likewise.
        rows: how many test rows both have.
        of: how many there are in all.
        seeds: remark on the seeds, "" where each model's seeds were all used.
    """

    first: npt.NDArray[np.float64]
    second: npt.NDArray[np.float64]
    rows: int
    of: int
    seeds: str

    @property
    def equal(self) -> bool:
        """Whether both have the same rows and seeds, and score the same on each."""
        return not self.seeds and self.rows == self.of and np.array_equal(self.first, self.second)


def all_gains(named: Iterable[Named], results: Mapping[str, Result]) -> Gains:
    """Compares every experiment with the one that it extends, model by model, where both were run."""
    gains = {}
    for experiment in named:
        parent = results.get(experiment.lineage[-2]) if len(experiment.lineage) > 1 else None
        if not parent:
            continue
        for setup, result in of_experiment(experiment, results):
            for model in result.values["compare"]:
                compared = gain(result, parent, model)
                if compared:
                    gains[setup.name, model] = compared
    return gains


def gain(first: Result, second: Result, model: str) -> Gain | None:
    """Compares a model of two results.

    Returns:
        First minus second; None where one has no predictions of it or they share no row.
    """
    if first.task != second.task or first.predictions is None or second.predictions is None:
        return None
    pairs = pair(*(row_scores(result.predictions, model, first.task) for result in (first, second)))
    return measure_gain(pairs, first) if pairs.rows else None


def row_scores(predictions: pd.DataFrame, model: str, task: Task) -> pd.DataFrame:
    """Scores a model's predictions with `rnnlab.evaluation.comparisons`, a row per test row and a column per seed."""
    rows = predictions[predictions["model"] == model]
    scored = rows.assign(score=comparisons.score_rows(task, rows))
    return scored.pivot(index=task.row, columns="seed", values="score")


def pair(first: pd.DataFrame, second: pd.DataFrame) -> Pairs:
    """Pairs the scores of two models by test row, and by seed: seeds that only one has are left out.

    Where they share no seed, their seeds are paired in their order.

    Args:
        first: from `row_scores`.
        second: likewise.
    """
    rows, of = first.index.intersection(second.index), len(first.index.union(second.index))
    shared = first.columns.intersection(second.columns)
    if shared.empty:
        count = min(first.shape[1], second.shape[1])
        chosen, remark = (first.iloc[:, :count], second.iloc[:, :count]), f"over the first {_seeds(count)} of each"
    else:
        count = len(shared)
        chosen, remark = (first[shared], second[shared]), f"over the {_seeds(count)} that both have"
    one, other = (scores.loc[rows].to_numpy(np.float64).T for scores in chosen)
    return Pairs(one, other, len(rows), of, remark if count < max(first.shape[1], second.shape[1]) else "")


def _seeds(number: int) -> str:
    return "seed" if number == 1 else f"{number} seeds"


def measure_gain(pairs: Pairs, result: Result) -> Gain:
    """Measures by how much the first of two models is better; ``result`` says how to resample."""
    intervals = result.values.get("intervals", {})
    difference = statistics.paired_difference(
        pairs.first,
        pairs.second,
        over_seeds=len(pairs.first) > 1 and intervals.get("over") != "rows",
        resamples=intervals.get("resamples", RESAMPLES),
        seed=bootstrap_seed(result.values),
    )
    won = statistics.seeds_won(pairs.first, pairs.second, lower_is_better=result.measure.lower_is_better)
    return Gain(difference, won, result.measure, pairs.rows, pairs.of, pairs.seeds)


def bootstrap_seed(values: Mapping[str, Any]) -> int:
    """Returns the seed of the intervals; older results have a single seed for everything."""
    return int(values.get("intervals", {}).get("seed", values.get("seed", 0)))


def gain_sentence(first: str, second: str, gain: Gain, exact_test: str = "") -> str:
    """Says whether the first of two models is better, and what that is based on."""
    claim = statistics.sentence(first, second, gain.difference, gain.won, measure=gain.measure)
    rows = f"over the {gain.rows:,} test rows that both have" if gain.rows != gain.of else ""
    return "; ".join(part for part in (claim, rows, gain.seeds, exact_test) if part)


def exact_test(pairs: Pairs) -> str:
    """Says how likely such counts of right and wrong answers are by chance, for scores of 1.0 and 0.0."""
    tested = [statistics.mcnemar(*seed) for seed in zip(pairs.first == 1, pairs.second == 1, strict=True)]
    return comparisons.exact_test([result.p_value for result in tested])
