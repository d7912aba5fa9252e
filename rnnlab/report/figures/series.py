"""The figures of a result on a series: as pictures for slides, and panel by panel for the page."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rnnlab.project import layout
from rnnlab.project.dataframes import read_table
from rnnlab.project.params import Params
from rnnlab.report.figures import errors, explanations, forecasts
from rnnlab.report.figures.tables import Panel, Tables


def lengths(settings: Params, predictions: pd.DataFrame) -> pd.DataFrame:
    """Returns an empty table: windows have no lengths to compare."""
    return pd.DataFrame(columns=["run", "model", "seed", "words", "accuracy", "rows"])


def pictures(settings: Params, tables: Tables) -> dict[str, Figure]:
    """Draws the pictures for slides; returns them by file name."""
    unit = settings.data.value_column
    return {
        "predicted_and_true.png": forecasts.predicted_and_true(
            *forecasts.shown(settings.compare, tables.predictions), unit
        ),
        "errors.png": _errors(settings, tables),
        "attributions.png": _attributions(settings),
        "forecasts.png": forecasts.bands(read_table(layout.EXPLANATIONS / "windows.csv"), settings.compare, unit),
        **({"errors_by_step.png": _by_step(settings, tables)} if len(errors.steps_of(tables.metrics)) > 1 else {}),
    }


def panels(settings: Params, tables: Tables, models: str) -> list[Panel]:
    """Draws the figures of the page."""
    truth, predicted, rows = forecasts.shown(settings.compare, tables.predictions)
    steps = f"Line chart: the last test steps of the series and what {models} predicted"
    seed, unit, ahead = settings.train.seeds[0], settings.data.value_column, forecasts.ahead(tables.predictions)
    how = f"The last test steps, and what the networks of seed {seed} predicted {ahead}, in the unit of {unit}."
    scatter = f"Scatter plot: predicted against true values, {models}"
    diagonal = f"Predicted ({ahead}) against true values, seed {seed}; perfect predictions lie on the diagonal."
    dots = "Dot plot: mean squared error on test rows by model"
    baselines = "Mean squared error on test rows; the baselines are forecasts without a network."
    return [
        *_window_panels(settings),
        *_step_panels(settings, tables, models),
        Panel("results", "over-time", forecasts.over_time(truth, predicted, rows, unit), steps, how),
        Panel("results", "against", forecasts.against(truth, predicted, unit), scatter, diagonal),
        Panel("results", "errors", _errors(settings, tables), dots, baselines),
        _attribution_panel(settings, models),
    ]


def _attributions(settings: Params) -> Figure:
    table = read_table(layout.EXPLANATIONS / "attributions.csv", dtype={"channel": str}, keep_default_na=False)
    unit = "standard deviations" if settings.data.series_column else settings.data.value_column
    return explanations.attributions(table, unit)


def _attribution_panel(settings: Params, models: str) -> Panel:
    return Panel(
        "why",
        "attributions",
        _attributions(settings),
        f"Heat maps: how much each lag and channel moves the forecasts of {models}",
        "What the forecasts rest on: |input × gradient of the mean forecast|, a mean over test windows and seeds, by"
        " how many steps before the first forecast a value is. A channel at its training mean is taken to move nothing,"
        " and neighbours that move together are not told apart.",
    )


def _window_panels(settings: Params) -> list[Panel]:
    """Draws the forecasts of each network on test windows of its own, a figure each."""
    table, unit = read_table(layout.EXPLANATIONS / "windows.csv"), settings.data.value_column
    share, seed = f"{settings.evaluate.coverage:.0%}".replace("%", " %"), settings.train.seeds[0]
    return [
        Panel(
            "results",
            f"forecasts-{name}",
            forecasts.bands(table, [name], unit, index),
            f"Line charts: forecasts of {name} with prediction intervals on its best, median and worst test window",
            f"{name}, seed {seed}: the test windows that it forecasts best, as well as half of them, and worst. Bands"
            f" are intervals for {share} of the values, as wide as errors on validation windows were.",
        )
        for index, name in enumerate(settings.compare)
    ]


def _step_panels(settings: Params, tables: Tables, models: str) -> list[Panel]:
    if len(errors.steps_of(tables.metrics)) < 2:
        return []
    label = f"Line chart: mean absolute error by step ahead, {models} and baselines"
    caption = "Mean absolute error on test rows by how many steps ahead a value is; bands are the range of the seeds."
    return [Panel("results", "errors-by-step", _by_step(settings, tables), label, caption)]


def _by_step(settings: Params, tables: Tables) -> Figure:
    keys, figures = errors.steps_of(tables.metrics), tables.metrics
    networks = {
        name: np.array([[seed[key] for key in keys] for seed in figures[name]["per_seed"].values()])
        for name in settings.compare
    }
    baselines = {name: np.array([figures[name]["mean"][key] for key in keys]) for name in settings.baselines}
    return errors.errors_by_step(networks, baselines, settings.unit_of_errors)


def _errors(settings: Params, tables: Tables) -> Figure:
    models = {name: tables.metrics[name] for name in settings.compare}
    baselines = {name: tables.metrics[name]["mean"] for name in settings.baselines}
    return errors.error_bars(models, baselines, settings.unit_of_errors)
