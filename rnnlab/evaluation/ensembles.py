"""Several classifiers as one: a weighted sum of their log-odds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

Probabilities = npt.NDArray[np.float32]  # of shape (rows,) or (rows, labels), see `rnnlab.project.tasks.decide`


def mean(members: Sequence[Probabilities]) -> Probabilities:
    """Joins networks that differ in their seed alone, by the mean of their log-odds.

    Lakshminarayanan et al. 2017, "Simple and scalable predictive uncertainty estimation using deep ensembles"; they
    take the mean of probabilities.
    """
    if len(members) == 1:
        return members[0]
    joined = np.asarray(expit(np.mean([_log_odds([member]) for member in members], axis=0)), np.float32)
    return joined[:, 0] if members[0].ndim == 1 else joined / joined.sum(axis=1, keepdims=True)


def fit(members: Sequence[Probabilities], labels: npt.NDArray[np.integer[Any]]) -> LogisticRegression | None:
    """Fits the members' weights: stacking (Wolpert 1992, "Stacked generalization") by logistic regression.

    Args:
        members: probabilities of rows that no member was trained on.
        labels: of these rows, numbers from 0; each must occur.

    Returns:
        None of a single member, which stays as it is.
    """
    if len(members) == 1:
        return None
    return LogisticRegression(max_iter=1000).fit(_log_odds(members), labels)


def combine(members: Sequence[Probabilities], stacked: LogisticRegression | None) -> Probabilities:
    """Combines the members' probabilities of rows into those of one classifier, by what `fit` returned."""
    if stacked is None:
        return members[0]
    probabilities = np.asarray(stacked.predict_proba(_log_odds(members)), np.float32)
    return probabilities[:, 1] if members[0].ndim == 1 else probabilities


def _log_odds(members: Sequence[Probabilities]) -> npt.NDArray[np.float64]:
    certain = np.column_stack(members).astype(np.float64)
    return np.asarray(logit(np.clip(certain, 1e-6, 1 - 1e-6)))  # exactly 0 or 1 would have infinite odds
