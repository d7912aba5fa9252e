"""Figures of the comparison; they know results, not networks."""

from collections.abc import Mapping, Sequence

import matplotlib

matplotlib.use("Agg")  # no display is needed, on a server there is none

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from sklearn.metrics import roc_curve

from rnnlab.metrics import accuracy_by_length

# Okabe and Ito's colours keep apart for the colour-blind; the line styles do so in grey print.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)))
MARKERS = "osD^vP"
GRID = {"alpha": 0.3, "linewidth": 0.6}


def training_curves(histories: Mapping[str, Sequence[pd.DataFrame]]) -> Figure:
    """Draws the metric and the loss on training and validation rows by epoch: a line a seed, a dot at the best epoch.

    Args:
        histories: by model, one table a seed with the columns of `rnnlab.training.History.epochs`, those of a
            classifier or those of a forecaster.
    """
    classifies = all("accuracy" in table for tables in histories.values() for table in tables)
    metric, unit = ("accuracy", "nats") if classifies else ("mae", "mean squared error")
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.2), sharex=True, sharey="row", layout="constrained")
    panels = [(0, 0, metric), (0, 1, f"val_{metric}"), (1, 0, "loss"), (1, 1, "val_loss")]
    for row, column, figure_name in panels:
        panel = axes[row][column]
        for index, (name, tables) in enumerate(histories.items()):
            for seed, table in enumerate(tables):
                label = f"{name} ({len(tables)} seeds)" if seed == 0 else None
                panel.plot(table["epoch"], table[figure_name], **_line(index), alpha=0.85, label=label)
                best = table.loc[table["val_loss"].idxmin()]
                panel.plot(best["epoch"], best[figure_name], MARKERS[index % 6], color=COLOURS[index % 6], ms=7)
        panel.grid(**GRID)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    if classifies:
        axes[0][0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    else:  # errors fall by orders of magnitude
        for panel in axes.flat:
            panel.set_yscale("log")
    for panel, title in zip(axes[0], ("training rows", "validation rows"), strict=True):
        panel.set_title(title)
    axes[0][0].set_ylabel("accuracy" if classifies else "mean absolute error")
    axes[1][0].set_ylabel(f"loss ({unit})")
    for panel in axes[1]:
        panel.set_xlabel("epoch (the mark is the one of the best validation loss)")
    axes[0][1].legend()
    return figure


def confusion_matrices(confusions: Mapping[str, Sequence[Mapping[str, int]]], labels: Sequence[str]) -> Figure:
    """Draws one matrix a model, test rows averaged over the seeds; each row adds up to 100 %.

    Args:
        confusions: by model, the ``confusion`` of `rnnlab.metrics.score` of each seed.
        labels: names of class 0 and class 1.
    """
    figure, axes = plt.subplots(
        1, len(confusions), figsize=(4.4 * len(confusions), 4.2), squeeze=False, layout="constrained"
    )
    for panel, (name, seeds) in zip(axes[0], confusions.items(), strict=True):
        keys = (("true_negative", "false_positive"), ("false_negative", "true_positive"))
        counts = np.array([[np.mean([seed[key] for seed in seeds]) for key in row] for row in keys])
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row in (0, 1):
            for column in (0, 1):
                text = f"{shares[row, column]:.1%}\n{counts[row, column]:,.0f} rows"
                colour = "white" if shares[row, column] > 0.55 else "black"
                panel.text(column, row, text, ha="center", va="center", color=colour, fontsize=13)
        panel.set(title=f"{name} (mean of {len(seeds)} seeds)", xlabel="predicted", ylabel="true")
        panel.set_xticks([0, 1], [verbatim(label) for label in labels])
        panel.set_yticks([0, 1], [verbatim(label) for label in labels], rotation=90, va="center")
    return figure


def roc_curves(predictions: pd.DataFrame, areas: Mapping[str, tuple[float, float]]) -> Figure:
    """Draws the ROC curve of every run.

    Args:
        predictions: the columns label, model, seed, probability.
        areas: mean and standard deviation of the area by model, for the legend.
    """
    figure, panel = plt.subplots(figsize=(6.4, 6), layout="constrained")
    for index, (name, (mean, deviation)) in enumerate(areas.items()):
        rows = predictions[predictions["model"] == name]
        for place, (_, run) in enumerate(rows.groupby("seed")):
            false_positive, true_positive, _ = roc_curve(run["label"], run["probability"])
            label = f"{name}: area {mean:.3f} ± {deviation:.3f}" if place == 0 else None
            panel.plot(false_positive, true_positive, **_line(index), alpha=0.85, label=label)
    panel.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":", label="chance: area 0.5")
    panel.set(xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
    panel.grid(**GRID)
    panel.legend(loc="lower right")
    return figure


def accuracy_over_length(groups: pd.DataFrame) -> Figure:
    """Draws test accuracy over text length: mean over the seeds with one standard deviation.

    Args:
        groups: from `length_groups`.
    """
    figure, panel = plt.subplots(figsize=(8, 5), layout="constrained")
    for index, (name, rows) in enumerate(groups.groupby("model", sort=False)):
        points = rows.groupby("words")["accuracy"].agg(["mean", "std"]).fillna(0)
        panel.errorbar(
            points.index,
            points["mean"],
            points["std"],
            **_line(index),
            marker=MARKERS[index % 6],
            capsize=3,
            label=name,
        )
    panel.axhline(0.5, color="grey", linewidth=0.8, linestyle=":", label="chance")
    panel.set(
        xlabel="words in the text (median of each group of test rows)",
        ylabel="test accuracy, with one standard deviation over seeds",
    )
    panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panel.grid(**GRID)
    panel.legend()
    return figure


def length_groups(predictions: pd.DataFrame) -> pd.DataFrame:
    """Gives test accuracy by length group for each run: columns model, seed, words, accuracy, rows."""
    tables = []
    for (name, seed), run in predictions.groupby(["model", "seed"], sort=False):
        correct = (run["probability"] >= 0.5) == (run["label"] == 1)
        groups = accuracy_by_length(run["words"].to_numpy(), correct.to_numpy())
        tables.append(pd.DataFrame(groups, columns=["words", "accuracy", "rows"]).assign(model=name, seed=seed))
    return pd.concat(tables, ignore_index=True)[["model", "seed", "words", "accuracy", "rows"]]


def verbatim(text: str) -> str:
    """Keeps matplotlib from reading a formula between two dollar signs of the data's own."""
    return text.replace("$", r"\$")


def close(figure: Figure) -> None:
    """Frees a figure's memory."""
    plt.close(figure)


def _line(index: int) -> dict[str, object]:
    return {"color": COLOURS[index % 6], "linestyle": STYLES[index % 6], "linewidth": 1.6}
