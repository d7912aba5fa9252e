"""Test figures of one run on texts, and mean and spread over seeds of any run's."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import (
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_score,
    recall_score,
    roc_auc_score,
)

from rnnlab.project.params import NO_SEED
from rnnlab.project.tasks import positive

CALIBRATION_BINS = 10


def score(labels: npt.NDArray[np.int8], probabilities: npt.NDArray[np.float32]) -> dict[str, Any]:
    """Scores the predictions of one run.

    Args:
        labels: 0 or 1, int8 of shape (rows,); both must occur.
        probabilities: of class 1, float32 of shape (rows,); see `rnnlab.project.tasks.positive`.

    Returns:
        Shares in [0, 1], ``log_loss`` in nats, and the confusion matrix as counts.
    """
    predicted = positive(probabilities).astype(np.int8)
    (true_negative, false_positive), (false_negative, true_positive) = confusion_matrix(labels, predicted).tolist()
    return {
        "accuracy": float((predicted == labels).mean()),
        "precision": float(precision_score(labels, predicted, zero_division=0.0)),
        "recall": float(recall_score(labels, predicted)),
        "f1": float(f1_score(labels, predicted)),
        "roc_auc": float(roc_auc_score(labels, probabilities)),
        "log_loss": float(log_loss(labels, probabilities.astype(np.float64))),
        "brier": float(brier_score_loss(labels, probabilities)),
        "ece": calibration_error(labels, probabilities),
        "confusion": {
            "true_negative": true_negative,
            "false_positive": false_positive,
            "false_negative": false_negative,
            "true_positive": true_positive,
        },
    }


def calibration_error(labels: npt.NDArray[np.int8], probabilities: npt.NDArray[np.float32]) -> float:
    """Expected calibration error of the positive class, over ten bins of equal width.

    The mean gap between forecast and frequency, weighted by rows (Naeini et al. 2015, "Obtaining well calibrated
    probabilities using Bayesian binning").
    """
    bins = np.minimum((probabilities * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=probabilities - labels, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def summarise(per_seed: Mapping[int, Mapping[str, Any]], parameters: int) -> dict[str, Any]:
    """Mean and sample standard deviation over the seeds of one model.

    Args:
        per_seed: the result of `score` by seed, or that of `NO_SEED` alone.
        parameters: weights of the model.

    Returns:
        ``mean`` and ``sd`` of every figure but the confusion matrix, ``parameters``, and ``per_seed``, which is empty
        for a model without seeds. One seed has no spread: its ``sd`` is 0.
    """
    names = [name for name, value in next(iter(per_seed.values())).items() if not isinstance(value, Mapping)]
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
    """Accuracy in groups of texts of similar length.

    Args:
        lengths: words, int32 of shape (rows,).
        correct: bool of shape (rows,).
        groups: quantile groups at most; equal lengths always share a group.

    Returns:
        Median length, accuracy and rows of each group, by length.
    """
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, groups + 1)))
    group = np.clip(np.searchsorted(edges, lengths, side="right") - 1, 0, max(len(edges) - 2, 0))
    members = [group == index for index in np.unique(group)]
    return [(float(np.median(lengths[m])), float(correct[m].mean()), int(m.sum())) for m in members]
