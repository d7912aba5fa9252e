"""The figures of a result on a series: as pictures for slides, and panel by panel for the page."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from rnnlab.project import layout
from rnnlab.project.dataframes import read_table
from rnnlab.project.params import Params
from rnnlab.project.tasks import STEP, has_steps
from rnnlab.report.figures.common import COLOURS, GRID, MARKERS, STYLES, line
from rnnlab.report.figures.tables import Panel, Tables

STEPS = 200  # at the end of the test split: more would blur into a band
RASTERED = 1000  # marks
STANDARDISED = "training standard deviations"  # the unit of results up to 0.1.0
WINDOWS = ("best", "median", "worst")  # those of rnnlab.evaluation.explanation_tables.explain_series
PAST = 72  # steps of a window that are shown: more would leave no room for the forecast
Values = npt.NDArray[np.floating]


def lengths(settings: Params, predictions: pd.DataFrame) -> pd.DataFrame:
    """Returns an empty table: windows have no lengths to compare."""
    return pd.DataFrame(columns=["run", "model", "seed", "words", "accuracy", "rows"])


def pictures(settings: Params, tables: Tables) -> dict[str, Figure]:
    """Draws the pictures for slides; returns them by file name."""
    unit = settings.data.value_column
    return {
        "predicted_and_true.png": predicted_and_true(*forecasts(settings.compare, tables.predictions), unit),
        "errors.png": _errors(settings, tables),
        "forecasts.png": bands(read_table(layout.EXPLANATIONS / "windows.csv"), settings.compare, unit),
        **({"errors_by_step.png": _by_step(settings, tables)} if len(steps_of(tables.metrics)) > 1 else {}),
    }


def panels(settings: Params, tables: Tables, models: str) -> list[Panel]:
    """Draws the figures of the page."""
    truth, predicted, rows = forecasts(settings.compare, tables.predictions)
    steps = f"Line chart: the last test steps of the series and what {models} predicted"
    seed, unit, ahead = settings.train.seeds[0], settings.data.value_column, _ahead(tables.predictions)
    how = f"The last test steps, and what the networks of seed {seed} predicted {ahead}, in the unit of {unit}."
    scatter = f"Scatter plot: predicted against true values, {models}"
    diagonal = f"Predicted ({ahead}) against true values, seed {seed}; perfect predictions lie on the diagonal."
    dots = "Dot plot: mean squared error on test rows by model"
    baselines = "Mean squared error on test rows; the baselines are forecasts without a network."
    return [
        *_window_panels(settings),
        *_step_panels(settings, tables, models),
        Panel("results", "over-time", over_time(truth, predicted, rows, unit), steps, how),
        Panel("results", "against", against(truth, predicted, unit), scatter, diagonal),
        Panel("results", "errors", _errors(settings, tables), dots, baselines),
    ]


def _window_panels(settings: Params) -> list[Panel]:
    """Draws the forecasts of each network on test windows of its own, a figure each."""
    table, unit = read_table(layout.EXPLANATIONS / "windows.csv"), settings.data.value_column
    share, seed = f"{settings.evaluate.coverage:.0%}".replace("%", " %"), settings.train.seeds[0]
    return [
        Panel(
            "results",
            f"forecasts-{name}",
            bands(table, [name], unit, index),
            f"Line charts: forecasts of {name} with prediction intervals on its best, median and worst test window",
            f"{name}, seed {seed}: the test windows that it forecasts best, as well as half of them, and worst. Bands"
            f" are intervals for {share} of the values, as wide as errors on validation windows were.",
        )
        for index, name in enumerate(settings.compare)
    ]


def _step_panels(settings: Params, tables: Tables, models: str) -> list[Panel]:
    if len(steps_of(tables.metrics)) < 2:
        return []
    label = f"Line chart: mean absolute error by step ahead, {models} and baselines"
    caption = "Mean absolute error on test rows by how many steps ahead a value is; bands are the range of the seeds."
    return [Panel("results", "errors-by-step", _by_step(settings, tables), label, caption)]


def forecasts(models: Sequence[str], predictions: pd.DataFrame) -> tuple[Any, dict[str, Any], Any]:
    """Returns true values, forecasts of the first seed by model and seed, and row numbers in the CSV.

    Of several steps ahead the last is taken, the hardest to forecast.
    """
    seed = predictions.loc[predictions["model"] == models[0], "seed"].iloc[0]
    runs = predictions[predictions["seed"] == seed]
    if has_steps(predictions):
        last = predictions[STEP].max()
        runs = runs[runs[STEP] == last].assign(row=lambda rows: rows["row"] + last - 1)
    runs = runs.set_index(["model", "row"])
    truth = runs.loc[models[0], "target"]
    predicted = {f"{name} (seed {seed})": runs.loc[name, "predicted"].to_numpy() for name in models}
    return truth.to_numpy(), predicted, truth.index.to_numpy()


def _ahead(predictions: pd.DataFrame) -> str:
    steps = int(predictions[STEP].max()) if has_steps(predictions) else 1
    return f"{steps} steps ahead" if steps > 1 else "one step ahead"


def steps_of(metrics: Mapping[str, Any]) -> list[str]:
    """Returns the figures that are errors by step, in the order of time; none of a forecast of a single step."""
    return sorted(name for name in next(iter(metrics.values()))["mean"] if name.startswith("mae_step_"))


def _by_step(settings: Params, tables: Tables) -> Figure:
    keys, figures = steps_of(tables.metrics), tables.metrics
    networks = {
        name: np.array([[seed[key] for key in keys] for seed in figures[name]["per_seed"].values()])
        for name in settings.compare
    }
    baselines = {name: np.array([figures[name]["mean"][key] for key in keys]) for name in settings.baselines}
    return errors_by_step(networks, baselines, settings.data.value_column)


def errors_by_step(networks: Mapping[str, Values], baselines: Mapping[str, Values], unit: str) -> Figure:
    """Draws errors by how many steps ahead a value is.

    Args:
        networks: by name, of shape (seeds, horizon).
        baselines: by name, of shape (horizon,).
        unit: of the errors.
    """
    figure, panel = plt.subplots(figsize=(6.4, 5.2), layout="constrained")
    for index, (name, seeds) in enumerate(networks.items()):
        steps = np.arange(1, seeds.shape[1] + 1)
        panel.plot(steps, seeds.mean(axis=0), **line(index), label=name)
        panel.fill_between(steps, seeds.min(axis=0), seeds.max(axis=0), color=COLOURS[index % 6], alpha=0.2, lw=0)
    for index, (name, errors) in enumerate(baselines.items()):
        steps = np.arange(1, len(errors) + 1)
        panel.plot(
            steps, errors, color="grey", linestyle=STYLES[index % 6], marker=MARKERS[index % 6], ms=5, label=name
        )
    panel.set(xlabel="steps ahead", ylabel=f"mean absolute error (unit of {unit})", ylim=(0, None))
    panel.grid(**GRID)
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3, frameon=False)
    return figure


def bands(table: pd.DataFrame, models: Sequence[str], unit: str, first: int = 0) -> Figure:
    """Draws what came, what was forecast, and prediction intervals: a column of panels per model, a row per window.

    Args:
        table: ``windows`` of `rnnlab.evaluation.explanation_tables.explain_series`.
        models: that are shown.
        unit: the column whose unit the values have.
        first: number of the first model among all, which have a colour each.
    """
    size = (6.4 * len(models), 2.9 * len(WINDOWS))
    figure, panels = plt.subplots(len(WINDOWS), len(models), figsize=size, layout="constrained", squeeze=False)
    for row, window in zip(panels, WINDOWS, strict=True):
        for panel, name in zip(row, models, strict=True):
            _draw_band(panel, table[(table["model"] == name) & (table["window"] == window)], first + models.index(name))
            panel.set_title(f"{name}, {window} test window")
        row[0].set_ylabel(unit)
    for panel in panels[-1]:
        panel.set_xlabel("time step (row of the series)")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def _draw_band(panel: Axes, rows: pd.DataFrame, index: int) -> None:
    future = rows.dropna(subset=["predicted"])
    shown = rows.iloc[-(len(future) + min(PAST, len(rows) - len(future))) :]
    marker = {"marker": MARKERS[index % 6], "ms": 4} if len(future) < 10 else {}
    panel.plot(shown["row"], shown["value"], color=plt.rcParams["text.color"], linewidth=2.5, alpha=0.4, label="true")
    low, high = (future["predicted"] + sign * future["half_width"] for sign in (-1, 1))
    colour = COLOURS[index % 6]
    if len(future) > 1:
        panel.fill_between(future["row"], low, high, color=colour, alpha=0.2, lw=0, label="prediction interval")
    else:
        panel.errorbar(
            future["row"], future["predicted"], yerr=future["half_width"], color=colour, capsize=4, linestyle="none",
            label="prediction interval",
        )  # fmt: skip
    panel.plot(future["row"], future["predicted"], color=colour, linewidth=1.6, **marker, label="forecast")
    panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    panel.ticklabel_format(axis="x", useOffset=False, style="plain")
    panel.grid(**GRID)


def _errors(settings: Params, tables: Tables) -> Figure:
    models = {name: tables.metrics[name] for name in settings.compare}
    baselines = {name: tables.metrics[name]["mean"] for name in settings.baselines}
    return error_bars(models, baselines, settings.data.value_column)


def predicted_and_true(
    targets: Values, predictions: Mapping[str, Values], rows: npt.NDArray[np.int64], unit: str
) -> Figure:
    """Draws predictions and true values: the last time steps as lines, and all of them as a scatter plot.

    Args:
        targets: test values in the order of time, of shape (rows,).
        predictions: for the same rows by model, of shape (rows,).
        rows: numbers of the targets in the CSV, int64 of shape (rows,).
        unit: of the values.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(14, 5.8), layout="constrained", width_ratios=(9, 5))
    _draw_over_time(left, targets, predictions, rows, unit)
    _draw_against(right, targets, predictions, unit)
    return figure


