"""Every figure of a model on texts with its interval: on all test rows, in each slice of them, and by their length.

Most figures are no means over rows. Each becomes one by its influence function, so that what holds for an accuracy
holds for it (`rnnlab.evaluation.statistics`): the "infinitesimal jackknife" (Jaeckel 1972), which for
the area under the ROC curve is the method of DeLong, DeLong & Clarke-Pearson 1988.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from rnnlab.evaluation import metrics, statistics
from rnnlab.evaluation.metrics import Figure, Labels, Probabilities, Said
from rnnlab.evaluation.slices import FEWEST_ROWS
from rnnlab.project.dataframes import defused
from rnnlab.project.results import NOTHING
from rnnlab.project.tasks import SLICE, TEXTS

Floats = npt.NDArray[np.float64]
Runs = Mapping[str, Sequence[Said]]  # what the network of each seed said of the same rows, by model

ALL, LENGTH = "all", "words"  # columns of groups, beside those of slices
UNBOUNDED = ("log_loss", "brier")  # figures that are no shares
GROUPS = 100  # of rows that are left out in turn, at most
SMALLEST = float(np.finfo(np.float64).eps)  # probability that the log loss counts, as scikit-learn's does


def table(columns: Mapping[str, npt.NDArray[Any]], runs: Runs, others: Mapping[str, Figure] = NOTHING) -> pd.DataFrame:
    """Scores each model on all test rows, and on the rows of each slice and of each group of lengths.

    Args:
        columns: of the test rows: words, and those of ``evaluate.slices``.
        runs: what each model said of these rows.
        others: figures of all test rows beside those of `row_values`.

    Returns:
        The columns column (`ALL`, `LENGTH` or that of a slice), value, rows, model, figure, mean, low and high. A
        figure is left out where the rows do not define it: the area under the ROC curve of a single label.
    """
    found = []
    for column, value, chosen in _groups(columns):
        group = {"column": defused(column), "value": defused(value), "rows": int(chosen.sum())}
        for model, seeds in runs.items():
            said = [of_seed.of(chosen) for of_seed in seeds]
            values = [row_values(*of_seed) for of_seed in said]
            if column == ALL:
                values = [known | jackknifed(of_seed, others) for known, of_seed in zip(values, said, strict=True)]
            for figure in values[0]:
                ends = interval(figure, np.stack([of_seed[figure] for of_seed in values]))
                found.append({**group, "model": model, "figure": figure, **ends._asdict()})
    return pd.DataFrame(found)


def _groups(columns: Mapping[str, npt.NDArray[Any]]) -> Iterator[tuple[str, str, npt.NDArray[np.bool_]]]:
    """Yields column, value and rows of all rows, of slices of enough rows, and of groups of lengths."""
    words = columns["words"]
    yield ALL, "", np.ones(len(words), bool)
    for column in [name for name in columns if name.startswith(SLICE)]:
        for value in pd.unique(columns[column]):
            if (chosen := columns[column] == value).sum() >= FEWEST_ROWS:
                yield column, str(value), chosen
    for chosen in metrics.length_groups(words):
        if chosen.sum() >= FEWEST_ROWS:
            yield LENGTH, f"{words[chosen].min():,} to {words[chosen].max():,}", chosen


def interval(figure: str, values: Floats) -> statistics.Interval:
    """Returns a figure's mean over seeds with its 95 % interval, from `row_values` of shape (seeds, rows)."""
    rows = values.shape[1]
    if figure in UNBOUNDED or figure not in TEXTS.scores:
        return statistics.estimate(values).interval()
    if figure != "mcc":
        return statistics.estimate(values).share_interval(rows)
    share = statistics.estimate((values + 1) / 2).share_interval(rows)  # of a figure from -1 to 1
    return statistics.Interval(*(2 * end - 1 for end in share))


