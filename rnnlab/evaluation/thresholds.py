"""From which probability on a label is given, where the likeliest label is not the best answer."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_curve

from rnnlab.evaluation.metrics import confusion, f1_by_label
from rnnlab.project.tasks import THRESHOLD, decide

# Of a label's threshold, of more than two labels: tried from the closest to 1 on.
FACTORS = sorted(np.geomspace(1 / 8, 8, 25), key=lambda factor: abs(np.log(factor)))
ROUNDS = 3  # through all labels


def choose(labels: npt.NDArray[np.integer[Any]], probabilities: npt.NDArray[np.float32]) -> list[float]:
    """Chooses thresholds for the best F1 of the second of two labels, or the best mean F1 of more (Lewis 1995).

    "Evaluating and optimizing autonomous text classification systems". Of thresholds that are as good, the one closest
    to what gives the likeliest label is chosen; that is given where a model says the same of every row.

    Args:
        labels: of rows that no model was trained on, numbers from 0, of shape (rows,).
        probabilities: of these rows, as `rnnlab.project.tasks.decide` takes them.

    Returns:
        A threshold for each label, also for `decide`.
    """
    if np.array_equal(probabilities, np.broadcast_to(probabilities[:1], probabilities.shape)):
        return [1 - THRESHOLD, THRESHOLD] if probabilities.ndim == 1 else [1.0] * probabilities.shape[1]
    return _of_two(labels, probabilities) if probabilities.ndim == 1 else _of_more(labels, probabilities)


def _of_two(labels: npt.NDArray[np.integer[Any]], probabilities: npt.NDArray[np.float32]) -> list[float]:
    precision, recall, limits = precision_recall_curve(labels, probabilities)
    scores = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = np.flatnonzero(scores[:-1] >= scores[:-1].max() - 1e-12)
    middles = (limits + np.append(0.0, limits[:-1])) / 2  # any limit between two probabilities gives the same answers
    middle = float(min(middles[best], key=lambda limit: abs(limit - THRESHOLD)))
    return [1 - middle, middle]


def _of_more(labels: npt.NDArray[np.integer[Any]], probabilities: npt.NDArray[np.float32]) -> list[float]:
    """Improves one label's threshold after the other, from equal ones on."""
    count = probabilities.shape[1]
    chosen = np.ones(count)

    def score(thresholds: npt.NDArray[np.float64]) -> float:
        return float(f1_by_label(confusion(labels, decide(probabilities, thresholds), count)).mean())

    best = score(chosen)
    for label in [*range(count)] * ROUNDS:
        for factor in FACTORS:
            tried = chosen.copy()
            tried[label] = factor
            if (found := score(tried)) > best + 1e-12:
                best, chosen = found, tried
    return list(map(float, chosen))
