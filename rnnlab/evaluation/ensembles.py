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
        members: probabilities of class 1 on rows that no member was trained on, float32 of shape (rows,) each.
        labels: of these rows, 0 or 1, int8 of shape (rows,); both must occur.

    Returns:
        One weight per member, then the intercept, float64 of shape (members + 1,).
    """
    fitted = LogisticRegression().fit(_log_odds(members), labels)
    return np.append(fitted.coef_[0], fitted.intercept_)


def combine(members: Sequence[Probabilities], weights: npt.NDArray[np.float64]) -> Probabilities:
    """Combines the members' probabilities, float32 of shape (rows,) each, with weights from `fit_weights`."""
    joined: Probabilities = expit(_log_odds(members) @ weights[:-1] + weights[-1]).astype(np.float32)
    return joined


def _log_odds(members: Sequence[Probabilities]) -> npt.NDArray[np.float64]:
    # A float32 of exactly 0 or 1 would have infinite odds.
    certain = np.stack(members, axis=1).astype(np.float64)
    odds: npt.NDArray[np.float64] = logit(np.clip(certain, 1e-6, 1 - 1e-6))
    return odds
