"""Test figures of one run on a series, and the two baselines that a network must beat."""

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score


def score(targets: npt.NDArray[np.float32], predicted: npt.NDArray[np.float32]) -> dict[str, float]:
    """Scores the predictions of one run.

    Args:
        targets: standardised values, float32 of shape (rows,); at least two.
        predicted: for the same rows, float32 of shape (rows,).

    Returns:
        ``mae`` and ``rmse`` in standard deviations of the training values, ``mse`` in their square, and ``r2``: 1 is
        perfect, 0 no better than the mean of the targets.
    """
    true, guessed = targets.astype(np.float64), predicted.astype(np.float64)  # sums of float32 lose digits
    mse = float(mean_squared_error(true, guessed))
    return {
        "mse": mse,
        "mae": float(mean_absolute_error(true, guessed)),
        "rmse": mse**0.5,
        "r2": float(r2_score(true, guessed)),
    }


def last_value(inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Predicts that nothing changes: the last value of each window; float32 of (rows, window) → (rows,)."""
    return inputs[:, -1]


def fit_linear(
    inputs: npt.NDArray[np.float32], targets: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float64], float]:
    """Fits ordinary least squares on the window's values.

    Args:
        inputs: windows of the training rows, float32 of shape (rows, window).
        targets: the values after them, float32 of shape (rows,).

    Returns:
        Weights, float64 of shape (window,), and the intercept.
    """
    model = LinearRegression().fit(inputs.astype(np.float64), targets.astype(np.float64))
    return model.coef_, float(model.intercept_)


def predict_linear(
    inputs: npt.NDArray[np.float32], weights: npt.NDArray[np.float64], intercept: float
) -> npt.NDArray[np.float32]:
    """Predicts with the weights from `fit_linear`; float32 of (rows, window) → (rows,)."""
    return (inputs @ weights + intercept).astype(np.float32)
