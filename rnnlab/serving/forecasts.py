"""Forecasts of what comes after the rows of a CSV."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from rnnlab.data import series
from rnnlab.features import series_encoding
from rnnlab.features.series_encoding import Encoding
from rnnlab.networks.keras_import import importing_keras
from rnnlab.project import dvc_lock, layout
from rnnlab.project.errors import UserError, first_line
from rnnlab.project.files import write_csv
from rnnlab.project.params import Params
from rnnlab.project.tasks import CALENDAR, SERIES, is_known_ahead
from rnnlab.serving import predictions, predictors
from rnnlab.serving.classifier import chosen_for
from rnnlab.serving.pyfunc import SeriesForecaster
from rnnlab.tracking.store import Store

KEYS = "series.window, data.covariates, data.known_ahead, data.series_column and series.calendar"


class Forecaster(NamedTuple):
    """A model ready to forecast, by its version; see `rnnlab.serving.pyfunc.SeriesForecaster.predict`."""

    version: str
    predict: Callable[[pd.DataFrame], pd.DataFrame]


class Window(NamedTuple):
    """The last rows of a series: its ``values`` and covariates by column, and the number of the row after them."""

    series: str  # its name; "" without data.series_column
    columns: Mapping[str, list[Any]]
    end: int


class Forecast(NamedTuple):
    """What follows, step by step, and the ends of its prediction intervals; None where the model has none."""

    values: Sequence[float]
    low: Sequence[float | None]
    high: Sequence[float | None]


def load_file(network: Path, settings: Params, encoding: Path = layout.SCALER) -> Forecaster:
    """Loads a ``.keras`` file of this workspace with the encoding of its series.

    Raises:
        UserError: a file is missing or damaged, or the network does not forecast such windows.
    """
    if not network.is_file():
        raise UserError(f"{network}: no such file; `dvc repro` makes models/<model>-<seed>.keras")
    fitted = series_encoding.read(encoding)
    with importing_keras():
        from rnnlab.networks import models
    loaded = models.load(network)
    if loaded.layers[-1].name != models.FORECAST:
        raise UserError(f"{network}: not a network that forecasts a series; name another file")
    window, options = loaded.input_shape[1], settings.series
    if not (window == options.window and _has_columns(fitted, settings)):
        problem = f"reads {window} rows with the columns {', '.join(fitted.covariates) or 'of no covariates'}"
        ahead = f", of which {', '.join(fitted.ahead)} known ahead" if fitted.ahead else ""
        raise UserError(f"{network}: {problem}{ahead}; set {KEYS} to what it was trained with")
    half_widths, steps = chosen_for(network), loaded.output_shape[-1]
    if half_widths and len(half_widths) != steps:
        problem = f"has prediction intervals of {len(half_widths)} steps, {network} forecasts {steps}"
        raise UserError(f"{layout.THRESHOLDS}: {problem}; `dvc repro`")
    forecaster = SeriesForecaster()
    forecaster.use(loaded, fitted, half_widths)
    return Forecaster(f"{network.name}/{dvc_lock.file_digest(network)}", lambda rows: forecaster.predict(None, rows))


def _has_columns(fitted: Encoding, settings: Params) -> bool:
    """Whether an encoding is of the columns that the parameters name."""
    data = settings.data
    own = [name for name in fitted.covariates if not name.startswith(CALENDAR)]
    ahead = tuple(name for name in fitted.covariates if is_known_ahead(name, data.known_ahead))
    is_calendar = settings.series.calendar == (len(own) < len(fitted.covariates))
    has_names = bool(data.series_column) == fitted.has_names
    return own == list(data.covariates) and is_calendar and ahead == fitted.ahead and has_names


def load_run(store: Store, run_id: str) -> Forecaster:
    """Loads the forecaster that a run logged.

    Raises:
        UserError: no such run, not that of a forecaster, it cannot be loaded, or MLflow cannot be reached.
    """
    return _load_logged(*predictors.model_of_run(store, run_id))


def load_champion(store: Store, name: str) -> Forecaster:
    """Loads the champion of a name.

    Raises:
        UserError: there is none, it does not forecast, it cannot be loaded, or MLflow cannot be reached.
    """
    return _load_logged(*predictors.champion(store, name))


def _load_logged(address: str, version: str) -> Forecaster:
    model = predictors.load_logged(address, version)
    if "values" not in model.metadata.signature.inputs.input_names():
        raise UserError(f"{version} reads texts, and does not forecast a series; name a model of the series task")
    return Forecaster(version, model.predict)


def forecast_csv(forecaster: Forecaster, settings: Params, source: Path, target: Path) -> int:
    """Writes what comes after the last row of each series of a CSV.

    The columns are series, if these have names, row, steps_ahead, forecast, the ends of its prediction interval, low
    and high, which are empty where the model has none, and model_version.

    Args:
        forecaster: the model.
        settings: names the columns and the window; gaps are treated as in training.
        source: a CSV with the columns that the model was trained on.
        target: the CSV to write.

    Returns:
        The number of steps that are forecast.

    Raises:
        UserError: the CSV cannot be read, has fewer rows than a window, or too few after the last value to know what
            is known ahead; or the model takes other windows.
    """
    predictions.check_target(source, target, "forecasts")
    has_names, lines = bool(settings.data.series_column), list[list[Any]]()
    for window in last_windows(source, settings):
        for step, cells in enumerate(zip(*ask(forecaster, window), strict=True)):
            figures = ["" if cell is None else f"{cell:.9g}" for cell in cells]
            name = [window.series] if has_names else []
            lines.append([*name, window.end + step, step + 1, *figures, forecaster.version])
    names = [SERIES] if has_names else []
    write_csv(target, [*names, "row", "steps_ahead", "forecast", "low", "high", "model_version"], lines)
    return len(lines)


def last_windows(source: Path, settings: Params) -> list[Window]:
    """Reads the last rows of each series of a CSV, which forecasts are made from, and what is known of the next steps.

    Raises:
        UserError: the CSV cannot be read, or a series has fewer rows than a window, or too few after the last value.
    """
    found = series.read(source, settings.data, calendar=settings.series.calendar)
    told = {name: f"{source}, series {name!r}" if name else f"{source}" for name in found}
    return [_last_window(told[name], name, one, settings) for name, one in found.items()]


def _last_window(told: str, name: str, found: series.Series, settings: Params) -> Window:
    length, horizon = settings.series.window, settings.series.horizon
    if (rows := len(found.values)) < length:
        raise UserError(f"{told}: has {rows} rows with values; expected at least series.window, {length}")
    columns = {"values": found.values[-length:].tolist()}
    columns |= {name: column.slice(rows - length).to_pylist() for name, column in found.covariates.items()}
    for column_name, column in found.future.items():
        if (known := len(column)) < horizon:
            problem = f"column {column_name!r} has {known} rows after the last value of {settings.data.value_column!r}"
            expected = f"{horizon} rows (series.horizon) with no value but what is known ahead"
            raise UserError(f"{told}: {problem}; expected {expected} (data.known_ahead)")
        columns[column_name] += column.slice(0, horizon).to_pylist()
    return Window(name, columns, found.first + rows)


def ask(forecaster: Forecaster, window: Window) -> Forecast:
    """Asks a model what follows a window.

    Raises:
        UserError: the model takes other windows.
    """
    try:
        names = {SERIES: [window.series]} if window.series else {}
        answer = forecaster.predict(pd.DataFrame({name: [cells] for name, cells in window.columns.items()} | names))
    except Exception as failure:  # whatever MLflow or the logged code may raise
        rows = len(window.columns["values"])
        problem = f"{forecaster.version}: cannot forecast from {rows} rows of these columns ({first_line(failure)})"
        raise UserError(f"{problem}; set {KEYS} to what it was trained with") from None
    values = list(answer["forecast"][0]) if "forecast" in answer else [float(answer["next_value"][0])]
    low, high = (list(answer[end][0]) if end in answer else [None] * len(values) for end in ("low", "high"))
    return Forecast(values, low, high)
