"""Forecasters of the textbooks, exponential smoothing and ARIMA, in a form that forecasts from any row at once.

Each is a linear innovations state-space model (Hyndman, Koehler, Ord & Snyder 2008, "Forecasting with exponential
smoothing: the state space approach"): what it knows of the past is a state, which every new value corrects. statsmodels
fits the weights to training rows; from there on, the state alone goes from row to row, and nothing is fitted again.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from scipy.ndimage import uniform_filter1d

from rnnlab.features.arrays import Windows
from rnnlab.features.series_encoding import Encoding
from rnnlab.features.series_rows import by_series
from rnnlab.project.errors import UserError
from rnnlab.project.files import reading, replacing

ORDERS = ((1, 0, 0), (2, 0, 0), (3, 0, 0), (1, 0, 1), (2, 0, 1), (0, 1, 1), (1, 1, 0), (1, 1, 1), (2, 1, 2))  # p, d, q
LONGEST_SEASON = 366  # steps: a state holds as many values, and each row of the data a state

Floats = npt.NDArray[np.float64]


class Innovations(NamedTuple):
    """A value is ``mean + design · state``, and an error; the next state is ``transition @ state + gain · error``.

    Attributes:
        mean: of the values.
        design, gain, start: of shape (states,); the start is the state after the last training row.
        transition: of shape (states, states).
        parameters: number of weights that were fitted.
    """

    mean: float
    design: Floats
    transition: Floats
    gain: Floats
    start: Floats
    parameters: int

    def states(self, values: Floats) -> Floats:
        """Returns what is known before each of the values after the start, of shape (rows, states)."""
        found = np.empty((len(values), len(self.start)))
        state = self.start
        for row, value in enumerate(values - self.mean):
            found[row] = state
            state = self.transition @ state + self.gain * (value - self.design @ state)
        return found

    def forecast(self, states: Floats, horizon: int) -> Floats:
        """Returns the next values by states of shape (rows, states), float64 of shape (rows, horizon)."""
        steps = [self.design]
        while len(steps) < horizon:
            steps.append(steps[-1] @ self.transition)
        forecasts: Floats = self.mean + states @ np.stack(steps, axis=1)
        return forecasts


class Series(NamedTuple):
    """All rows of a series from its first training row on, of shape (rows,): standardised values, and rows in the file.

    The first ``train`` of them are training rows. Gaps hold the value before them, as networks see it.
    """

    values: Floats
    rows: npt.NDArray[np.int64]
    train: int


def read(source: Path, encoding: Encoding) -> list[Series]:
    """Reads the rows of each series from the ingest stage, in the order of the encoding.

    Raises:
        UserError: they are missing or damaged.
    """
    with reading(source):
        table = pq.read_table(source, columns=["value", "row", "series", "split"])
    return [
        Series(
            encoding.series[name].scaler.apply(rows["value"].to_numpy()),
            rows["row"].to_numpy(),
            int((rows["split"].to_numpy() == "train").sum()),
        )
        for name, rows in by_series(table).items()
    ]


def fit(name: str, series: Sequence[Series], season: int | None, validation: Windows) -> list[Innovations]:
    """Fits one of `FITS` to each series, and chooses by the windows of that series; see `fit_one`."""
    parts = (np.flatnonzero(np.asarray(validation.series) == number) for number in range(len(series)))
    held_out = [Windows._make(np.asarray(each)[rows] for each in validation) for rows in parts]
    return [fit_one(name, one, season, of_one) for one, of_one in zip(series, held_out, strict=True)]


def predict(models: Sequence[Innovations], series: Sequence[Series], windows: Windows) -> npt.NDArray[np.float32]:
    """Forecasts what follows each window by the model of its series; float32 of shape (rows, horizon)."""
    horizon = windows.targets.shape[1]
    forecasts = np.empty((len(windows.rows), horizon), np.float32)
    for number, (model, one) in enumerate(zip(models, series, strict=True)):
        rows = np.flatnonzero(np.asarray(windows.series) == number)
        forecasts[rows] = predict_one(model, one, np.asarray(windows.rows)[rows], horizon)
    return forecasts


def fit_one(name: str, series: Series, season: int | None, validation: Windows) -> Innovations:
    """Fits the candidates of one of `FITS` to training rows; returns the one that suits the validation windows best.

    All steps of a window count, as where the penalty of the linear model is chosen. An information criterion could not
    compare models of values with models of their differences.

    Args:
        name: "ets" or "arima".
        series: to whose training rows candidates are fitted.
        season: in steps, if there is one.
        validation: windows of the same series.

    Raises:
        UserError: no candidate can be fitted.
    """
    held_out = np.asarray(validation.targets)

    def error(model: Innovations) -> float:
        return float(((predict_one(model, series, validation.rows, held_out.shape[1]) - held_out) ** 2).mean())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels warns of weights at the ends of their ranges; errors tell more
        errors = [(error(model), model) for model in FITS[name](series.values[: series.train], season)]
    if not (usable := [each for each in errors if np.isfinite(each[0])]):
        raise UserError(f"baselines: {name} cannot be fitted to these {series.train:,} training rows; leave it out")
    return min(usable, key=lambda each: each[0])[1]


def predict_one(
    model: Innovations, series: Series, rows: npt.NDArray[np.int64], horizon: int
) -> npt.NDArray[np.float32]:
    """Forecasts the values from each of some rows on, from all before it; float32 of shape (rows, horizon).

    The rows come after the training rows.
    """
    states = model.states(series.values[series.train :])[np.searchsorted(series.rows[series.train :], rows)]
    return model.forecast(states, horizon).astype(np.float32)


def _smoothings(values: Floats, season: int | None) -> Iterator[Innovations]:
    """Yields exponential smoothing without and with a damped trend, and of a season with it as well; errors add up."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel  # takes a second

    fits = season is not None and season <= LONGEST_SEASON and len(values) >= 2 * season
    for steps in (None, season) if fits else (None,):
        profile = _profile(values, steps) if steps else np.zeros(0)
        level = float(values[0] - profile[:1].sum())
        seasonal = {"seasonal": "add", "seasonal_periods": steps, "initial_seasonal": profile} if steps else {}
        for trend in ({}, {"trend": "add", "damped_trend": True, "initial_trend": 0.0}):
            options = {"initialization_method": "known", "initial_level": level, **trend, **seasonal}
            fitted = ETSModel(values, error="add", **options).fit(disp=False)
            weights = dict(zip(fitted.param_names, fitted.params, strict=True))
            model = _smoothing(weights, np.array([level, 0.0, *profile]))
            yield model._replace(start=model.states(np.append(values, 0.0))[-1])


