"""Which seeds of a model solve a task, by its length: what sweeps over a length have in common.

Seeds either learn to remember over a length or stay at chance, so that their mean would say nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from rnnlab.evaluation.statistics import exact_share
from rnnlab.project.results import Result
from rnnlab.report.figures import common
from rnnlab.report.parameter_sweeps import by_model, draw_lines

Lengths = Any  # an index of pandas


class Task(NamedTuple):
    """What is solved, and how that is told.

    Attributes:
        column: of the points that has the length.
        bar: the accuracy above which a seed has solved it.
        chance: the accuracy of guessing.
        every: says that all seeds do up to a length, such as "hold a verdict over {}".
        never: says of one seed that it does at some length.
        none: says that no seed does from a length on.
        some: says that at each length some do.
        span: writes a length.
        axis: its label.
    """

    column: str
    bar: float
    chance: float
    every: str
    never: str
    none: str
    some: str
    span: Callable[[int], str]
    axis: str


def rows(result: Result) -> pd.DataFrame | None:
    """Returns the far accuracy of each network and seed, see `far_accuracy`."""
    return None if result.lengths is None else far_accuracy(result.lengths, result.values["compare"])


def far_accuracy(lengths: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Averages the two longest of the six groups of test rows, weighted by their rows: model, seed, accuracy.

    Rows of one length are a single group.
    """
    rows = []
    for (model, seed), groups in lengths[lengths["model"].isin(models)].groupby(["model", "seed"], sort=False):
        longest = groups.nlargest(2, "words")
        rows.append((model, seed, float(np.average(longest["accuracy"], weights=longest["rows"]))))
    return pd.DataFrame(rows, columns=["model", "seed", "accuracy"])


def cell(points: pd.DataFrame, task: Task) -> str:
    """Says how many seeds solve the task, and the accuracy of each."""
    each = ", ".join(f"{100 * value:.1f}" for value in points["accuracy"])
    return f"{solved(points['accuracy'].tolist(), task.bar)}: {each}"


def solved(accuracies: Sequence[float], bar: float) -> str:
    """Says how many seeds are above the bar, with exact limits of their share."""
    count = sum(accuracy > bar for accuracy in accuracies)
    share = exact_share(count, len(accuracies))
    return f"{count} of {len(accuracies)} seeds ({100 * share.low:.0f} to {100 * share.high:.0f} %)"


def sentence(points: pd.DataFrame, task: Task) -> str:
    """States up to which length every seed of a model solves the task, and from which on none does."""
    claims = []
    for _, model, group in by_model(points):
        counts = group["accuracy"].gt(task.bar).groupby(group[task.column]).agg(["sum", "size"])
        every = counts.index[(counts["sum"] == counts["size"]).cummin()]
        none = counts.index[counts["sum"][::-1].eq(0).cummin()[::-1]]
        claims.append(_claim(model, task, counts.index, every, none))
    return f"within this budget, {'; '.join(claims)} (above {100 * task.bar:g} %)"


def _claim(model: str, task: Task, lengths: Lengths, every: Lengths, none: Lengths) -> str:
    if len(none) == len(lengths):
        return f"no seed of {model} {task.never}"
    who, longest = ("all", every[-1]) if len(every) else ("some", lengths[len(lengths) - len(none) - 1])
    first = f"{who} seeds of {model} {task.every.format(task.span(longest))}"
    if len(none):
        return f"{first}, {task.none.format(task.span(none[0]))}"
    return first if longest == lengths[-1] else f"{first}, {task.some}"


def draw(points: pd.DataFrame, task: Task) -> Figure:
    """Draws accuracy by length: a point per seed, and a line through their medians."""
    lines = {
        f"{model} (median of {common.seeds(group['seed'].nunique())})": group.groupby(task.column)["accuracy"].median()
        for _, model, group in by_model(points)
    }
    figure, panel = draw_lines(lines, "{:g}".format)
    for index, model, group in by_model(points):
        style = {"color": common.line(index)["color"], "marker": common.MARKERS[index % 6], "linestyle": "none"}
        panel.plot(group[task.column], group["accuracy"], **style, alpha=0.7, label=f"{model}, each seed")
    panel.axhline(task.chance, color="grey", linewidth=1.5, linestyle=":", label="chance")
    panel.set(xlabel=task.axis, ylabel="accuracy, longest third of rows")
    panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panel.legend()
    return figure