def over_time(targets: Values, predictions: Mapping[str, Values], rows: npt.NDArray[np.int64], unit: str) -> Figure:
    """Draws the first panel of `predicted_and_true` alone."""
    figure, panel = plt.subplots(figsize=(6.4, 5.2), layout="constrained")
    _draw_over_time(panel, targets, predictions, rows, unit)
    return figure


def against(targets: Values, predictions: Mapping[str, Values], unit: str) -> Figure:
    """Draws the second panel of `predicted_and_true` alone."""
    figure, panel = plt.subplots(figsize=(6.4, 6.2), layout="constrained")
    _draw_against(panel, targets, predictions, unit)
    return figure


def _draw_over_time(
    panel: Axes, targets: Values, predictions: Mapping[str, Values], rows: npt.NDArray[np.int64], unit: str
) -> None:
    shown = slice(-STEPS, None)
    panel.plot(rows[shown], targets[shown], color=plt.rcParams["text.color"], linewidth=3.5, alpha=0.3, label="true")
    spacing = 4 * len(predictions)
    for index, (name, predicted) in enumerate(predictions.items()):
        # Good predictions overlap: alternating marks keep them apart.
        style = {**line(index), "linewidth": 1.2, "marker": MARKERS[index % 6], "markevery": (4 * index, spacing)}
        panel.plot(rows[shown], predicted[shown], **style, ms=5, label=name)
    panel.set(xlabel="time step (row of the series)", ylabel=f"value (unit of {unit})")
    panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    panel.set_title(f"last {len(rows[shown])} test steps")
    panel.grid(**GRID)
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=len(predictions) + 1, frameon=False)