def _smoothing(weights: Mapping[str, float], start: Floats) -> Innovations:
    """Builds exponential smoothing; a state is level, slope, and what each step of a season adds, the next first."""
    damping, states = weights.get("damping_trend", 0.0), len(start)
    transition = np.zeros((states, states))
    transition[0, :2] = 1, damping
    transition[1, 1] = damping
    transition[2:, 2:] = np.roll(np.eye(states - 2), 1, axis=1)
    design, gain = np.zeros(states), np.zeros(states)
    design[:2], design[2:3] = (1, damping), 1
    gain[:2] = weights["smoothing_level"], weights.get("smoothing_trend", 0.0)
    gain[2:][-1:] = weights.get("smoothing_seasonal", 0.0)  # the value of this season comes again after the others
    return Innovations(0.0, design, transition, gain, start, len(weights))


def _profile(values: Floats, season: int) -> Floats:
    """Returns what each step of a season adds on average to the mean of the season around it, of shape (season,)."""
    rest = values - uniform_filter1d(values, season, mode="nearest")
    means = np.array([rest[step::season].mean() for step in range(season)])
    profile: Floats = means - means.mean()
    return profile


def _arimas(values: Floats, season: int | None) -> Iterator[Innovations]:
    """Yields an ARIMA without a season for each of `ORDERS`; those that cannot be fitted are left out."""
    from statsmodels.tsa.arima.model import ARIMA  # takes a second

    for order in ORDERS:
        model = ARIMA(values, order=order, trend="n" if order[1] else "c")
        try:
            fitted = model.fit(method="innovations_mle")
        except (ValueError, np.linalg.LinAlgError):
            continue
        mean = 0.0 if order[1] else float(fitted.params[0])
        built = _arima(mean, fitted.arparams, fitted.maparams, order[1])
        yield built._replace(start=_state_of(built, fitted.forecast(len(built.start))))


def _arima(mean: float, ar: Floats, ma: Floats, differences: int) -> Innovations:
    """Builds an ARIMA whose state is what values and errors so far add to each of the next values."""
    polynomial = np.array([1.0, *-ar])
    for _ in range(differences):
        polynomial = np.convolve(polynomial, [1.0, -1.0])
    size = max(len(polynomial) - 1, len(ma))
    weights, errors = np.zeros(size), np.zeros(size)
    weights[: len(polynomial) - 1], errors[: len(ma)] = -polynomial[1:], ma
    transition = np.eye(size, k=1)
    transition[:, 0] = weights
    parameters = len(ar) + len(ma) + (not differences)
    return Innovations(mean, np.eye(size)[0], transition, weights + errors, np.zeros(size), parameters)


def _state_of(model: Innovations, forecasts: Floats) -> Floats:
    """Returns the state from which a model has given forecasts, as many as it has states."""
    effects = model.forecast(np.eye(len(forecasts)), len(forecasts)).T - model.mean
    state: Floats = np.linalg.solve(effects, forecasts - model.mean).astype(np.float64)
    return state


FITS: dict[str, Callable[[Floats, int | None], Iterable[Innovations]]] = {"ets": _smoothings, "arima": _arimas}


def save(models: Sequence[Innovations], target: Path) -> None:
    """Writes an ``.npz`` of plain arrays, a model per series."""
    members = {
        f"{field}_{number}": value for number, model in enumerate(models) for field, value in model._asdict().items()
    }
    with replacing(target) as temporary:
        np.savez(temporary, allow_pickle=False, **members)


def load(source: Path) -> list[Innovations]:
    """Reads what `save` wrote.

    Raises:
        UserError: the file is missing or damaged.
    """
    with reading(source), np.load(source, allow_pickle=False) as arrays:
        count = len(arrays.files) // len(Innovations._fields)
        found = ({field: arrays[f"{field}_{number}"] for field in Innovations._fields} for number in range(count))
        return [
            Innovations(**{**one, "mean": float(one["mean"]), "parameters": int(one["parameters"])}) for one in found
        ]
