"""How exact a mean is that was measured with some seeds on some test rows; docs/statistics.md explains each choice."""

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.fft import dct
from scipy.stats import binomtest, norm, t

from rnnlab.project.errors import UserError

Floats = npt.NDArray[np.floating]

LEVEL = 0.95  # of confidence: the share of such intervals that should hold the true mean
POWER = 0.8  # a difference counts as visible if this share of repetitions would show it
# The seeds' mean square is the residual's at least, but that of few seeds is often far less by chance, and errors would
# then seem so small that false differences are found. This share of the residual makes that rare (reports/coverage.md).
LEAST_SEED_SQUARE = 1 / 3
SPLIT_CHANCE = 0.01  # how often seeds of a single group may be taken for two
SPLIT_SEEDS = 4  # fewer cannot be told apart from a single group
GROUPS_APART = 5  # margins that two groups of seeds differ by at least


class Interval(NamedTuple):
    """A mean and the ends of its confidence interval, in the unit of the scores."""

    mean: float
    low: float
    high: float


class Estimate(NamedTuple):
    """A mean, its standard error, and the degrees of freedom that the error was estimated with."""

    mean: float
    error: float
    freedom: float

    def interval(self, level: float = LEVEL) -> Interval:
        """Returns the t interval."""
        half = self._quantile((1 + level) / 2) * self.error
        return Interval(self.mean, self.mean - half, self.mean + half)

    def share_interval(self, rows: int, level: float = LEVEL) -> Interval:
        """Returns an interval for the mean of zeros and ones, which stays between 0 and 1.

        Wilson's score interval (Wilson 1927) for as many independent rows as would have this standard error (Kish 1965,
        "Survey sampling", the effective sample size), with a t quantile. Where all rows are alike, each of the ``rows``
        counts.
        """
        spread, quantile = self.mean * (1 - self.mean), self._quantile((1 + level) / 2)
        weight = quantile**2 * (self.error**2 / spread if spread and self.error else 1 / rows)
        centre = (self.mean + weight / 2) / (1 + weight)
        half = math.sqrt(weight * spread + weight**2 / 4) / (1 + weight)
        return Interval(self.mean, max(centre - half, 0.0), min(centre + half, 1.0))

    def p_value(self) -> float:
        """Returns the two-sided p-value of a true mean of 0."""
        if not self.error:
            return float(not self.mean)
        return float(2 * t.sf(abs(self.mean) / self.error, self.freedom))

    def p_value_from(self, least: float) -> float:
        """Returns the one-sided p-value of a true mean of ``least`` or more."""
        if not self.error:
            return float(self.mean >= least)
        return float(t.cdf((self.mean - least) / self.error, self.freedom))

    def visible(self, significance: float) -> float:
        """Returns the smallest true mean that a test at this significance shows in `POWER` of repetitions, about."""
        return (self._quantile(1 - significance / 2) + self._quantile(POWER)) * self.error

    def _quantile(self, probability: float) -> float:
        return float(t.ppf(probability, self.freedom))


class Components(NamedTuple):
    """Where the variance of a mean comes from: mean squares of an analysis of variance, seeds crossed with rows.

    Attributes:
        seed: times the number of rows, the variance of the seeds' means; 0 for a single seed.
        row: times the number of seeds, the variance of the rows' means.
        residual: of what neither explains; 0 for a single seed, as it is part of ``row`` then.
        seeds: their number.
        rows: their number.
        dependent: whether the rows are steps of a series, so that neighbours are alike.
    """

    seed: float
    row: float
    residual: float
    seeds: int
    rows: int
    dependent: bool

    def estimate(self, mean: float) -> Estimate:
        """Computes the standard error of a mean, both seeds and rows being random.

        That of two crossed random effects (Hillis 2007, "A comparison of denominator degrees of freedom methods for
        multiple observer ROC analysis"), with the degrees of freedom of Satterthwaite (1946) for each mean square.
        """
        seed = max(self.seed, self.residual * LEAST_SEED_SQUARE)
        total = seed + max(self.row - self.residual, 0.0)
        others = max(self.seeds - 1, 1)
        of_rows = series_terms(self.rows) if self.dependent else self.rows - 1
        uncertainty = seed**2 / others + (self.row**2 + self.residual**2 / others) / of_rows
        freedom = total**2 / uncertainty if uncertainty else math.inf
        return Estimate(mean, math.sqrt(total / (self.seeds * self.rows)), freedom)

    def planned(self, seeds: int, rows: int) -> "Components":
        """Returns what other numbers of seeds and rows would have, if the variances are as found here."""
        of_seeds = max(self.seed - self.residual, 0.0) / self.rows
        of_rows = max(self.row - self.residual, 0.0) / self.seeds
        return Components(
            rows * of_seeds + self.residual, seeds * of_rows + self.residual, self.residual, seeds, rows, self.dependent
        )


