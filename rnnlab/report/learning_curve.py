"""How much a model gains from more training rows: its score by the share of these, from a sweep."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from rnnlab.evaluation.comparisons import interval_cells
from rnnlab.project.results import Result
from rnnlab.project.tasks import MEASURES, Measure
from rnnlab.report.figures import common
from rnnlab.report.parameter_sweeps import Sweep, by_model, draw_lines


def rows(result: Result) -> pd.DataFrame | None:
    """Returns each model's mean with its interval, and the models that it is shown to be ahead of.

    Returns:
        Columns model, network (whether it is none of the baselines), measure, mean, low, high and ahead_of, names with
        blanks between them; None without reports/comparison.json.
    """
    intervals = result.comparison.get("intervals", {})
    scored = [name for name in result.models if name in intervals]
    ahead = _leads(result.measure, result.comparison)
    facts = [
        {
            "model": name,
            "network": name in result.contenders,
            "measure": result.measure.key,
            **{end: intervals[name][end] for end in ("mean", "low", "high")},
            "ahead_of": " ".join(other for other in scored if (name, other) in ahead),
        }
        for name in scored
    ]
    return pd.DataFrame(facts) if facts else None


def _leads(measure: Measure, comparison: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Finds pairs whose first is shown to be better: by the verdict on the pair, or as their intervals do not overlap.

    Pairs of baselines have no verdict and are left out.
    """
    leads, intervals = set(), comparison.get("intervals", {})
    for pair in comparison.get("pairs", []):
        names = (pair["first"], pair["second"])
        first, second = (intervals[name] for name in names)
        if pair["shown"] or first["low"] > second["high"] or second["low"] > first["high"]:
            leads.add(names if measure.is_better(first["mean"] - second["mean"]) else names[::-1])
    return leads


def cell(points: pd.DataFrame) -> str:
    """Writes a mean with its interval."""
    [ends] = points.to_dict("records")
    mean, interval = interval_cells(MEASURES[ends["measure"]], ends)
    return f"{mean} ({interval})"


def sentence(points: pd.DataFrame) -> str:
    """States who overtakes whom, and who is ahead where; only what is shown, see `rows`."""
    objects: dict[str, list[str]] = {}  # by what is said of them
    for claim, name in _claims(points):
        objects.setdefault(claim, []).append(name)
    return "; ".join(claim.format(_listed(names)) for claim, names in objects.items())


def _claims(points: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Yields claims with a gap, each beside the name for it: who overtakes, who does not, and what is not shown."""
    shares, networks = sorted(points["train_share"].unique()), set(points.loc[points["network"], "model"])
    leads: list[tuple[str, str]] = []
    unclear: list[tuple[str, str]] = []
    for pair in combinations(points["model"].unique(), 2):
        if networks.isdisjoint(pair):
            continue
        leaders = _leaders(points, pair)
        for (before, one), (share, other) in pairwise(leaders.items()):
            if one != other:
                where = f"between {_percent(before)} and {_percent(share)} % of the training rows"
                yield f"{other} overtakes {{}} {where}", one
        if len(set(leaders.values())) == 1:
            leads.append(_lead(pair, leaders, shares, networks))
        elif not leaders:
            first, second = pair if pair[0] in networks else pair[::-1]
            unclear.append((f"not shown at any share that {first} differs from {{}}", second))
    yield from [*leads, *unclear]


def _leaders(points: pd.DataFrame, pair: tuple[str, str]) -> dict[float, str]:
    """Returns by share which of two models is ahead, those of smaller shares first; absent where that is not shown."""
    found = {}
    for share, model, behind in points[["train_share", "model", "ahead_of"]].itertuples(index=False):
        # A table that was read from a CSV has a number where there is no text.
        if model in pair and isinstance(behind, str) and set(behind.split()) & set(pair):
            found[share] = model
    return dict(sorted(found.items()))


def _lead(
    pair: tuple[str, str], leaders: Mapping[float, str], shares: Sequence[float], networks: set[str]
) -> tuple[str, str]:
    """Says where one of two models is ahead; a network is the subject, the one behind if both are."""
    [leader] = set(leaders.values())
    [behind] = set(pair) - {leader}
    ends = list(leaders)
    where = f"at {', '.join(map(_percent, ends))} %"
    if len(shares) > 1 and ends == shares:
        if behind in networks:
            return f"{behind} never overtakes {{}}", leader
        where = "at every share"
    elif len(ends) > 1 and ends == shares[-len(ends) :]:
        where = f"from {_percent(ends[0])} % on"
    elif len(ends) > 1 and ends == shares[: len(ends)]:
        where = f"up to {_percent(ends[-1])} %"
    return (
        (f"{behind} is behind {{}} {where}", leader) if behind in networks else (f"{leader} leads {{}} {where}", behind)
    )


def _percent(share: float) -> str:
    return f"{100 * share:g}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), names[-1]])


def draw(points: pd.DataFrame) -> Figure:
    """Draws each model's mean by share, with its interval."""
    measure, lines = MEASURES[points["measure"].iloc[0]], {}
    for _, model, group in by_model(points):
        lines[model] = group.set_index("train_share")["mean"].sort_index()
    figure, panel = draw_lines(lines, lambda share: f"{_percent(share)} %")
    for index, _, group in by_model(points):
        ends = [group["mean"] - group["low"], group["high"] - group["mean"]]
        colour, marker = common.COLOURS[index % 6], common.MARKERS[index % 6]
        panel.errorbar(group["train_share"], group["mean"], ends, color=colour, marker=marker, ls="none", capsize=3)
    panel.set(xlabel="share of the training rows", ylabel=f"test {measure.name}, 95 % interval")
    if measure.is_share:
        panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panel.legend()
    return figure


SWEEP = Sweep(
    key="split.train_share",
    column="train_share",
    rows=rows,
    cell=cell,
    sentence=sentence,
    draw=draw,
    about=(
        "Test score by `split.train_share`, with 95 % intervals. A model counts as ahead where the verdict on the pair"
        " shows it, or the intervals do not overlap:"
    ),
    caption="test score by the share of the training rows, with 95 % intervals",
    label="Line chart: test score over the share of the training rows",
    section="results",
)
