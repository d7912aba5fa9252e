"""How far a model remembers: its accuracy by distance, from a sweep."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from rnnlab.evaluation.statistics import exact_share
from rnnlab.project.results import Result
from rnnlab.report.figures import common
from rnnlab.report.parameter_sweeps import Sweep, by_model, draw_lines

HOLDS = 0.95
CHANCE = 0.5


def rows(result: Result) -> pd.DataFrame | None:
    """Returns the far accuracy of each network and seed, see `far_accuracy`."""
    return None if result.lengths is None else far_accuracy(result.lengths, result.values["compare"])


def far_accuracy(lengths: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Averages the two longest of the six groups of test rows, weighted by their rows: model, seed, accuracy.

    Nearly all of them have a far verdict from a distance of 25 words on, and three in four at 10.
    """
    rows = []
    for (model, seed), groups in lengths[lengths["model"].isin(models)].groupby(["model", "seed"], sort=False):
        longest = groups.nlargest(2, "words")
        rows.append((model, seed, float(np.average(longest["accuracy"], weights=longest["rows"]))))
    return pd.DataFrame(rows, columns=["model", "seed", "accuracy"])


def cell(points: pd.DataFrame) -> str:
    """Says how many seeds hold the verdict, and the accuracy of each."""
    each = ", ".join(f"{100 * value:.1f}" for value in points["accuracy"])
    return f"{solved(points['accuracy'].tolist())}: {each}"


def solved(accuracies: Sequence[float]) -> str:
    """Says how many seeds hold the verdict, with exact limits of their share."""
    count = sum(accuracy > HOLDS for accuracy in accuracies)
    share = exact_share(count, len(accuracies))
    return f"{count} of {len(accuracies)} seeds ({100 * share.low:.0f} to {100 * share.high:.0f} %)"


def sentence(points: pd.DataFrame) -> str:
    """States up to which distance every seed of a model learns to hold a verdict, and from which on none does.

    Seeds either learn it or stay at chance, so that their mean would say nothing.
    """
    claims = []
    for _, model, group in by_model(points):
        counts = group["accuracy"].gt(HOLDS).groupby(group["distance"]).agg(["sum", "size"])
        every = counts.index[(counts["sum"] == counts["size"]).cummin()]
        none = counts.index[counts["sum"][::-1].eq(0).cummin()[::-1]]
        first = f"hold a verdict over {_span(every[-1])}" if len(every) else "hold it over none of the distances"
        last = f"none over {_span(none[0])}" if len(none) else "some over each distance"
        claims.append(f"all seeds of {model} {first}, {last}")
    return f"within this budget, {'; '.join(claims)} (above {100 * HOLDS:.0f} %)"


def _span(distance: int) -> str:
    """Says how many words follow a far verdict, see `rnnlab.data.corpus`."""
    return f"{distance // 2} to {distance} words"


def draw(points: pd.DataFrame) -> Figure:
    """Draws accuracy by distance: a point per seed, and a line through their medians."""
    lines = {
        f"{model} (median of {common.seeds(group['seed'].nunique())})": group.groupby("distance")["accuracy"].median()
        for _, model, group in by_model(points)
    }
    figure, panel = draw_lines(lines, "{:g}".format)
    for index, model, group in by_model(points):
        style = {"color": common.line(index)["color"], "marker": common.MARKERS[index % 6], "linestyle": "none"}
        panel.plot(group["distance"], group["accuracy"], **style, alpha=0.7, label=f"{model}, each seed")
    panel.axhline(CHANCE, color="grey", linewidth=1.5, linestyle=":", label="chance")
    panel.set(xlabel="words after a far verdict, at most (at least half)", ylabel="accuracy, longest third of rows")
    panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panel.legend()
    return figure


SWEEP = Sweep(
    key="sample.distance",
    column="distance",
    rows=rows,
    cell=cell,
    sentence=sentence,
    draw=draw,
    about=(
        "Accuracy on the longest third of the test rows by `sample.distance`: a far verdict is followed by at most so"
        " many words, and at least half as many. Where these are few, some of the rows have a near verdict:"
    ),
    caption="accuracy on the longest third of the test rows by the most words that follow a far verdict",
    label="Line chart: accuracy over distance",
    section="why",
)
