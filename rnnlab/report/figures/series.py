"""The figures of a result on a series: as pictures for slides, and panel by panel for the page."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from rnnlab.project.params import Params
from rnnlab.report.figures.common import COLOURS, GRID, MARKERS, line
from rnnlab.report.figures.tables import Panel, Tables

STEPS = 200  # at the end of the test split: more would blur into a band
RASTERED = 1000  # marks
UNIT = "training standard deviations"
Values = npt.NDArray[np.float32]


def lengths(settings: Params, predictions: pd.DataFrame) -> pd.DataFrame:
    """Returns an empty table: windows have no lengths to compare."""
    return pd.DataFrame(columns=["run", "model", "seed", "words", "accuracy", "rows"])


def pictures(settings: Params, tables: Tables) -> dict[str, Figure]:
    """Draws the pictures for slides; returns them by file name."""
    return {
        "predicted_and_true.png": predicted_and_true(*forecasts(settings.compare, tables.predictions)),
        "errors.png": _errors(settings, tables),
    }


def panels(settings: Params, tables: Tables, models: str) -> list[Panel]:
    """Draws the figures of the page."""
    truth, predicted, rows = forecasts(settings.compare, tables.predictions)
    steps = f"Line chart: the last test steps of the series and what {models} predicted"
    seed = settings.train.seeds[0]
    how = f"The last test steps, and the predictions of the networks of seed {seed} from the window before each."
    scatter = f"Scatter plot: predicted against true values, {models}"
    diagonal = f"Predicted against true values of all test steps, seed {seed}; perfect predictions lie on the diagonal."
    dots = "Dot plot: mean squared error on test rows by model"
    baselines = "Mean squared error on test rows; the baselines are forecasts without a network."
    return [
        Panel("results", "over-time", over_time(truth, predicted, rows), steps, how),
        Panel("results", "against", against(truth, predicted), scatter, diagonal),
        Panel("results", "errors", _errors(settings, tables), dots, baselines),
    ]


def forecasts(models: Sequence[str], predictions: pd.DataFrame) -> tuple[Any, dict[str, Any], Any]:
    """Returns true values, forecasts of the first seed by model and seed, and row numbers in the CSV."""
    seed = predictions.loc[predictions["model"] == models[0], "seed"].iloc[0]
    runs = predictions[predictions["seed"] == seed].set_index(["model", "row"])
    truth = runs.loc[models[0], "target"]
    predicted = {f"{name} (seed {seed})": runs.loc[name, "predicted"].to_numpy() for name in models}
    return truth.to_numpy(), predicted, truth.index.to_numpy()


def _errors(settings: Params, tables: Tables) -> Figure:
    models = {name: tables.metrics[name] for name in settings.compare}
    return error_bars(models, {name: tables.metrics[name]["mean"] for name in settings.baselines})


def predicted_and_true(targets: Values, predictions: Mapping[str, Values], rows: npt.NDArray[np.int64]) -> Figure:
    """Draws predictions and true values: the last time steps as lines, and all of them as a scatter plot.

    Args:
        targets: standardised test values in the order of time, float32 of shape (rows,).
        predictions: for the same rows by model, float32 of shape (rows,).
        rows: numbers of the targets in the CSV, int64 of shape (rows,).
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(14, 5.8), layout="constrained", width_ratios=(9, 5))
    _draw_over_time(left, targets, predictions, rows)
    _draw_against(right, targets, predictions)
    return figure


def over_time(targets: Values, predictions: Mapping[str, Values], rows: npt.NDArray[np.int64]) -> Figure:
    """Draws the first panel of `predicted_and_true` alone."""
    figure, panel = plt.subplots(figsize=(6.4, 5.2), layout="constrained")
    _draw_over_time(panel, targets, predictions, rows)
    return figure


def against(targets: Values, predictions: Mapping[str, Values]) -> Figure:
    """Draws the second panel of `predicted_and_true` alone."""
    figure, panel = plt.subplots(figsize=(6.4, 6.2), layout="constrained")
    _draw_against(panel, targets, predictions)
    return figure


def _draw_over_time(
    panel: Axes, targets: Values, predictions: Mapping[str, Values], rows: npt.NDArray[np.int64]
) -> None:
    shown = slice(-STEPS, None)
    panel.plot(rows[shown], targets[shown], color=plt.rcParams["text.color"], linewidth=3.5, alpha=0.3, label="true")
    spacing = 4 * len(predictions)
    for index, (name, predicted) in enumerate(predictions.items()):
        # Good predictions overlap: alternating marks keep them apart.
        style = {**line(index), "linewidth": 1.2, "marker": MARKERS[index % 6], "markevery": (4 * index, spacing)}
        panel.plot(rows[shown], predicted[shown], **style, ms=5, label=name)
    panel.set(xlabel="time step (row of the series)", ylabel=f"value ({UNIT})")
    panel.set_title(f"last {len(rows[shown])} test steps")
    panel.grid(**GRID)
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=len(predictions) + 1, frameon=False)


def _draw_against(panel: Axes, targets: Values, predictions: Mapping[str, Values]) -> None:
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
    panel.set(title=f"all {len(targets):,} test steps", xlabel=f"true value ({UNIT})", xlim=limits)
    panel.set(ylabel=f"predicted value ({UNIT})", ylim=limits, aspect="equal")
    panel.grid(**GRID)
    panel.legend()


def error_bars(summary: Mapping[str, Mapping[str, Any]], baselines: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draws the mean squared error on test rows: a point per model, with one standard deviation over its seeds.

    Args:
        summary: by model, the result of `rnnlab.evaluation.metrics.summarise`.
        baselines: by name, the result of `rnnlab.evaluation.series_metrics.score`; they have no seeds.
    """
    names = [*summary, *(f"{name} (baseline)" for name in baselines)]
    figure, panel = plt.subplots(figsize=(8.5, 1.6 + 0.55 * len(names)), layout="constrained")
    for position, model in enumerate(summary.values()):
        mean, deviation = model["mean"]["mse"], model["sd"]["mse"]
        style = {"marker": MARKERS[position % 6], "color": COLOURS[position % 6]}
        panel.errorbar(mean, position, xerr=deviation, **style, ms=8, capsize=5, linestyle="none")
        _write_value(panel, f"{mean:.3g} ± {deviation:.2g}", mean, position)
    for position, figures in enumerate(baselines.values(), start=len(summary)):
        panel.plot(figures["mse"], position, marker="|", ms=16, mew=2.5, color="grey", linestyle="none")
        _write_value(panel, f"{figures['mse']:.3g}", figures["mse"], position)
    _scale(panel, [model["mean"]["mse"] for model in summary.values()] + [one["mse"] for one in baselines.values()])
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -0.7)
    panel.set_xlabel(f"test MSE (squared {UNIT}, log scale) ± one standard deviation over seeds")
    panel.grid(**GRID, axis="x")
    return figure


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
