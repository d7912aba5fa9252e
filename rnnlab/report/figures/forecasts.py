"""Figures of forecasts and what came: over time, against the truth, and with prediction intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rnnlab.project.tasks import SERIES, STEP, has_steps
from rnnlab.report.figures.common import COLOURS, GRID, MARKERS, line

STANDARDISED = "training standard deviations"  # the unit of results up to 0.1.0
STEPS = 200  # at the end of the test split: more would blur into a band
RASTERED = 1000  # marks
WINDOWS = ("best", "median", "worst")  # those of rnnlab.evaluation.explanation_tables.explain_series
PAST = 72  # steps of a window that are shown: more would leave no room for the forecast
Values = npt.NDArray[np.floating]


def shown(models: Sequence[str], predictions: pd.DataFrame) -> tuple[Any, dict[str, Any], Any]:
    """Returns true values, forecasts of the first seed by model and seed, and row numbers in the CSV.

    Of several steps ahead the last is taken, the hardest to forecast, and of several series the first.
    """
    seed = predictions.loc[predictions["model"] == models[0], "seed"].iloc[0]
    runs = predictions[predictions["seed"] == seed]
    if SERIES in runs:
        runs = runs[runs[SERIES] == runs[SERIES].iloc[0]]
    if has_steps(predictions):
        last = predictions[STEP].max()
        runs = runs[runs[STEP] == last].assign(row=lambda rows: rows["row"] + last - 1)
    runs = runs.set_index(["model", "row"])
    truth = runs.loc[models[0], "target"]
    predicted = {f"{name} (seed {seed})": runs.loc[name, "predicted"].to_numpy() for name in models}
    return truth.to_numpy(), predicted, truth.index.to_numpy()


def ahead(predictions: pd.DataFrame) -> str:
    """Says how many steps ahead the forecasts of `shown` are, and of which series, if there are several."""
    steps = int(predictions[STEP].max()) if has_steps(predictions) else 1
    which = f" of series {predictions[SERIES].iloc[0]!r}" if SERIES in predictions else ""
    return f"{steps} steps ahead{which}" if steps > 1 else f"one step ahead{which}"


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
            rows = table[(table["model"] == name) & (table["window"] == window)]
            _draw_band(panel, rows, first + models.index(name))
            which = f" ({rows[SERIES].iloc[0]})" if SERIES in rows else ""
            panel.set_title(f"{name}, {window} test window{which}")
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
    _draw_interval(panel, future, COLOURS[index % 6], "prediction interval")
    panel.plot(future["row"], future["predicted"], color=COLOURS[index % 6], linewidth=1.6, **marker, label="forecast")
    panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    panel.ticklabel_format(axis="x", useOffset=False, style="plain")
    panel.grid(**GRID)


def _draw_interval(panel: Axes, future: pd.DataFrame, colour: str, label: str) -> None:
    """Draws a band, or a bar where there is a single step."""
    low, high = (future["predicted"] + sign * future["half_width"] for sign in (-1, 1))
    if len(future) > 1:
        panel.fill_between(future["row"], low, high, color=colour, alpha=0.2, lw=0, label=label)
    else:
        panel.errorbar(
            future["row"], future["predicted"], yerr=future["half_width"], color=colour, capsize=4, linestyle="none",
            label=label,
        )  # fmt: skip


def beyond(past: Sequence[float], futures: Mapping[str, pd.DataFrame], unit: str) -> Figure:
    """Draws what networks say comes after the last value, beside that value; without pyplot, whose state is shared.

    Args:
        past: values up to the last one.
        futures: by network, a table with predicted and half_width, which may be missing, step by step.
        unit: the column whose unit the values have.
    """
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    panel: Axes = figure.subplots()
    shown = list(past)[-PAST:]
    panel.plot(range(1 - len(shown), 1), shown, color=rcParams["text.color"], linewidth=2.5, alpha=0.4, label="past")
    horizon = max(map(len, futures.values()))
    panel.plot([0, horizon], [shown[-1]] * 2, color="grey", linestyle=":", linewidth=1.5, label="last value")
    for index, (name, table) in enumerate(futures.items()):
        future = table.assign(row=range(1, len(table) + 1))
        if future["half_width"].notna().all():
            _draw_interval(panel, future, COLOURS[index % 6], "_interval")
        marks = {"marker": MARKERS[index % 6], "ms": 5} if horizon < 10 else {}
        panel.plot(future["row"], future["predicted"], **line(index), **marks, label=name)
    panel.set(xlabel="steps after the last value", ylabel=unit)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(**GRID)
    figure.legend(loc="outside lower center", ncols=len(futures) + 2, frameon=False)
    return figure


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
