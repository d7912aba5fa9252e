"""Test figures of one run on texts, and mean and spread over seeds of any run's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from rnnlab.project.params import NO_SEED
from rnnlab.project.results import NOTHING
from rnnlab.project.tasks import decide, told

CALIBRATION_BINS = 10
Labels = npt.NDArray[np.integer[Any]]
Probabilities = npt.NDArray[np.float32]


class Said(NamedTuple):
    """What a run says of rows: true labels, numbers from 0, probabilities as `decide` takes them, and labels given."""

    labels: Labels
    probabilities: Probabilities
    predicted: Labels

    @property
    def told(self) -> Probabilities:
        """The probability that stands beside each answer, see `rnnlab.project.tasks.told`."""
        beside: Probabilities = told(self.probabilities, self.predicted)
        return beside

    @property
    def exact(self) -> npt.NDArray[np.float64]:
        """The probabilities without float32's rounding, by which those of more than two labels miss a sum of 1."""
        exact = self.probabilities.astype(np.float64)
        return exact if exact.ndim == 1 else exact / exact.sum(axis=1, keepdims=True)

    @property
    def by_label(self) -> npt.NDArray[np.float64]:
        """The probability of every label, of shape (rows, labels)."""
        exact = self.exact
        return np.stack([1 - exact, exact], axis=1) if exact.ndim == 1 else exact

    def of(self, rows: npt.NDArray[np.bool_]) -> "Said":
        """Returns what it says of some of the rows."""
        return Said(self.labels[rows], self.probabilities[rows], self.predicted[rows])


Figure = Callable[[Said], float]


def _by_label(function: Callable[..., float], average: str) -> Figure:
    return lambda said: function(said.labels, said.predicted, zero_division=0.0, average=average)


def _calibration(said: Said) -> float:
    is_so = said.labels if said.probabilities.ndim == 1 else said.predicted == said.labels
    return calibration_error(is_so, said.told)


# Shares in [0, 1], ``log_loss`` in nats and ``mcc``, Matthews' correlation coefficient, in [-1, 1]. The area under the
# ROC curve, ``roc_auc``, is the mean of each of more than two labels against the rest.
FIGURES: Mapping[str, Figure] = {
    "accuracy": lambda said: (said.predicted == said.labels).mean(),
    "balanced_accuracy": lambda said: metrics.balanced_accuracy_score(said.labels, said.predicted),
    "weighted_f1": _by_label(metrics.f1_score, "weighted"),
    "mcc": lambda said: metrics.matthews_corrcoef(said.labels, said.predicted),
    "roc_auc": lambda said: metrics.roc_auc_score(said.labels, said.exact, multi_class="ovr"),
    "log_loss": lambda said: metrics.log_loss(said.labels, said.exact),
    "brier": lambda said: metrics.brier_score_loss(said.labels, said.exact),
    "ece": _calibration,
}
OF_LABELS = {"precision": metrics.precision_score, "recall": metrics.recall_score, "f1": metrics.f1_score}
OF_TWO = {name: _by_label(function, "binary") for name, function in OF_LABELS.items()}  # of the second label
OF_MORE = {f"macro_{name}": _by_label(function, "macro") for name, function in OF_LABELS.items()}  # means over labels


def answer(labels: Labels, probabilities: Probabilities, thresholds: Sequence[float] | None = None) -> Said:
    """Chooses labels by the probabilities of one run.

    Args:
        labels: the true ones, numbers from 0, of shape (rows,).
        probabilities: of label 1 of two, of shape (rows,), or of each of more, of shape (rows, labels).
        thresholds: of each label, see `rnnlab.project.tasks.decide`.
    """
    return Said(labels, probabilities, decide(probabilities, thresholds))


def score(said: Said, others: Mapping[str, Figure] = NOTHING) -> dict[str, float]:
    """Scores what one run says of rows among which each label occurs.

    Args:
        said: from `answer`.
        others: figures beside `FIGURES` and `OF_TWO` or `OF_MORE`, see `rnnlab.evaluation.other_metrics`.
    """
    figures = {**FIGURES, **(OF_TWO if said.probabilities.ndim == 1 else OF_MORE), **others}
    return {name: float(figure(said)) for name, figure in figures.items()}


def calibration_error(is_so: npt.NDArray[Any], forecasts: Probabilities) -> float:
    """Expected calibration error over ten bins of equal width: the mean gap between forecast and frequency, by rows.

    Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning".
    """
    bins = np.minimum((forecasts * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=forecasts - is_so, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(is_so))


def confusion(labels: Labels, predicted: Labels, count: int) -> npt.NDArray[np.int64]:
    """Counts the rows of each true label, in rows, by the label that they were given, in columns."""
    table = np.bincount(labels.astype(np.int64) * count + predicted, minlength=count * count)
    return table.reshape(count, count)


def f1_by_label(confusion: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Returns the F1 of each label from `confusion`; 0 where no row has the label, and none was given it."""
    return by_label(confusion)[:, 2]


def by_label(confusion: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Returns precision, recall and F1 of each label from `confusion`, of shape (labels, 3); 0 of no rows is 0."""
    given, true = confusion.sum(axis=0), confusion.sum(axis=1)
    counts = np.stack([given, true, (given + true) / 2], axis=1)
    found: npt.NDArray[np.float64] = confusion.diagonal()[:, None] / np.where(counts, counts, 1)
    return found


def summarise(per_seed: Mapping[int, Mapping[str, Any]], parameters: int | None) -> dict[str, Any]:
    """Mean and sample standard deviation over the seeds of one model, from `score` by seed, or by `NO_SEED` alone.

    Returns:
        ``mean`` and ``sd`` of every figure, ``parameters`` (a count of weights; None if not known), and ``per_seed``,
        which is empty for a model without seeds. One seed has no spread: its ``sd`` is 0.
    """
    names = next(iter(per_seed.values()))
    values = {name: np.array([figures[name] for figures in per_seed.values()]) for name in names}
    return {
        "mean": {name: float(column.mean()) for name, column in values.items()},
        "sd": {name: float(column.std(ddof=1)) if len(column) > 1 else 0.0 for name, column in values.items()},
        "per_seed": {str(seed): dict(figures) for seed, figures in per_seed.items() if seed != NO_SEED},
        "parameters": parameters,
    }


def accuracy_by_length(
    lengths: npt.NDArray[np.int32], correct: npt.NDArray[np.bool_], groups: int = 6
) -> list[tuple[float, float, int]]:
    """Returns median length, accuracy and rows of each of `length_groups`."""
    members = length_groups(lengths, groups)
    return [(float(np.median(lengths[m])), float(correct[m].mean()), int(m.sum())) for m in members]


def length_groups(lengths: npt.NDArray[np.int32], groups: int = 6) -> list[npt.NDArray[np.bool_]]:
    """Returns which rows are in each group of texts of similar length, by length.

    There are at most so many groups, bounded by quantiles; equal lengths always share a group.
    """
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, groups + 1)))
    group = np.clip(np.searchsorted(edges, lengths, side="right") - 1, 0, max(len(edges) - 2, 0))
    return [group == index for index in np.unique(group)]
