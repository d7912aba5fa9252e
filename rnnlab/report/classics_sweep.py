"""What each cell can learn: the seeds that solve a classic task (`rnnlab.data.classics`) by its length."""

from collections.abc import Mapping
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter

from rnnlab.evaluation.statistics import exact_share
from rnnlab.project.results import Result
from rnnlab.project.sections.data import ClassicName
from rnnlab.report import solving
from rnnlab.report.figures import common
from rnnlab.report.parameter_sweeps import Sweep, by_model

COLUMNS = 3  # of panels
APART = 1.06  # factor by which the lines of two models are moved apart, so that their limits can be told apart


class Rule(NamedTuple):
    """When a seed has solved a task: above this accuracy on test rows, where guessing has that one."""

    bar: float
    chance: float


# In temporal order, Hochreiter & Schmidhuber (1997) stop when 2,000 sequences in a row were right, and then miss one or
# two of 2,560; when adding, 3 of 2,000 may be wrong. For the others, nearly all must be right; Arjovsky et al. (2016)
# draw the loss instead, which falls to 0.
RULES: dict[ClassicName, Rule] = {
    "temporal_order": Rule(0.999, 1 / 4),
    "copy": Rule(0.99, 1 / 8),
    "parity": Rule(0.99, 1 / 2),
    "dyck1": Rule(0.99, 1 / 2),
    "dyck2": Rule(0.99, 1 / 2),
    "adding": Rule(0.9985, 1 / 2),
}
AXES = {"copy": "blanks to remember over", "adding": "steps of a sequence"}


def rows(result: Result) -> pd.DataFrame | None:
    """Returns the accuracy of each network and seed, and which task it is of."""
    found = solving.rows(result)
    return None if found is None else found.assign(task=result.values["classic"]["kind"])


def task_of(points: pd.DataFrame) -> solving.Task:
    """Returns the task that points are of."""
    name = points["task"].iloc[0]
    rule = RULES[name]
    return solving.Task(
        column="length",
        bar=rule.bar,
        chance=rule.chance,
        every=f"solve {name.replace('_', ' ')} up to length {{}}",
        never=f"solves {name.replace('_', ' ')} at any length",
        none="none from length {} on",
        some="some at each length",
        span="{:g}".format,
        axis=AXES.get(name, "symbols of a sequence"),
    )


def shares(points: pd.DataFrame) -> pd.DataFrame:
    """Returns by length the share of a model's seeds that solve a task, with exact limits: share, low, high."""
    bar = RULES[points["task"].iloc[0]].bar
    counts = points["accuracy"].gt(bar).groupby(points["length"]).agg(["sum", "size"])
    found = [exact_share(int(count), int(seeds)) for count, seeds in counts.itertuples(index=False)]
    return pd.DataFrame(found, columns=["share", "low", "high"], index=counts.index)


def draw_all(points: Mapping[str, pd.DataFrame]) -> Figure:
    """Draws the share of seeds that solve a task by length, with exact 95 % limits: a panel for each experiment."""
    across = min(len(points), COLUMNS)
    down = -(-len(points) // across)
    size = (4.2 * across + 1, 3.8 * down + 0.6)
    figure, axes = plt.subplots(down, across, figsize=size, sharey=True, squeeze=False, layout="constrained")
    models = list(dict.fromkeys(model for table in points.values() for model in table["model"]))
    for panel, (name, table) in zip(axes.flat, points.items(), strict=False):
        _draw_shares(panel, table, models)
        panel.set_title(name)
    for panel in axes.flat[len(points) :]:
        panel.set_axis_off()
    for panel in axes[:, 0]:
        panel.set_ylabel("seeds that solve it")
    lines = {label: line for panel in axes.flat for line, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(lines.values(), lines, loc="outside upper center", ncols=len(lines))
    return figure


def _draw_shares(panel: Axes, points: pd.DataFrame, models: list[str]) -> None:
    lengths = sorted(points["length"].unique())
    for _, model, group in by_model(points):
        index = models.index(model)
        found = shares(group)
        ends = np.maximum([found["share"] - found["low"], found["high"] - found["share"]], 0)
        places = found.index.to_numpy(float) * APART ** (index - (len(models) - 1) / 2)
        panel.errorbar(places, found["share"], ends, **common.line(index), **_marks(index), label=model)
    panel.set_xscale("log")
    panel.set_xticks(lengths, [f"{length:g}" for length in lengths])
    panel.xaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panel.set(xlabel=task_of(points).axis, ylim=(-0.05, 1.05))
    panel.grid(**common.GRID)


def _marks(index: int) -> dict[str, object]:
    return {"marker": common.MARKERS[index % 6], "capsize": 3, "elinewidth": 1}


SWEEP = Sweep(
    key="classic.length",
    column="length",
    rows=rows,
    cell=lambda points: solving.cell(points, task_of(points)),
    sentence=lambda points: solving.sentence(points, task_of(points)),
    draw=lambda points: solving.draw(points, task_of(points)),
    about=(
        "Seeds that solve the task by `classic.length`, with exact 95 % limits of their share, and the accuracy of each"
        " on test rows: all of them, of parity the longest third:"
    ),
    caption="accuracy on the longest third of the test rows by length",
    label="Line chart: accuracy over length",
    section="",
    fixed="classic.kind",
)
