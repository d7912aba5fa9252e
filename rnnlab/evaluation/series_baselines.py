"""Forecasts without a network, from the same windows: what every network must beat."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from rnnlab.features.arrays import Windows
from rnnlab.project.errors import UserError

PENALTIES = (1e-6, 1e-2, 1.0, 10.0, 100.0, 1e3, 1e4)  # of the squared weights, tried on the validation windows
BATCH_ROWS = 4096

Array = npt.NDArray[np.float32]
Inputs = npt.NDArray[np.float32]  # of shape (rows, window, channels), the series itself first
Weights = npt.NDArray[np.float64]  # of shape (window * channels + 1, horizon), the intercepts last


def last_value(inputs: Inputs, horizon: int, season: int | None) -> Array:
    """Predicts that nothing changes: the last value of each window; float32 of shape (rows, horizon)."""
    return np.repeat(inputs[:, -1:, 0], horizon, axis=1)


def seasonal_naive(inputs: Inputs, horizon: int, season: int | None) -> Array:
    """Predicts the value a season before, or as many seasons as reach into the window.

    Raises:
        UserError: the series has no season, or a longer one than a window.
    """
    window = inputs.shape[1]
    if season is None or season > window:
        problem = f"the season has {season} steps, a window {window}" if season else "the training rows show no season"
        raise UserError(f"baselines: seasonal_naive: {problem}; set series.season or series.window, or leave it out")
    return inputs[:, [window - season + step % season for step in range(horizon)], 0]


def drift(inputs: Inputs, horizon: int, season: int | None) -> Array:
    """Predicts that the window's straight line from its first value to its last goes on."""
    last = inputs[:, -1:, 0]
    slope = (last - inputs[:, :1, 0]) / max(inputs.shape[1] - 1, 1)
    line: Array = last + slope * np.arange(1, horizon + 1, dtype=np.float32)
    return line


UNFITTED: dict[str, Callable[[Inputs, int, int | None], Array]] = {
    "last_value": last_value,
    "seasonal_naive": seasonal_naive,
    "drift": drift,
}


def fit_linear(train: Windows, validation: Windows) -> Weights:
    """Fits a ridge regression on all channels of a window, with the penalty that suits the validation windows best.

    Hoerl & Kennard 1970, "Ridge regression: biased estimation for nonorthogonal problems". Intercepts have no penalty.
    """
    inputs, targets = (np.asarray(each).reshape(len(each), -1) for each in (train.inputs, train.targets))
    centre, mean = inputs.mean(axis=0, dtype=np.float64), targets.mean(axis=0, dtype=np.float64)
    squares = np.zeros((inputs.shape[1], inputs.shape[1]))
    products = np.zeros((inputs.shape[1], targets.shape[1]))
    for start in range(0, len(inputs), BATCH_ROWS):
        rows = inputs[start : start + BATCH_ROWS] - centre
        squares += rows.T @ rows
        products += rows.T @ (targets[start : start + BATCH_ROWS] - mean)
    values, vectors = np.linalg.eigh(squares)
    turned = vectors.T @ products

    def solve(penalty: float) -> Weights:
        weights = vectors @ (turned / (np.maximum(values, 0) + penalty)[:, None])
        return np.vstack([weights, mean - centre @ weights])

    held_out = np.asarray(validation.targets)
    tried = [solve(penalty) for penalty in PENALTIES]
    return min(tried, key=lambda weights: float(((predict_linear(validation.inputs, weights) - held_out) ** 2).mean()))


def predict_linear(inputs: Inputs, weights: Weights) -> Array:
    """Predicts with the weights from `fit_linear`; float32 of shape (rows, horizon)."""
    rows = np.asarray(inputs).reshape(len(inputs), -1)
    predicted: Array = (rows @ weights[:-1] + weights[-1]).astype(np.float32)
    return predicted