def row_values(labels: Labels, probabilities: Probabilities, answers: Labels) -> dict[str, Floats]:
    """Returns the rows' values of each figure: their mean is the figure, and their spread tells how exact it is.

    Figures of a label count only labels that occur; on rows with each label, means are those of `metrics.score`. The
    calibration error has none: on few rows it is too large by chance, so that no interval around it would cover.

    Args:
        labels: numbers from 0, of shape (rows,).
        probabilities: as `rnnlab.project.tasks.decide` takes them.
        answers: the number of the label that each row was given, of shape (rows,).
    """
    of_two = probabilities.ndim == 1
    by_label = Said(labels, probabilities, answers).by_label
    count, own = by_label.shape[1], by_label[np.arange(len(labels)), labels]
    occurs = np.bincount(labels, minlength=count) > 0
    equal = occurs / occurs.sum()
    kind, weights = ("", np.array([0.0, 1.0])) if of_two else ("macro_", equal)
    squares = (by_label**2).sum(axis=1) - own**2 + (1 - own) ** 2
    found = {
        "accuracy": (labels == answers).astype(np.float64),
        "balanced_accuracy": _ratios(labels, answers, (1, 1, 0), equal),
        f"{kind}precision": _ratios(labels, answers, (1, 0, 1), weights),
        f"{kind}recall": _ratios(labels, answers, (1, 1, 0), weights),
        f"{kind}f1": _ratios(labels, answers, (2, 1, 1), weights),
        "weighted_f1": _weighted_f1(labels, answers, count),
        "mcc": _correlation(labels, answers, count),
        "log_loss": -np.log(own.clip(SMALLEST, 1 - SMALLEST)),
        "brier": squares / 2 if of_two else squares,
    }
    if occurs.sum() > 1:
        numbers = [1] if of_two else np.flatnonzero(occurs)
        found["roc_auc"] = np.mean([_area(labels == number, by_label[:, number]) for number in numbers], axis=0)
    return found


def jackknifed(said: Said, figures: Mapping[str, Figure]) -> dict[str, Floats]:
    """Returns values of shape (groups,) of any figures, likewise: from what each is without a group of the rows.

    The delete-a-group jackknife (Kott 2001): groups are drawn, the same for all models and seeds.
    """
    rows = len(said.labels)
    groups = np.random.default_rng(0).permutation(rows) % min(GROUPS, rows)
    found = {}
    for name, figure in figures.items():
        without = np.array([figure(said.of(groups != group)) for group in range(groups.max() + 1)])
        found[name] = figure(said) - (len(without) - 1) * (without - without.mean())
    return found


def _ratios(labels: Labels, answers: Labels, parts: tuple[int, int, int], weights: Floats) -> Floats:
    """Values of a weighted sum over labels of the ratio a · hits / (b · rows + c · answers), given a, b and c."""
    a, b, c = parts
    hits, true, given = _shares(labels, answers, len(weights))
    size = b * true + c * given
    ratio, each = _over(a * hits, size), _over(weights, size)
    right = labels == answers
    own, told = each[labels] * (a * right - b * ratio[labels]), c * each[answers] * ratio[answers]
    return np.asarray(weights @ ratio + own - told)


def _weighted_f1(labels: Labels, answers: Labels, count: int) -> Floats:
    hits, true, given = _shares(labels, answers, count)
    f1 = _over(2 * hits, true + given)
    return np.asarray(_ratios(labels, answers, (2, 1, 1), true) + f1[labels] - true @ f1)


def _correlation(labels: Labels, answers: Labels, count: int) -> Floats:
    """Values of Matthews' correlation coefficient of any number of labels (Gorodkin 2004); 0 where it has no spread."""
    hits, true, given = _shares(labels, answers, count)
    covariance, spreads = hits.sum() - true @ given, (1 - true @ true, 1 - given @ given)
    if min(spreads) <= 1e-12:
        return np.zeros(len(labels))
    changes = (labels == answers) - given[labels] - true[answers] - (hits.sum() - 2 * true @ given)
    own, told = (true @ true - true[labels]) / spreads[0], (given @ given - given[answers]) / spreads[1]
    size = np.sqrt(spreads[0] * spreads[1])
    return np.asarray(covariance / size + changes / size - covariance / size * (own + told))


def _over(numbers: Floats, sizes: Floats) -> Floats:
    """Divides, and takes what is divided by 0 for 0."""
    return np.divide(numbers, sizes, out=np.zeros_like(sizes), where=sizes > 0)


def _shares(labels: Labels, answers: Labels, count: int) -> tuple[Floats, Floats, Floats]:
    """Share of the rows that have each label and were given it, that have it, and that were given it."""
    kinds = (labels[labels == answers], labels, answers)
    hits, true, given = (np.bincount(kind, minlength=count) / len(labels) for kind in kinds)
    return hits, true, given


def _area(is_so: npt.NDArray[np.bool_], forecasts: Floats) -> Floats:
    """Values of the area under the ROC curve: from the share of rows of the other kind on whose right side a row is."""
    ranks = rankdata(forecasts)
    placed = np.where(is_so, ranks, len(ranks) + 1 - ranks)
    for kind in (is_so, ~is_so):
        within = rankdata(forecasts[kind])
        placed[kind] -= within if kind is is_so else kind.sum() + 1 - within
        placed[kind] /= len(ranks) - kind.sum()
    area = placed[is_so].mean()
    weights = np.where(is_so, 1 / is_so.mean(), 1 / (1 - is_so.mean()))
    return np.asarray(area + weights * (placed - area))
