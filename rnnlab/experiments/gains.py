"""What a change gains: one model compared with another over the test rows and seeds that both have."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnlab.evaluation import comparisons, verdicts
from rnnlab.evaluation.verdicts import Verdict
from rnnlab.experiments.catalogue import Named
from rnnlab.experiments.results import margin, of_experiment
from rnnlab.project.results import Result


class Pairs(NamedTuple):
    """Scores of two models on the same test rows, each of shape (seeds, rows).

    Attributes:
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


class Compared(NamedTuple):
    """Paired scores, the names of both sides in a sentence, and the result that the first is of."""

    pairs: Pairs
    names: tuple[str, str]
    result: Result


class Gain(NamedTuple):
    """How one model compares with another; see `Pairs`.

    Attributes:
        verdict: on the difference of their mean scores, over the same test rows.
        rows: how many test rows both have.
        of: how many there are in all.
        seeds: remark on the seeds, "" where each model's seeds were all used.
    """

    verdict: Verdict
    rows: int
    of: int
    seeds: str = ""

    @property
    def clear(self) -> bool:
        """Whether the first model is shown to be better."""
        return self.verdict.shown and self.verdict.first_is_better

    @property
    def sentence(self) -> str:
        """Says whether the first of two models is better, and what that is based on."""
        rows = f"over the {self.rows:,} test rows that both have" if self.rows != self.of else ""
        return "; ".join(part for part in (self.verdict.sentence, rows, self.seeds) if part)


# By DVC experiment and model.
Gains = Mapping[tuple[str, str], Gain]


def all_gains(named: Iterable[Named], results: Mapping[str, Result]) -> Gains:
    """Compares every experiment with the one that it extends, model by model, where both were run; one family.

    Where each has one model, and not the same, these two are compared.
    """
    found = {}
    for experiment in named:
        parent = results.get(experiment.lineage[-2]) if len(experiment.lineage) > 1 else None
        for setup, result in of_experiment(experiment, results):
            models = result.values["compare"]
            for model in models:
                which = f" ({model})" if len(models) > 1 else ""
                if parent and (pairs := pair_results(result, parent, model, _counterpart(models, parent))):
                    names = (f"{setup.name}{which}", f"{experiment.lineage[-2]}{which}")
                    found[setup.name, model] = Compared(pairs, names, result)
    return dict(zip(found, judge(found.values()), strict=True))


def _counterpart(models: Sequence[str], parent: Result) -> str | None:
    """Returns the one model of the parent, if there is one on either side; None for that of the same name."""
    theirs = parent.values["compare"]
    return theirs[0] if len(models) == len(theirs) == 1 else None


def judge(compared: Iterable[Compared]) -> list[Gain]:
    """Judges pairs of models as one family."""
    every = list(compared)
    pairs = [
        verdicts.pair(
            (one.names[0], one.pairs.first),
            (one.names[1], one.pairs.second),
            margin(one.result.values),
            one.result.measure,
            dependent=one.result.task.rows_are_dependent,
        )
        for one in every
    ]
    judged = zip(every, verdicts.judge(pairs), strict=True)
    return [Gain(verdict, one.pairs.rows, one.pairs.of, one.pairs.seeds) for one, verdict in judged]


def pair_results(first: Result, second: Result, model: str, other: str | None = None) -> Pairs | None:
    """Pairs a model of two results, or one with another; None where predictions lack or no row is in both."""
    if first.task != second.task or first.predictions is None or second.predictions is None:
        return None
    pairs = pair(row_scores(first, model), row_scores(second, other or model))
    return pairs if pairs.rows else None


def row_scores(result: Result, model: str) -> pd.DataFrame:
    """Scores a model's predictions; see `rnnlab.evaluation.comparisons.row_scores`."""
    assert result.predictions is not None
    return comparisons.row_scores(result.task, result.predictions[result.predictions["model"] == model])


def pair(first: pd.DataFrame, second: pd.DataFrame) -> Pairs:
    """Pairs two results of `row_scores` by test row, and by seed: seeds that only one has are left out.

    Where they share no seed, their seeds are paired in their order.
    """
    rows, of = first.index.intersection(second.index), len(first.index.union(second.index))
    shared = first.columns.intersection(second.columns)
    count = len(shared) or min(first.shape[1], second.shape[1])
    seeds = "seed" if count == 1 else f"{count} seeds"
    if shared.empty:
        chosen, remark = (first.iloc[:, :count], second.iloc[:, :count]), f"over the first {seeds} of each"
    else:
        chosen, remark = (first[shared], second[shared]), f"over the {seeds} that both have"
    one, other = (scores.loc[rows].to_numpy(np.float64).T for scores in chosen)
    return Pairs(one, other, len(rows), of, remark if count < max(first.shape[1], second.shape[1]) else "")