def components(scores: Floats, *, dependent: bool = False) -> Components:
    """Computes the components of variance of scores of shape (seeds, rows), steps of a series in their order.

    Of dependent rows, the long-run variance takes the place of the variance: the mean square of the first cosine terms,
    as in the equal-weighted cosine estimator (Lazarus, Lewis, Stock & Watson 2018, "HAR inference: recommendations for
    practice"). For the difference of two models this is a Diebold-Mariano test.

    Raises:
        UserError: there are fewer than two rows.
    """
    values = np.asarray(scores, np.float64)
    seeds, rows = values.shape
    if rows < 2:
        raise UserError(f"{rows} test row: how exact a score is needs two at least; make split.test_fraction larger")
    of_rows = float(_row_variance(values.mean(axis=0), dependent=dependent))
    if seeds == 1:
        return Components(0.0, of_rows, 0.0, 1, rows, dependent)
    means = values.mean(axis=1, keepdims=True)
    residuals = values - means - values.mean(axis=0) + values.mean()
    residual = float(_row_variance(residuals, dependent=dependent).mean()) * seeds / (seeds - 1)
    return Components(rows * float(means.var(ddof=1)), seeds * of_rows, residual, seeds, rows, dependent)


def _row_variance(values: npt.NDArray[np.float64], *, dependent: bool) -> npt.NDArray[np.float64]:
    """Variance over the last axis, or the long-run variance of a series."""
    if not dependent:
        return np.asarray(values.var(axis=-1, ddof=1))
    terms = dct(values, norm="ortho")[..., 1 : series_terms(values.shape[-1]) + 1]
    return np.asarray((terms**2).mean(axis=-1))


def series_terms(rows: int) -> int:
    """Returns how many cosine terms the long-run variance of a series has: 0.41 T^(2/3), as its source recommends."""
    return max(1, int(0.41 * rows ** (2 / 3)))


def estimate(scores: Floats, *, dependent: bool = False) -> Estimate:
    """Estimates the mean of scores of shape (seeds, rows); see `components`."""
    return components(scores, dependent=dependent).estimate(float(np.mean(scores, dtype=np.float64)))


def difference(first: Floats, second: Floats) -> npt.NDArray[np.float64]:
    """First minus second, float64 of shape (seeds, rows), of two models' scores of the same rows in the same order.

    A model without seeds, (1, rows), is paired with each seed of the other.

    Raises:
        UserError: rows or seeds cannot be paired.
    """
    if first.shape[1] != second.shape[1]:
        counts = f"{first.shape[1]} and {second.shape[1]} rows"
        raise UserError(f"two models were scored on {counts}; score both on the same test rows")
    if len(first) != len(second) and 1 not in (len(first), len(second)):
        raise UserError(
            f"two models with {len(first)} and {len(second)} seeds cannot be compared seed by seed; "
            "train both with the same seeds"
        )
    return np.asarray(first, np.float64) - np.asarray(second, np.float64)


def apart(first: Estimate, second: Estimate) -> Estimate:
    """Estimates first minus second of two independent estimates (Welch 1947)."""
    squares = [(one.error**2, one.freedom) for one in (first, second)]
    total = sum(square for square, _ in squares)
    uncertainty = sum(square**2 / freedom for square, freedom in squares)
    return Estimate(first.mean - second.mean, math.sqrt(total), total**2 / uncertainty if uncertainty else math.inf)


