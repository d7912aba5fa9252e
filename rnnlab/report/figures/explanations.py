"""Figures that explain networks; they know tables, not networks."""

import matplotlib

matplotlib.use("Agg")  # no display is needed, on a server there is none

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, PercentFormatter

from rnnlab.project.tasks import THRESHOLD
from rnnlab.report.figures.common import GRID, MARKERS, SIZE, draw_spread, line, seeds, verbatim

LEGIBLE_WORDS = 60  # side by side along an axis


def gradient_norms_over_distance(table: pd.DataFrame) -> Figure:
    """Draws how the gradient of the logit fades, from `rnnlab.evaluation.explanations.norms_by_distance`."""
    figure, panel = plt.subplots(figsize=SIZE, layout="constrained")
    panel.set_yscale("log", nonpositive="clip")
    for index, (name, rows) in enumerate(table.dropna(subset="norm").groupby("model", sort=False)):
        draw_spread(panel, index, rows, "distance", "norm", f"{name} ({seeds(rows['seed'].nunique())})")
    panel.set(xlabel="distance from the text's last word (words)", ylabel="‖∂ logit / ∂ embedding‖, mean")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(**GRID)
    panel.legend(title="mean and range over the seeds")
    return figure


def traces(table: pd.DataFrame) -> Figure:
    """Draws the networks' probabilities after each word, a panel per text; those of the first seed stand out.

    Args:
        table: the columns text_id, position (of the word in the text), word, model, seed, probability (of the positive
            class after that word), label (the true one, in words).
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
        panel.set(ylabel="P(positive class)", ylim=(-0.03, 1.03))
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


def calibration_curves(table: pd.DataFrame) -> Figure:
    """Draws how often the forecasts of `rnnlab.evaluation.explanations.calibration` came true, and of how many rows.

    A curve is of one seed: an average of their probabilities would be the forecast of no network.
    """
    figure, (panel, below) = plt.subplots(
        2, 1, figsize=(6.4, 8.2), sharex=True, layout="constrained", height_ratios=(4, 1)
    )
    panel.plot([0, 1], [0, 1], color="grey", linewidth=1.5, linestyle=":", label="calibrated")
    for index, (name, runs) in enumerate(table.groupby("model", sort=False)):
        style = {**line(index), "linewidth": 1.2, "marker": MARKERS[index % 6], "ms": 5, "alpha": 0.85}
        label = f"{name} ({seeds(runs['seed'].nunique())})"
        for number, (_, bins) in enumerate(runs.groupby("seed")):
            panel.plot(bins["forecast"], bins["observed"], **style, label=None if number else label)
            below.plot(bins["forecast"], bins["rows"] / bins["rows"].sum(), **style)
    panel.set(ylabel="share of positive rows", aspect="equal", ylim=(-0.03, 1.03))
    below.set(xlabel="forecast: P(positive class), mean of each bin", ylabel="share of rows", ylim=(0, None))
    below.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    for part in (panel, below):
        part.grid(**GRID)
    panel.legend(loc="upper left")
    return figure
