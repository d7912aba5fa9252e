"""How far a model remembers: its accuracy by distance, from a sweep."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter

from rnnlab.evaluation.statistics import exact_share
from rnnlab.experiments.catalogue import Named
from rnnlab.experiments.results import of_experiment
from rnnlab.project.results import Result
from rnnlab.report.figures import common

DISTANCE = "sample.distance"
HOLDS = 0.95
CHANCE = 0.5


def points(experiment: Named, results: Mapping[str, Result]) -> pd.DataFrame | None:
    """Collects a sweep over the distance: columns distance, model, seed and accuracy, see `far_accuracy`.

    Returns:
        None for other experiments, or if nothing of it was run.
    """
    variants = experiment.experiment.variants
    if not variants or not all(DISTANCE in changes for changes in variants.values()):
        return None
    tables = [
        far_accuracy(result.lengths, result.values["compare"]).assign(distance=result.values["sample"]["distance"])
        for _, result in of_experiment(experiment, results)
        if result.lengths is not None
    ]
    return pd.concat(tables, ignore_index=True) if tables else None


def far_accuracy(lengths: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Averages the two longest of the six groups of test rows, weighted by their rows: model, seed, accuracy.

    Nearly all of them have a far verdict from a distance of 25 words on, and three in four at 10.
    """
    rows = []
    for (model, seed), groups in lengths[lengths["model"].isin(models)].groupby(["model", "seed"], sort=False):
        longest = groups.nlargest(2, "words")
        rows.append((model, seed, float(np.average(longest["accuracy"], weights=longest["rows"]))))
    return pd.DataFrame(rows, columns=["model", "seed", "accuracy"])


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
    for model, group in points.groupby("model", sort=False):
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
    figure, panel = plt.subplots(figsize=(7.4, 5.2), layout="constrained")
    for index, (model, group) in enumerate(points.groupby("model", sort=False)):
        style = common.line(index)
        middle = group.groupby("distance")["accuracy"].median()
        seeds = common.seeds(group["seed"].nunique())
        panel.plot(middle.index, middle, **style, label=f"{model} (median of {seeds})")
        panel.plot(
            group["distance"],
            group["accuracy"],
            linestyle="none",
            color=style["color"],
            marker=common.MARKERS[index % 6],
            alpha=0.7,
            label=f"{model}, each seed",
        )
    panel.axhline(CHANCE, color="grey", linewidth=1.5, linestyle=":", label="chance")
    distances = sorted(points["distance"].unique())
    panel.set_xscale("log")
    panel.set_xticks(distances, [str(distance) for distance in distances])
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set(xlabel="words after a far verdict, at most (at least half)", ylabel="accuracy, longest third of rows")
    panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panel.grid(**common.GRID)
    panel.legend()
    return figure
