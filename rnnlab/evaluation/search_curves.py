"""What a search finds with few trials: the expected best score against the number of trials."""

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from rnnlab.evaluation.statistics import LEVEL, Interval
from rnnlab.project.tasks import Measure

RESAMPLES = 2_000
TAIL = (1 - LEVEL) / 2

Scores = npt.NDArray[np.float64]


def expected_best(scores: Scores, trials: int) -> npt.NDArray[np.float64]:
    """Returns the mean best of ``trials`` scores drawn from those of a search, higher being better.

    The curve of Dodge et al. 2019, "Show your work: improved reporting of experimental results", without its bias: the
    mean over all subsets, as in Tang et al. 2020, "Showing your work doesn't always work".

    Args:
        scores: of shape (…, N), along the last axis those of independent trials.
        trials: 1 to N.
    """
    ordered = np.sort(scores, axis=-1)
    below = np.arange(ordered.shape[-1])  # scores that are at most as good as each
    size = len(below)
    possible = below >= trials - 1
    ways = _log_choose(below[possible], trials - 1) - _log_choose(np.array(size), trials)
    return np.asarray(ordered[..., possible] @ np.exp(ways))


def _log_choose(of: npt.NDArray[np.int_], count: int) -> npt.NDArray[np.float64]:
    return np.asarray(gammaln(of + 1) - gammaln(count + 1) - gammaln(of - count + 1))


class _Searches(NamedTuple):
    """A search of one model, searches like it, and searches like it that found one score more, the best known."""

    scores: Scores
    like: Scores
    luckier: Scores


def _searches(scores: Scores, best: float) -> _Searches:
    """Draws searches of the same length from the trials of one, shape (resamples, N); the same for each model."""
    generator, trials = np.random.default_rng(0), len(scores)
    like = scores[generator.integers(0, trials, (RESAMPLES, trials))]
    return _Searches(scores, like, np.append(scores, best)[generator.integers(0, trials + 1, (RESAMPLES, trials + 1))])


def best_of(searches: _Searches, trials: int) -> Interval:
    """Returns the expected best of so many trials with its 95 % interval.

    The lower end is that of a bootstrap over trials. At the upper end a model might have found what any model found, in
    one trial more (Laplace's rule of succession): a score as rare as that may be missing from the trials.
    """
    mean, like, luckier = (expected_best(scores, trials) for scores in searches)
    return Interval(float(mean), _quantile(like, TAIL), _quantile(luckier, 1 - TAIL))


def gap(first: _Searches, second: _Searches, trials: int) -> Interval:
    """Returns how much better the expected best of one model is than that of another, with its 95 % interval."""
    mean, like, luckier = (expected_best(scores, trials) for scores in first)
    other, others_like, others_luckier = (expected_best(scores, trials) for scores in second)
    return Interval(
        float(mean - other), _quantile(like - others_luckier, TAIL), _quantile(luckier - others_like, 1 - TAIL)
    )


def _quantile(values: Scores, share: float) -> float:
    return float(np.quantile(values, share))


class Curves(NamedTuple):
    """What searches of some lengths find.

    Attributes:
        lengths: numbers of trials.
        best: by model, the expected best score of each length, in the unit of the measure.
        gaps: by pair of models, how much better the first one is, positive if it is.
    """

    lengths: list[int]
    best: Mapping[str, list[Interval]]
    gaps: Mapping[tuple[str, str], list[Interval]]


LENGTHS = (1, 2, 5, 10, 20, 50)


def curves(measure: Measure, scores: Mapping[str, Scores]) -> Curves:
    """Computes the curves of independent trials, as many of each model, from their scores by model."""
    sign = -1.0 if measure.lower_is_better else 1.0
    upward = {name: sign * np.asarray(values, np.float64) for name, values in scores.items()}
    known = max(values.max() for values in upward.values())
    searches = {name: _searches(values, known) for name, values in upward.items()}
    lengths = [length for length in LENGTHS if length <= min(map(len, upward.values()))]
    best = {name: [_turned(best_of(of_model, n), sign) for n in lengths] for name, of_model in searches.items()}
    pairs = [(later, earlier) for earlier, later in combinations(searches, 2)]
    gaps = {pair: [gap(searches[pair[0]], searches[pair[1]], n) for n in lengths] for pair in pairs}
    return Curves(lengths, best, gaps)


def _turned(interval: Interval, sign: float) -> Interval:
    mean, *ends = (sign * value for value in interval)
    return Interval(mean, min(ends), max(ends))


def rows(measure: Measure, found: Curves) -> list[dict[str, str]]:
    """Returns a row for each length, by heading: what each model reaches, and how far the models are apart."""

    def shown(interval: Interval) -> str:
        more = 1 if measure.unit else 0
        mean, low, high = (measure.number(value, more) for value in interval)
        return f"{mean} ({low} to {high})"

    return [
        {
            "trials": str(length),
            **{name: shown(intervals[at]) for name, intervals in found.best.items()},
            **{f"{first} ahead of {second}": shown(gaps[at]) for (first, second), gaps in found.gaps.items()},
        }
        for at, length in enumerate(found.lengths)
    ]


def sentences(measure: Measure, found: Curves) -> list[str]:
    """Says of each pair what is left of its gap once both models have the most trials that are told."""
    told = []
    for (first, second), gaps in found.gaps.items():
        one, most = gaps[0], gaps[-1]
        ahead, behind = (first, second) if one.mean > 0 else (second, first)
        start = f"with the options of a single trial {ahead} is {_size(measure, one)} ahead of {behind}"
        if len(gaps) > 1:
            start += f", with the best of {found.lengths[-1]} {_size(measure, most, one.mean < 0)}"
        told.append(f"On validation rows, {start} (95 % intervals in brackets)")
    return told


def _size(measure: Measure, interval: Interval, turn: bool | None = None) -> str:
    turned = interval.mean < 0 if turn is None else turn
    mean, low, high = _turned(interval, -1.0 if turned else 1.0)
    return f"{measure.difference(mean)} ({measure.number(low)} to {measure.number(high)})"
