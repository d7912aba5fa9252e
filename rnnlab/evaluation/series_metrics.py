"""Test figures of one run on a series, and the width of its prediction intervals, in the data's own unit."""

import math

import numpy as np
import numpy.typing as npt
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

Values = npt.NDArray[np.floating]  # of shape (windows, horizon)


def score(targets: Values, predicted: Values, naive_errors: Values | float = 1.0) -> dict[str, float]:
    """Scores the forecasts of one run, for at least two windows.

    Args:
        targets: what came, in some unit, of shape (windows, horizon).
        predicted: what was forecast, likewise.
        naive_errors: `rnnlab.features.series_encoding.Encoding.naive_errors`, in the same unit, of shape (windows, 1).

    Returns:
        ``mae`` and ``rmse`` in that unit, ``mse`` in its square, ``r2``: 1 is perfect, 0 no better than the mean
        of the targets; ``smape``, the mean of twice the error as a share of the sizes of both values, in [0, 2]; and
        ``mase``, the mean absolute error as a multiple of the naive one (Hyndman & Koehler 2006, "Another look at
        measures of forecast accuracy"). If the horizon is longer than a step, also ``mae_step_`` and its number.
    """
    true, guessed = targets.astype(np.float64), predicted.astype(np.float64)  # sums of float32 lose digits
    mse, mae = float(mean_squared_error(true, guessed)), float(mean_absolute_error(true, guessed))
    sizes = np.abs(true) + np.abs(guessed)
    shares = 2 * np.abs(true - guessed) / np.where(sizes > 0, sizes, 1)
    figures = {"mse": mse, "mae": mae, "rmse": mse**0.5, "r2": float(r2_score(true.ravel(), guessed.ravel()))}
    figures |= {"smape": float(shares.mean()), "mase": float((np.abs(true - guessed) / naive_errors).mean())}
    by_step = np.abs(true - guessed).mean(axis=0)
    width = len(str(len(by_step)))
    steps = {f"mae_step_{step:0{width}}": float(error) for step, error in enumerate(by_step, start=1)}
    return figures | (steps if len(steps) > 1 else {})


def half_widths(targets: Values, predicted: Values, coverage: float) -> npt.NDArray[np.float64]:
    """Returns the half-width of a prediction interval at each step, float64 of shape (horizon,).

    Split conformal prediction (Lei et al. 2018, "Distribution-free predictive inference for regression"): the quantile
    of the absolute errors on held-out windows, with its correction for their number. It promises the coverage for
    windows that are like the held-out ones in any order; a series that changes in time may fall short of it, so that
    the coverage is measured on test windows. With too few windows, it is their largest error.

    Args:
        targets: of held-out windows, which the network was not trained on, of shape (windows, horizon); of any unit.
        predicted: for these.
        coverage: share of the values that shall be inside.
    """
    errors = np.sort(np.abs(targets - predicted), axis=0)
    rank = math.ceil((len(errors) + 1) * coverage)
    widths: npt.NDArray[np.float64] = errors[min(rank, len(errors)) - 1].astype(np.float64)
    return widths


def interval_figures(targets: Values, predicted: Values, half_width: Values) -> dict[str, float]:
    """Returns the share of targets inside the intervals, ``coverage``, and their mean ``interval_width``."""
    inside = np.abs(targets - predicted) <= half_width
    return {"coverage": float(inside.mean()), "interval_width": float(2 * half_width.mean())}
