"""Figures of any task, of rows with labels, and the style that all figures share; they know results, not networks."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from sklearn.metrics import roc_curve

from rnnlab.evaluation.metrics import accuracy_by_length
from rnnlab.evaluation.tables import cut
from rnnlab.project.tasks import TASKS, TEXTS, Task, TaskName, right

# Okabe and Ito's colours keep apart for the colour-blind; the line styles do so in grey print.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)))
MARKERS = "osD^vP"
GRID = {"alpha": 0.3, "linewidth": 0.6}
# Slides and telephones show figures at half their size, where smaller text is hard to read.
STYLE = {"font.size": 13, "axes.titlesize": 14, "legend.fontsize": 12, "xtick.labelsize": 12, "ytick.labelsize": 12}
SIZE = (6.4, 4.8)  # inches, of a single panel
DRAWN_LABELS = 50
LABELLED_CELLS = 12  # labels; cells of more have no room for figures
LONGEST_LABEL = 24  # characters, before it takes the room of a figure
Counts = npt.NDArray[np.int64]


class Curve(NamedTuple):
    """How the histories of a task are drawn: errors, which fall by orders of magnitude, on logarithmic axes."""

    metric: str
    loss: str
    logarithmic: bool


CURVES: dict[TaskName, Curve] = {
    "text": Curve("accuracy", "nats", logarithmic=False),
    "series": Curve("mean absolute error", "mean squared error", logarithmic=True),
    "sequences": Curve("accuracy", "nats", logarithmic=False),
}


def training_curves(histories: Mapping[str, Sequence[pd.DataFrame]]) -> Figure:
    """Draws the metric and the loss on training and validation rows by epoch, see `draw_curves`.

    Args:
        histories: by model, a table per seed with the columns of `rnnlab.networks.training.History.epochs`, those of a
            classifier or those of a forecaster.
    """
    metric = task_of(histories).curve
    figure, axes = plt.subplots(2, 2, figsize=(11, 8.4), sharex=True, sharey="row", layout="constrained")
    for row, name in zip(axes, (metric, "loss"), strict=True):
        for panel, column in zip(row, (name, f"val_{name}"), strict=True):
            draw_curves(panel, histories, column)
        row[1].set_ylabel("")
    for panel, title in zip(axes[0], ("training rows", "validation rows"), strict=True):
        panel.set(title=title, xlabel="")
    axes[0][1].legend()
    return figure


def training_curve(
    histories: Mapping[str, Sequence[pd.DataFrame]], column: str, beside: Sequence[pd.DataFrame] = ()
) -> Figure:
    """Draws a column by epoch, on one scale for training and validation rows that fits the histories beside too."""
    figure, panel = plt.subplots(figsize=SIZE, layout="constrained")
    draw_curves(panel, histories, column)
    name = column.removeprefix("val_")
    both = pd.concat([table[[name, f"val_{name}"]] for table in [*chain(*histories.values()), *beside]])
    low, high = both.min().min(), both.max().max()
    margin = 0.05 * (high - low or 1)
    panel.set_ylim((low / 1.2, high * 1.2) if panel.get_yscale() == "log" else (low - margin, high + margin))
    panel.set_title("validation rows" if column.startswith("val_") else "training rows")
    panel.legend()
    return figure


def task_of(histories: Mapping[str, Sequence[pd.DataFrame]]) -> Task:
    """Returns the task whose metric the histories have."""
    tables = list(chain(*histories.values()))
    return next(task for task in TASKS.values() if all(task.curve in table for table in tables))


def draw_curves(panel: Axes, histories: Mapping[str, Sequence[pd.DataFrame]], column: str) -> None:
    """Draws a column by epoch: mean and range of the seeds still in training, each seed, a mark at its best epoch."""
    task, name = task_of(histories), column.removeprefix("val_")
    curve = CURVES[task.name]
    for index, (model, tables) in enumerate(histories.items()):
        label = f"{model} ({seeds(len(tables))})"
        draw_spread(panel, index, pd.concat(tables), "epoch", column, label)
        for table in tables:
            if len(tables) > 1:
                panel.plot(table["epoch"], table[column], **{**line(index), "linewidth": 0.8}, alpha=0.5)
            best = table.loc[table["val_loss"].idxmin()]
            panel.plot(best["epoch"], best[column], MARKERS[index % 6], color=COLOURS[index % 6], ms=8)
    panel.set_ylabel(curve.metric if name == task.curve else f"loss ({curve.loss})")
    panel.set_xlabel("epoch (marks: best validation loss)")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    if curve.logarithmic:
        panel.set_yscale("log")
    elif name == task.curve:
        panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panel.grid(**GRID)


def confusion_matrices(confusions: Mapping[str, Sequence[Counts]], labels: Sequence[str]) -> Figure:
    """Draws one matrix per model, test rows averaged over the seeds; each row adds up to 100 %.

    Args:
        confusions: by model, `rnnlab.evaluation.metrics.confusion` of each seed, of shape (labels, labels).
        labels: their names; of many, the most frequent `DRAWN_LABELS` are drawn.
    """
    side = min(4.6 + 0.45 * max(len(labels) - 2, 0), 7.6)  # inches
    size = ((side + 0.2) * len(confusions), side)
    figure, axes = plt.subplots(1, len(confusions), figsize=size, squeeze=False, layout="constrained")
    for panel, (name, runs) in zip(axes[0], confusions.items(), strict=True):
        counts = np.mean(runs, axis=0)
        drawn = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[:DRAWN_LABELS])
        shares = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))[np.ix_(drawn, drawn)]
        panel.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1)  # vector graphics, where imshow would embed a picture
        if len(drawn) <= LABELLED_CELLS:
            _write_cells(panel, shares, counts)
        title = f"{name} (mean of {seeds(len(runs))})" if len(runs) > 1 else f"{name} (1 seed)"
        panel.set(title=title, xlabel="predicted", ylabel="true", ylim=(len(drawn), 0), aspect="equal")
        _name_labels(panel, [labels[number] for number in drawn])
    return figure


def _write_cells(panel: Axes, shares: npt.NDArray[np.float64], counts: npt.NDArray[np.float64]) -> None:
    few = len(shares) == 2
    for (row, column), share in np.ndenumerate(shares):
        rows, colour = f"\n{counts[row, column]:,.0f} rows" if few else "", "white" if share > 0.55 else "black"
        text = f"{share:.1%}{rows}" if few else f"{share:.0%}".removesuffix("%")
        panel.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour, fontsize=15 if few else 11)


def _name_labels(panel: Axes, names: Sequence[str]) -> None:
    places, shown = np.arange(len(names)) + 0.5, [cut(name, LONGEST_LABEL) for name in names]
    if len(names) == 2:
        panel.set_xticks(places, shown, parse_math=False)
        panel.set_yticks(places, shown, rotation=90, va="center", parse_math=False)
        return
    font = 12 if len(names) <= LABELLED_CELLS else 8
    panel.set_xticks(places, shown, rotation=90, parse_math=False, fontsize=font)
    panel.set_yticks(places, shown, parse_math=False, fontsize=font)


def label_scores(scores: Mapping[str, npt.NDArray[np.float64]], labels: Sequence[str]) -> Figure:
    """Draws the F1 of each label, mean and range over the seeds; those that all models find hardest come first.

    Args:
        scores: by model, of shape (seeds, labels).
        labels: their names; of many, the `DRAWN_LABELS` hardest are drawn.
    """
    hardness = np.mean([values.mean(axis=0) for values in scores.values()], axis=0)
    drawn = np.argsort(hardness, kind="stable")[:DRAWN_LABELS]
    figure, panel = plt.subplots(figsize=(6.4, 1.6 + 0.34 * len(drawn)), layout="constrained")
    for index, (name, values) in enumerate(scores.items()):
        means, places = values.mean(axis=0)[drawn], np.arange(len(drawn)) + 0.16 * (index - (len(scores) - 1) / 2)
        reach = np.abs(np.stack([values.min(axis=0), values.max(axis=0)])[:, drawn] - means)
        style = {"color": COLOURS[index % 6], "marker": MARKERS[index % 6], "linestyle": "none"}
        panel.errorbar(means, places, xerr=reach, **style, capsize=2, label=f"{name} ({seeds(len(values))})")
    panel.set_yticks(range(len(drawn)), [cut(labels[number], LONGEST_LABEL) for number in drawn], parse_math=False)
    panel.set(xlabel="F1 on test rows (mean and range)", xlim=(-0.02, 1.02), ylim=(len(drawn) - 0.5, -0.5))
    panel.grid(**GRID)
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def roc_curves(predictions: pd.DataFrame, areas: Mapping[str, tuple[float, float]]) -> Figure:
    """Draws the ROC curve of every run; areas are mean and standard deviation by model, for the legend."""
    figure, panel = plt.subplots(figsize=(6.4, 6.2), layout="constrained")
    for index, (name, (mean, deviation)) in enumerate(areas.items()):
        rows = predictions[predictions["model"] == name]
        for number, (_, run) in enumerate(rows.groupby("seed")):
            false_positive, true_positive, _ = roc_curve(run["label"], run["probability"])
            label = f"{name}: area {mean:.3f} ± {deviation:.3f}" if number == 0 else None
            panel.plot(false_positive, true_positive, **line(index), alpha=0.85, label=label)
    panel.plot([0, 1], [0, 1], color="grey", linewidth=1.5, linestyle=":", label="chance: area 0.5")
    panel.set(xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
    panel.grid(**GRID)
    panel.legend(loc="lower right")
    return figure


def accuracy_over_length(groups: pd.DataFrame, labels: int = 2, task: Task = TEXTS) -> Figure:
    """Draws test accuracy over length from `length_groups`: mean over the seeds with one standard deviation."""
    figure, panel = plt.subplots(figsize=SIZE, layout="constrained")
    for index, (name, rows) in enumerate(groups.groupby("model", sort=False)):
        points = rows.groupby("words")["accuracy"].agg(["mean", "std"]).fillna(0)
        style = {**line(index), "marker": MARKERS[index % 6]}
        panel.errorbar(points.index, points["mean"], points["std"], **style, capsize=3, label=name)
    panel.axhline(1 / labels, color="grey", linewidth=1.5, linestyle=":", label="chance")
    panel.set(
        xlabel=f"{task.unit}s in the {task.item} (median of each group)", ylabel="test accuracy ± 1 sd over seeds"
    )
    lowest = max(1 / labels - 0.1, 0.0)
    panel.set_ylim(min(lowest, groups["accuracy"].min() - 0.02), 1.02)  # one scale for figures side by side
    panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panel.grid(**GRID)
    panel.legend()
    return figure


def length_groups(predictions: pd.DataFrame) -> pd.DataFrame:
    """Computes test accuracy by length group for each run: columns model, seed, words, accuracy, rows."""
    tables = []
    for (name, seed), run in predictions.groupby(["model", "seed"], sort=False):
        groups = accuracy_by_length(run["words"].to_numpy(), right(run).to_numpy())
        tables.append(pd.DataFrame(groups, columns=["words", "accuracy", "rows"]).assign(model=name, seed=seed))
    return pd.concat(tables, ignore_index=True)[["model", "seed", "words", "accuracy", "rows"]]


def verbatim(text: str) -> str:
    """Escapes dollar signs, between which matplotlib would read a formula."""
    return text.replace("$", r"\$")


def close(figure: Figure) -> None:
    """Frees a figure's memory."""
    plt.close(figure)


def seeds(number: int) -> str:
    """Writes how many seeds there are."""
    return "1 seed" if number == 1 else f"{number} seeds"


def line(index: int) -> dict[str, object]:
    """Returns the style of a model's line by its index among the models."""
    return {"color": COLOURS[index % 6], "linestyle": STYLES[index % 6], "linewidth": 2}


def draw_spread(panel: Axes, index: int, rows: pd.DataFrame, x: str, y: str, label: str, **marks: object) -> None:
    """Draws the mean of all rows that share an x as a line, and their range as a band."""
    spread = rows.groupby(x)[y].agg(["mean", "min", "max"])
    panel.plot(spread.index, spread["mean"], **line(index), **marks, label=label)
    panel.fill_between(spread.index, spread["min"], spread["max"], color=COLOURS[index % 6], alpha=0.15, linewidth=0)
