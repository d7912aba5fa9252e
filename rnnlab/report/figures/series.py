"""Figures of the comparison on a series; they know results, not networks."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib

matplotlib.use("Agg")  # no display is needed, on a server there is none

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from rnnlab.report.figures.common import COLOURS, GRID, MARKERS, STYLES

STEPS = 200  # at the end of the test split: more would blur into a band
RASTERED = 1000  # marks
UNIT = "training standard deviations"


def predicted_and_true(
    targets: npt.NDArray[np.float32],
    predictions: Mapping[str, npt.NDArray[np.float32]],
    rows: npt.NDArray[np.int64],
) -> Figure:
    """Draws predictions beside the truth: over the last time steps, and all of them one against the other.

    Args:
        targets: standardised test values in the order of time, float32 of shape (rows,).
        predictions: for the same rows by model, float32 of shape (rows,).
        rows: numbers of the targets in the CSV, int64 of shape (rows,).
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(14, 5.8), layout="constrained", gridspec_kw={"width_ratios": (9, 5)}
    )
    _draw_over_time(left, targets, predictions, rows)
    _draw_against(right, targets, predictions)
    return figure


def over_time(
    targets: npt.NDArray[np.float32],
    predictions: Mapping[str, npt.NDArray[np.float32]],
    rows: npt.NDArray[np.int64],
) -> Figure:
    """Draws the first panel of `predicted_and_true` alone."""
    figure, panel = plt.subplots(figsize=(6.4, 5.2), layout="constrained")
    _draw_over_time(panel, targets, predictions, rows)
    return figure


def against(targets: npt.NDArray[np.float32], predictions: Mapping[str, npt.NDArray[np.float32]]) -> Figure:
    """Draws the second panel of `predicted_and_true` alone."""
    figure, panel = plt.subplots(figsize=(6.4, 6.2), layout="constrained")
    _draw_against(panel, targets, predictions)
    return figure


def _draw_over_time(
    panel: Axes,
    targets: npt.NDArray[np.float32],
    predictions: Mapping[str, npt.NDArray[np.float32]],
    rows: npt.NDArray[np.int64],
) -> None:
    shown = slice(-STEPS, None)
    panel.plot(rows[shown], targets[shown], color=plt.rcParams["text.color"], linewidth=3.5, alpha=0.3, label="true")
    spacing = 4 * len(predictions)
    for index, (name, predicted) in enumerate(predictions.items()):
        # Lines that predict well lie upon each other: marks in turn keep them apart.
        line = {"color": COLOURS[index % 6], "linestyle": STYLES[index % 6], "marker": MARKERS[index % 6]}
        panel.plot(
            rows[shown], predicted[shown], **line, linewidth=1.2, ms=5, markevery=(4 * index, spacing), label=name
        )
    panel.set(
        title=f"last {len(rows[shown])} test steps", xlabel="time step (row of the series)", ylabel=f"value ({UNIT})"
    )
    panel.grid(**GRID)
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=len(predictions) + 1, frameon=False)


def _draw_against(
    panel: Axes, targets: npt.NDArray[np.float32], predictions: Mapping[str, npt.NDArray[np.float32]]
) -> None:
    for index, (name, predicted) in enumerate(predictions.items()):
        style = {"marker": MARKERS[index % 6], "edgecolors": COLOURS[index % 6], "facecolors": "none"}
        # Thousands of marks are a picture: as lines they would make an SVG too large to open.
        many = len(targets) > RASTERED
        panel.scatter(targets, predicted, **style, s=16, alpha=0.6, linewidths=0.8, label=name, rasterized=many)
    panel.axline((0, 0), slope=1, color=plt.rcParams["text.color"], linewidth=1, linestyle=":", label="perfect")
    # One range for both axes shows a model that shrinks towards the mean as what it is.
    every = np.concatenate([targets, *predictions.values()])
    margin = 0.05 * np.ptp(every) or 1.0
    limits = (every.min() - margin, every.max() + margin)
    panel.set(
        title=f"all {len(targets):,} test steps",
        xlabel=f"true value ({UNIT})",
        ylabel=f"predicted value ({UNIT})",
        xlim=limits,
        ylim=limits,
        aspect="equal",
    )
    panel.grid(**GRID)
    panel.legend()


def error_bars(summary: Mapping[str, Mapping[str, Any]], baselines: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draws the mean squared error on test rows: a point a model, with one standard deviation over its seeds.

    Args:
        summary: by model, the result of `rnnlab.evaluation.metrics.summarise`.
        baselines: by name, the result of `rnnlab.evaluation.series_metrics.score`; they have no seeds.
    """
    names = [*summary, *(f"{name} (baseline)" for name in baselines)]
    figure, panel = plt.subplots(figsize=(8.5, 1.6 + 0.55 * len(names)), layout="constrained")
    for place, model in enumerate(summary.values()):
        mean, deviation = model["mean"]["mse"], model["sd"]["mse"]
        style = {"marker": MARKERS[place % 6], "color": COLOURS[place % 6]}
        panel.errorbar(mean, place, xerr=deviation, **style, ms=8, capsize=5, linestyle="none")
        _write_value(panel, f"{mean:.3g} ± {deviation:.2g}", mean, place)
    for place, figures in enumerate(baselines.values(), start=len(summary)):
        panel.plot(figures["mse"], place, marker="|", ms=16, mew=2.5, color="grey", linestyle="none")
        _write_value(panel, f"{figures['mse']:.3g}", figures["mse"], place)
    _scale(panel, [model["mean"]["mse"] for model in summary.values()] + [one["mse"] for one in baselines.values()])
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.5, -0.7)
    panel.set_xlabel(f"test MSE (squared {UNIT}, log scale) ± one standard deviation over seeds")
    panel.grid(**GRID, axis="x")
    return figure


def _write_value(panel: Axes, text: str, error: float, place: int) -> None:
    panel.annotate(text, (error, place), xytext=(0, 10), textcoords="offset points", ha="center", fontsize=11)


def _scale(panel: Axes, errors: Sequence[float]) -> None:
    """Makes the axis logarithmic, wide enough for two labels at least; an error of 0 is off it."""
    above = [error for error in errors if error > 0] or [1.0]
    panel.set_xlim(min(above) / 2.5, max(above) * 2.5)
    panel.set_xscale("log", nonpositive="clip")
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())
