"""Several classifiers as one: a weighted sum of their log-odds."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

Probabilities = npt.NDArray[np.float32]


def fit_weights(members: Sequence[Probabilities], labels: npt.NDArray[np.int8]) -> npt.NDArray[np.float64]:
    """Fits the members' weights: stacking (Wolpert 1992, "Stacked generalization") by logistic regression.

    Args:
        members: probabilities of class 1 on rows that no member was trained on, of shape (rows,) each.
        labels: of these rows, 0 or 1; both must occur.

    Returns:
        One weight per member, then the intercept.
    """
    fitted = LogisticRegression().fit(_log_odds(members), labels)
    return np.append(fitted.coef_[0], fitted.intercept_)


def combine(members: Sequence[Probabilities], weights: npt.NDArray[np.float64]) -> Probabilities:
    """Combines the members' probabilities, float32 of shape (rows,) each, with weights from `fit_weights`."""
    return np.asarray(expit(_log_odds(members) @ weights[:-1] + weights[-1]), np.float32)


def _log_odds(members: Sequence[Probabilities]) -> npt.NDArray[np.float64]:
    certain = np.stack(members, axis=1).astype(np.float64)
    return np.asarray(logit(np.clip(certain, 1e-6, 1 - 1e-6)))  # exactly 0 or 1 would have infinite odds
