"""Figures of the errors of forecasts: by how many steps ahead they are, and by model."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from rnnlab.report.figures.common import COLOURS, GRID, MARKERS, STYLES, line

Values = npt.NDArray[np.floating]


def steps_of(metrics: Mapping[str, Any]) -> list[str]:
    """Returns the figures that are errors by step, in the order of time; none of a forecast of a single step."""
    return sorted(name for name in next(iter(metrics.values()))["mean"] if name.startswith("mae_step_"))


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
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set(xlabel="steps ahead", ylabel=f"mean absolute error (unit of {unit})", ylim=(0, None))
    panel.grid(**GRID)
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3, frameon=False)
    return figure


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