def over_seeds(scores: Sequence[float]) -> Estimate:
    """Estimates the mean of one score per seed, two at least."""
    values = np.asarray(scores, np.float64)
    return Estimate(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values)), len(values) - 1)


def next_seed(scores: Sequence[float]) -> Interval:
    """Returns the interval that holds the score of one more seed on the same rows, 95 times in 100.

    Args:
        scores: of two seeds at least.
    """
    mean, error, freedom = over_seeds(scores)
    return Estimate(mean, error * math.sqrt(len(scores) + 1), freedom).interval()


def loss_p_value(only_first: int, only_second: int, rows: int, margin: float) -> float:
    """Returns the one-sided p-value of the first of two models being right less often than the second by the margin.

    The score test of non-inferiority for pairs (Tango 1998, "Equivalence test and confidence interval for the
    difference in proportions for the paired-sample design").

    Args:
        only_first: rows that only the first model has right.
        only_second: rows that only the second has right.
        rows: in all.
        margin: the loss, in (0, 1).
    """
    a, c = 2 * rows, only_second * margin * (1 + margin)
    b = (2 * rows - only_first + only_second) * -margin - only_first - only_second
    likely = (math.sqrt(b * b - 4 * a * c) - b) / (2 * a)  # share of rows that only the second has right, if it is so
    error = math.sqrt(rows * (2 * likely - margin * (1 + margin)))
    return float(norm.sf((only_first - only_second + rows * margin) / error))


def holm(p_values: Sequence[float]) -> list[float]:
    """Corrects the p-values of a family, so that a false claim is among all of them as seldom as in a single test.

    Holm (1979), "A simple sequentially rejective multiple test procedure".
    """
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


class Groups(NamedTuple):
    """Seeds that fall into two groups, as where some trainings solve a task and others do not.

    Attributes:
        high: mean score of the seeds in the group with higher scores.
        low: mean score of the others.
        higher: seeds in the group with higher scores.
        seeds: in all.
        share: of such seeds, with exact limits (Clopper & Pearson 1934).
    """

    high: float
    low: float
    higher: int
    seeds: int
    share: Interval


def groups(scores: Sequence[float], least: float) -> Groups | None:
    """Finds out whether the scores of seeds fall into two groups that lie at least ``least`` apart.

    The test of Engelman & Hartigan (1969), "Percentage points of a test for clusters": the best split leaves less of
    the variance within groups than in `SPLIT_CHANCE` of samples from a single normal distribution.
    """
    if len(scores) < SPLIT_SEEDS:
        return None
    ordered = np.sort(np.asarray(scores, np.float64))[None]
    within, at = _best_split(ordered)
    low, high = ordered[0, : at[0]], ordered[0, at[0] :]
    if high[0] - low[-1] < least or within[0] >= _split_limit(len(scores)):
        return None
    share = exact_share(len(high), len(scores))
    return Groups(float(high.mean()), float(low.mean()), len(high), len(scores), share)


def exact_share(count: int, of: int) -> Interval:
    """Returns a share with its exact limits (Clopper & Pearson 1934)."""
    ends = binomtest(count, of).proportion_ci(LEVEL, method="exact")
    return Interval(count / of, float(ends.low), float(ends.high))


@cache
def _split_limit(seeds: int) -> float:
    drawn = np.sort(np.random.default_rng(0).normal(size=(20_000, seeds)))
    return float(np.quantile(_best_split(drawn)[0], SPLIT_CHANCE))


def _best_split(ordered: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int_]]:
    """Share of the variance within the two groups of the best split, and the size of its lower group, by sample."""
    size = ordered.shape[1]
    centred = ordered - ordered.mean(axis=1, keepdims=True)
    below = np.arange(1, size)
    # The groups' sums are opposite, as all sum to 0.
    between = centred.cumsum(axis=1)[:, :-1] ** 2 * (1 / below + 1 / (size - below))
    total = (centred**2).sum(axis=1)
    best = between.argmax(axis=1)
    largest = between[np.arange(len(between)), best]
    share = np.where(total > 0, 1 - largest / np.where(total > 0, total, 1), 1.0)
    return share, best + 1
