"""What sweeps over one parameter have in common: points from the variants of an experiment, and lines by model."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from rnnlab.experiments.catalogue import Named
from rnnlab.experiments.results import of_experiment
from rnnlab.project.overrides import flatten
from rnnlab.project.results import Result
from rnnlab.project.tasks import TaskName
from rnnlab.report.figures import common


class Sweep(NamedTuple):
    """One kind of sweep: what is read from each variant, and how it is told and drawn.

    Attributes:
        key: the parameter that all variants change.
        column: of the points that has its values.
        rows: what a variant shows, with the column model at least; None if it has lost that.
        cell: tells in a table what the points of one model at one value show.
        sentence: tells what all points show.
        draw: draws them.
        about: what the table shows, in Markdown.
        caption: the same on the page, where it follows "not from this run: ".
        label: of the figure, for people who cannot see it.
        section: of the page; "" if it leaves such sweeps out.
        task: that it is of.
        fixed: a parameter that no variant changes; "" if each may change any.
    """

    key: str
    column: str
    rows: Callable[[Result], pd.DataFrame | None]
    cell: Callable[[pd.DataFrame], str]
    sentence: Callable[[pd.DataFrame], str]
    draw: Callable[[pd.DataFrame], Figure]
    about: str
    caption: str
    label: str
    section: str
    task: TaskName = "text"
    fixed: str = ""

    def points(self, experiment: Named, results: Mapping[str, Result]) -> pd.DataFrame | None:
        """Collects the points of all variants that were run, in the order of the experiment's file.

        Returns:
            None for other experiments, or if nothing of it was run.
        """
        variants = experiment.experiment.variants
        if not variants or not all(self.key in changes and self.fixed not in changes for changes in variants.values()):
            return None
        found = [
            (flatten(result.values)[self.key], self.rows(result)) for _, result in of_experiment(experiment, results)
        ]
        tables = [rows.assign(**{self.column: value}) for value, rows in found if rows is not None]
        return pd.concat(tables, ignore_index=True) if tables else None

    def table(self, points: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
        """Returns headings, and a row for each value with a cell for each model."""
        models, rows = list(points["model"].unique()), []
        for value, group in points.groupby(self.column):
            by_model = dict(iter(group.groupby("model")))
            cells = [self.cell(by_model[model]) if model in by_model else "–" for model in models]
            rows.append([f"{value:g}", *cells])
        return [self.column.replace("_", " "), *models], rows


def by_model(points: pd.DataFrame) -> Iterator[tuple[int, str, pd.DataFrame]]:
    """Yields each model's points, with the index of its line's style."""
    for index, (model, group) in enumerate(points.groupby("model", sort=False)):
        yield index, str(model), group


def draw_lines(lines: Mapping[str, "pd.Series[float]"], tick: Callable[[float], str]) -> tuple[Figure, Axes]:
    """Draws a line per label, over values of the parameter on a logarithmic axis; ``tick`` writes a value."""
    figure, panel = plt.subplots(figsize=(7.4, 5.2), layout="constrained")
    for index, (label, line) in enumerate(lines.items()):
        panel.plot(line.index, line, **common.line(index), label=label)
    values = sorted({value for line in lines.values() for value in line.index})
    panel.set_xscale("log")
    panel.set_xticks(values, [tick(value) for value in values])
    panel.xaxis.set_minor_locator(NullLocator())
    panel.grid(**common.GRID)
    return figure, panel