def _draw_against(panel: Axes, targets: Values, predictions: Mapping[str, Values], unit: str) -> None:
    for index, (name, predicted) in enumerate(predictions.items()):
        style = {"marker": MARKERS[index % 6], "edgecolors": COLOURS[index % 6], "facecolors": "none"}
        # Thousands of marks become a picture: as vectors they would make the SVG too large to open.
        many = len(targets) > RASTERED
        panel.scatter(targets, predicted, **style, s=16, alpha=0.6, linewidths=0.8, label=name, rasterized=many)
    panel.axline((0, 0), slope=1, color=plt.rcParams["text.color"], linewidth=1, linestyle=":", label="perfect")
    # Equal axes show whether a model shrinks towards the mean.
    every = np.concatenate([targets, *predictions.values()])
    margin = 0.05 * np.ptp(every) or 1.0
    limits = (every.min() - margin, every.max() + margin)
    panel.set(title=f"all {len(targets):,} test steps", xlabel=f"true value (unit of {unit})", xlim=limits)
    panel.set(ylabel=f"predicted value (unit of {unit})", ylim=limits, aspect="equal")
    panel.grid(**GRID)
    panel.legend()


def error_bars(
    summary: Mapping[str, Mapping[str, Any]], baselines: Mapping[str, Mapping[str, float]], unit: str
) -> Figure:
    """Draws the mean squared error on test rows: a point per model, with one standard deviation over its seeds.

    Args:
        summary: by model, the result of `rnnlab.evaluation.metrics.summarise`.
        baselines: by name, the result of `rnnlab.evaluation.series_metrics.score`; they have no seeds.
        unit: of the values.
    """
    names = [*summary, *(f"{name} (baseline)" for name in baselines)]
    figure, panel = plt.subplots(figsize=(8.5, 1.6 + 0.55 * len(names)), layout="constrained")
    for position, model in enumerate(summary.values()):
        mean, deviation = model["mean"]["mse"], model["sd"]["mse"]
        style = {"marker": MARKERS[position % 6], "color": COLOURS[position % 6]}
        panel.errorbar(mean, position, xerr=deviation, **style, ms=8, capsize=5, linestyle="none")
        _write_value(panel, f"{_short(mean)} ± {_short(deviation, 2)}", mean, position)
    for position, figures in enumerate(baselines.values(), start=len(summary)):
        panel.plot(figures["mse"], position, marker="|", ms=16, mew=2.5, color="grey", linestyle="none")
        _write_value(panel, _short(figures["mse"]), figures["mse"], position)
    _scale(panel, [model["mean"]["mse"] for model in summary.values()] + [one["mse"] for one in baselines.values()])
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -0.7)
    panel.set_xlabel(f"test MSE (squared unit of {unit}, log scale)\n± one standard deviation over seeds")
    panel.grid(**GRID, axis="x")
    return figure


def _short(value: float, digits: int = 3) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.{digits}g}"


def _write_value(panel: Axes, text: str, error: float, position: int) -> None:
    panel.annotate(text, (error, position), xytext=(0, 10), textcoords="offset points", ha="center", fontsize=11)


def _scale(panel: Axes, errors: Sequence[float]) -> None:
    """Makes the axis logarithmic, wide enough for two labels at least; an error of 0 is off it."""
    above = [error for error in errors if error > 0] or [1.0]
    panel.set_xlim(min(above) / 2.5, max(above) * 2.5)
    panel.set_xscale("log", nonpositive="clip")
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())
