"""How far a model remembers: its accuracy by distance, from a sweep."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter

from rnnlab.experiments.catalogue import Named
from rnnlab.experiments.results import of_experiment
from rnnlab.project.results import Result
from rnnlab.report.figures import common

DISTANCE = "sample.distance"
HOLDS = 0.95
CHANCE = 0.5
NEAR_CHANCE = 0.05


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


def sentence(points: pd.DataFrame) -> str:
    """States up to which distance each model remembers a verdict, and where it falls to chance."""
    chance, claims = f"within {100 * NEAR_CHANCE:.0f} points of chance", []
    for model, group in points.groupby("model", sort=False):
        means = group.groupby("distance")["accuracy"].mean()
        held = means.index[(means > HOLDS).cummin()]
        lost = means.index[means <= CHANCE + NEAR_CHANCE]
        first = (
            f"remembers a verdict over {_span(held[-1])}" if len(held) else "remembers it over none of the distances"
        )
        near = f"is first {chance} at {_span(lost[0])}" if len(lost) else f"is never {chance}"
        claims.append(f"{model} {first} (above {100 * HOLDS:.0f} %) and {near}")
    return "; ".join(claims)


def _span(distance: int) -> str:
    """Says how many words follow a far verdict, see `rnnlab.data.corpus`."""
    return f"{distance // 2} to {distance} words"


def draw(points: pd.DataFrame) -> Figure:
    """Draws accuracy by distance: a point per seed, and a line through their means."""
    figure, panel = plt.subplots(figsize=(7.4, 5.2), layout="constrained")
    for index, (model, group) in enumerate(points.groupby("model", sort=False)):
        style = common.line(index)
        means = group.groupby("distance")["accuracy"].mean()
        seeds = common.seeds(group["seed"].nunique())
        panel.plot(means.index, means, **style, label=f"{model} (mean of {seeds})")
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
