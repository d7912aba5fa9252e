"""Is the difference between two models real? Intervals, an exact test, and a sentence on the result."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from rnnlab.project.errors import UserError
from rnnlab.project.tasks import ACCURACY, Measure

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class Interval(NamedTuple):
    """A mean and the ends of its confidence interval, in the unit of the scores."""

    mean: float
    low: float
    high: float


class McNemar(NamedTuple):
    """How many rows only the first or only the second model got right, and the two-sided p-value."""

    only_first: int
    only_second: int
    p_value: float


def interval(
    scores: npt.NDArray[np.floating], *, over_seeds: bool, resamples: int, seed: int, level: float = 0.95
) -> Interval:
    """Percentile bootstrap interval of a mean score.

    Rows, and with `over_seeds` also seeds, are drawn with replacement in each resample, independently of each other:
    the pigeonhole bootstrap (Owen 2007, "The pigeonhole bootstrap"; Efron 1979 for rows alone). From few seeds that
    differ far more than chance among rows explains, it is too narrow: in simulations an interval of 95 % held the true
    mean about 70 times in 100 with three seeds, and 90 times with five or ten.

    Args:
        scores: of every row under every seed, floats of shape (seeds, rows), for example 1.0 for right and 0.0 for
            wrong, or a squared error.
        over_seeds: whether the interval speaks of other seeds too; otherwise scores are averaged over seeds first.
        resamples: number of bootstrap draws.
        seed: of the draws.
        level: share of such intervals that should hold the true mean, in (0, 1).

    Raises:
        UserError: with `over_seeds`, when `scores` has fewer than two seeds.
    """
    values = np.asarray(scores, np.float64)
    if not over_seeds:
        values = values.mean(axis=0, keepdims=True)
    elif len(values) < 2:
        raise UserError(
            "an interval over seeds needs at least two seeds in train.seeds, not one; "
            "add seeds, or set intervals.over to rows"
        )
    generator = np.random.default_rng(seed)
    means = [_resampled_mean(values, generator) for _ in range(resamples)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(values.mean()), float(low), float(high))


def _resampled_mean(values: npt.NDArray[np.float64], generator: np.random.Generator) -> float:
    """Mean over seeds and rows drawn with replacement; how often each was drawn is its weight."""
    seed_counts, row_counts = (
        np.bincount(generator.integers(size, size=size), minlength=size).astype(np.float64) for size in values.shape
    )
    # Not `values @ row_counts`: the threads of a matrix product this small wait far longer than they compute.
    per_seed = np.einsum("sr,r->s", values, row_counts)
    return float((seed_counts * per_seed).sum()) / values.size


def paired_difference(
    first: npt.NDArray[np.floating],
    second: npt.NDArray[np.floating],
    *,
    over_seeds: bool,
    resamples: int,
    seed: int,
    level: float = 0.95,
) -> Interval:
    """Bootstrap interval of the first model's mean score minus the second's, paired by row and seed.

    Args:
        first: scores as in `interval`, floats of shape (seeds, rows); (1, rows) for a model without seeds.
        second: likewise, on the same rows in the same order.
        over_seeds: as in `interval`, like the rest.
        resamples: number of bootstrap draws.
        seed: of the draws.
        level: of confidence, in (0, 1).

    Raises:
        UserError: when rows or seeds cannot be paired, or with `over_seeds` when neither model has two seeds.
    """
    difference = _difference(first, second)
    return interval(difference, over_seeds=over_seeds, resamples=resamples, seed=seed, level=level)


def _difference(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """First minus second, float64 of shape (seeds, rows); a model without seeds is paired with each seed."""
    _check_rows(first.shape[1], second.shape[1])
    if len(first) != len(second) and 1 not in (len(first), len(second)):
        raise UserError(
            f"two models with {len(first)} and {len(second)} seeds cannot be compared seed by seed; "
            "train both with the same seeds"
        )
    return np.asarray(first, np.float64) - np.asarray(second, np.float64)


def _check_rows(first: int, second: int) -> None:
    if first != second:
        raise UserError(f"two models were scored on {first} and {second} rows; score both on the same test rows")


def mcnemar(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> McNemar:
    """Exact test of whether two models are right equally often (McNemar 1947), on one seed of each.

    Rows that both or neither got right say nothing of the difference; the others are a fair coin if there is none.

    Args:
        first: whether the first model got each row right, bool of shape (rows,).
        second: likewise, on the same rows in the same order.

    Raises:
        UserError: when the numbers of rows differ.
    """
    _check_rows(len(first), len(second))
    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    discordant = only_first + only_second
    p_value = float(binomtest(only_first, discordant).pvalue) if discordant else 1.0
    return McNemar(only_first, only_second, p_value)


def seeds_won(
    first: npt.NDArray[np.floating], second: npt.NDArray[np.floating], *, lower_is_better: bool = False
) -> tuple[int, int]:
    """In how many seeds the first model's mean score is better than the second's; a tie is not won.

    Args:
        first: scores, floats of shape (seeds, rows); (1, rows) for a model without seeds.
        second: likewise, on the same rows in the same order.
        lower_is_better: as for an error.

    Returns:
        Seeds won, and seeds in all.

    Raises:
        UserError: when rows or seeds cannot be paired.
    """
    lead = _difference(first, second).mean(axis=1)
    won = lead < 0 if lower_is_better else lead > 0
    return int(won.sum()), len(won)


def sentence(
    first_name: str,
    second_name: str,
    difference: Interval,
    won: tuple[int, int] | None,
    *,
    measure: Measure = ACCURACY,
    level: float = 0.95,
) -> str:
    """Returns a plain sentence: which model is better, or that this is not clear.

    Args:
        first_name: of the first model.
        second_name: of the second model.
        difference: first minus second, from `paired_difference`. The difference is not clear if the interval holds 0.
        won: by the first model, from `seeds_won`; None, or a single seed, leaves the seeds out.
        measure: what the scores are.
        level: of confidence, as given to `paired_difference`.
    """
    clear, ends = not difference.low <= 0 <= difference.high, difference
    names, first_is_better = (first_name, second_name), measure.is_better(difference.low)
    if clear and difference.high < 0:
        ends = Interval(-difference.mean, -difference.high, -difference.low)
    better, worse = names if first_is_better else names[::-1]
    size, low, high = (measure.number(end) for end in ends)
    template = measure.clear if clear else measure.unclear
    claim = template.format(first=first_name, second=second_name, better=better, worse=worse, size=size)
    sentence = f"{claim} ({100 * level:g} % interval {low} to {high})"
    if not clear or won is None or won[1] < 2:
        return sentence
    return f"{sentence}; {'it' if first_is_better else first_name} won with {_seeds(*won)}"


def _seeds(won: int, of: int) -> str:
    if won in (0, of):
        return "every seed" if won else "no seed"
    count, total = (NUMBERS[number] if number < len(NUMBERS) else str(number) for number in (won, of))
    return f"{count} {'seeds' if won > 1 else 'seed'} of {total}"
