"""The figure of a study: what a search of each length finds."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter

from rnnlab.evaluation.search_curves import Curves
from rnnlab.project.tasks import Measure
from rnnlab.report.figures import common


def expected_best(measure: Measure, curves: Curves) -> Figure:
    """Draws each model's expected best score on validation rows by number of trials, with its 95 % interval."""
    figure, panel = plt.subplots(figsize=common.SIZE, layout="constrained")
    for index, (model, intervals) in enumerate(curves.best.items()):
        panel.plot(curves.lengths, [each.mean for each in intervals], marker="o", **common.line(index), label=model)
        ends = [each.low for each in intervals], [each.high for each in intervals]
        panel.fill_between(curves.lengths, *ends, color=common.COLOURS[index % 6], alpha=0.15, linewidth=0)
    panel.set_xscale("log")
    panel.set_xticks(curves.lengths, list(map(str, curves.lengths)))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set(xlabel="trials of each model (bands: 95 % intervals)", ylabel=f"expected best validation {measure.name}")
    if measure.is_share:
        panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panel.grid(**common.GRID)
    panel.legend()
    return figure
