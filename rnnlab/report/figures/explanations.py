"""Figures that explain networks; they know tables, not networks."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, PercentFormatter

from rnnlab.evaluation.metrics import CALIBRATION_BINS
from rnnlab.project.tasks import THRESHOLD
from rnnlab.report.figures.common import GRID, MARKERS, draw_spread, line, seeds, verbatim

LEGIBLE_WORDS = 60  # side by side along an axis
RASTERED = 1000  # cells: more become a picture, as vectors would make the page too large to open
MOMENTS = {"before": "before training", "early": "after the first epoch", "after": "after training"}


def gradient_norms_over_distance(table: pd.DataFrame) -> Figure:
    """Draws how the gradient of the logit fades, from `rnnlab.evaluation.explanation_tables.look_inside`."""
    figure, axes = plt.subplots(3, 1, figsize=(6.4, 10.6), sharex=True, sharey=True, layout="constrained")
    for panel, (moment, title) in zip(axes, MOMENTS.items(), strict=True):
        panel.set_yscale("log", nonpositive="clip")
        shown = table[table["moment"] == moment].dropna(subset="norm")
        for index, (name, rows) in enumerate(shown.groupby("model", sort=False)):
            draw_spread(panel, index, rows, "distance", "norm", f"{name} ({seeds(rows['seed'].nunique())})")
        panel.set(title=title, ylabel="‖∂ logit / ∂ embedding‖, mean")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.grid(**GRID)
    axes[0].legend(title="mean and range over the seeds")
    axes[-1].set_xlabel("distance from the text's last word (words)")
    return figure


def attributions(table: pd.DataFrame, unit: str) -> Figure:
    """Draws how much each lag and channel moves forecasts, a heat map per network, all on one scale.

    Args:
        table: of `rnnlab.evaluation.explanation_tables.attributions_of`; a mean over seeds is drawn.
        unit: the column whose unit the forecasts have.
    """
    channels = list(table["channel"].unique())
    means = table.groupby(["model", "channel", "lag"], sort=False)["attribution"].mean()
    models = list(table["model"].unique())
    size = (6.4, len(models) * (1.3 + 0.3 * len(channels)) + 0.8)
    figure, axes = plt.subplots(len(models), 1, figsize=size, squeeze=False, sharex=True, layout="constrained")
    for panel, name in zip(axes[:, 0], models, strict=True):
        shown = means[name].unstack("lag").loc[channels].sort_index(axis=1, ascending=False)
        edges = [*(shown.columns + 0.5), shown.columns[-1] - 0.5]
        style = {"cmap": "viridis", "vmin": 0, "vmax": means.max(), "rasterized": shown.size > RASTERED}
        drawn = panel.pcolormesh(edges, np.arange(len(channels) + 1), shown, **style)
        panel.set_yticks(np.arange(len(channels)) + 0.5, channels, parse_math=False)
        count = table.loc[table["model"] == name, "seed"].nunique()
        panel.set(title=f"{name} ({seeds(count)})", ylim=(len(channels), 0), xlim=(edges[0], edges[-1]))
        panel.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes[-1, 0].set_xlabel("lag (steps before the first forecast)")
    figure.colorbar(drawn, ax=axes, label=f"moves the forecast by (unit of {unit})")
    return figure


def traces(table: pd.DataFrame, forecast: str) -> Figure:
    """Draws the networks' probabilities after each word, a panel per text; those of the first seed stand out.

    Args:
        table: the columns text_id, position (of the word in the text), word, model, seed, probability (of the
            ``forecast`` after that word), label (the true one, in words).
        forecast: what the probabilities are of.
    """
    texts = list(table.groupby("text_id", sort=False))
    size = (13, 3.2 * len(texts))
    figure, axes = plt.subplots(len(texts), 1, figsize=size, squeeze=False, sharey=True, layout="constrained")
    for panel, (text_id, rows) in zip(axes[:, 0], texts, strict=True):
        every = 1 + (rows["position"].nunique() - 1) // LEGIBLE_WORDS
        for index, (name, runs) in enumerate(rows.groupby("model", sort=False)):
            (first, shown), *others = runs.groupby("seed", sort=False)
            for _, run in others:
                panel.plot(run["position"], run["probability"], **{**line(index), "linewidth": 0.8}, alpha=0.5)
            label = f"{name}, seed {first}{f' (thin: {len(others)} more)' if others else ''}"
            marks = {"marker": MARKERS[index % 6], "markevery": every, "ms": 4}
            panel.plot(shown["position"], shown["probability"], **line(index), **marks, label=label)
        panel.axhline(THRESHOLD, color="grey", linewidth=1.5, linestyle=":")
        panel.set_title(f"true label: {verbatim(rows['label'].iloc[0])}   (text {text_id})", loc="left", fontsize=11)
        panel.set(ylabel=f"P({verbatim(forecast)})", ylim=(-0.03, 1.03))
        _name_words(panel, rows)
        panel.grid(axis="y", **GRID)
    axes[0, 0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=6, frameon=False, borderaxespad=0.2)
    return figure


def _name_words(panel: Axes, rows: pd.DataFrame) -> None:
    read = rows.drop_duplicates("position").sort_values("position")
    panel.margins(x=0.01)
    if len(read) > LEGIBLE_WORDS:
        panel.set_xlabel("word")
        return
    words = read["word"].map(verbatim).tolist()
    panel.xaxis.set_major_locator(FixedLocator(read["position"].tolist()))
    panel.set_xticklabels(words, rotation=60, ha="right", rotation_mode="anchor", fontsize=9)


def calibration_curves(table: pd.DataFrame, forecast: str) -> Figure:
    """Draws how often the forecasts of `rnnlab.evaluation.explanations.calibration` came true, and of how many rows.

    The ``forecast`` says what they are of. Thin curves are of one seed each, thick ones of the forecasts of all: their
    averages would be those of no network.
    """
    figure, (panel, below) = plt.subplots(
        2, 1, figsize=(6.4, 8.2), sharex=True, layout="constrained", height_ratios=(4, 1)
    )
    panel.plot([0, 1], [0, 1], color="grey", linewidth=1.5, linestyle=":", label="calibrated")
    for index, (name, runs) in enumerate(table.groupby("model", sort=False)):
        for _, bins in runs.groupby("seed"):
            panel.plot(bins["forecast"], bins["observed"], **{**line(index), "linewidth": 0.8}, alpha=0.4)
        style, pooled = {**line(index), "marker": MARKERS[index % 6]}, _pool(runs)
        label = f"{name} ({seeds(runs['seed'].nunique())})"
        panel.plot(pooled["forecast"], pooled["observed"], **style, label=label)
        below.plot(pooled["forecast"], pooled["rows"] / pooled["rows"].sum(), **style)
    panel.set(ylabel="share of rows of which it is true", aspect="equal", ylim=(-0.03, 1.03))
    xlabel = f"forecast: P({verbatim(forecast)}), mean of each bin"
    below.set(xlabel=xlabel, ylabel="share of rows", ylim=(0, None))
    below.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    for part in (panel, below):
        part.grid(**GRID)
    panel.legend(loc="upper left")
    return figure


def _pool(bins: pd.DataFrame) -> pd.DataFrame:
    """Joins the bins of several seeds, weighted by their rows; returns forecast, observed and rows by bin."""
    bin_of = (bins["forecast"] * CALIBRATION_BINS).astype(int).clip(upper=CALIBRATION_BINS - 1)
    shares, rows = bins[["forecast", "observed"]], bins["rows"]
    totals = rows.groupby(bin_of).sum()
    return shares.mul(rows, axis=0).groupby(bin_of).sum().div(totals, axis=0).assign(rows=totals)
