"""Is a rerun worse than the committed result, or does it differ no more than seeds and rows do by chance?"""

import math
from collections.abc import Mapping, Sequence
from statistics import mean, variance
from typing import Any, NamedTuple

import pandas as pd
from scipy.stats import t
from tabulate import tabulate

from rnnlab.experiments.comparison_tables import ABSENT, DASH, VERSIONS, data_version, differing, differing_params
from rnnlab.project.params import Drift
from rnnlab.project.results import Result
from rnnlab.project.tasks import ACCURACY, Measure

SHOWN = 40  # lines of changes in a summary; the rest is counted


class Sample(NamedTuple):
    """Test scores of one model in one result.

    Attributes:
        scores: one per seed, or a single one for a model without seeds.
        rows: that each was measured on.
    """

    scores: Sequence[float]
    rows: int


class Verdict(NamedTuple):
    """How one model changed.

    Attributes:
        model: its name.
        before: its mean in the committed result, None where it is new.
        now: its mean after the rerun, None where it is gone.
        p_value: one-sided, that chance alone makes a difference this large; None where there is nothing to compare.
        word: worse, better, within noise, the same, new or gone.
    """

    model: str
    before: float | None
    now: float | None
    p_value: float | None
    word: str


def judge(model: str, before: Sample, now: Sample, limits: Drift, *, measure: Measure, same_rows: bool) -> Verdict:
    """Distinguishes a regression from noise: Welch's t-test over seeds (Welch 1947), and a tolerance.

    Where the test rows changed, the chance that rows bring into an accuracy counts as noise too. A model without seeds
    is judged by the tolerance alone.

    Args:
        model: its name.
        before: in the committed result.
        now: after the rerun.
        limits: the tolerance, and the level of the test.
        measure: of the scores; the tolerance of an error is a share of it.
        same_rows: whether both were measured on the same rows.
    """
    old, new = mean(before.scores), mean(now.scores)
    loss = new - old if measure.lower_is_better else old - new
    fall = loss / old if measure.lower_is_better and old else loss
    rows_too = measure is ACCURACY and not same_rows
    p_value = _chance_of(abs(loss), before, now, rows_too=rows_too)
    if before.scores == now.scores:
        word = "the same"
    elif abs(fall) <= limits.tolerance or p_value >= limits.significance:
        word = "within noise"
    else:
        word = "worse" if fall > 0 else "better"
    return Verdict(model, old, new, p_value, word)


def _chance_of(difference: float, before: Sample, now: Sample, *, rows_too: bool) -> float:
    """The one-sided p-value of a difference of means; 0 or 1 where nothing varies."""
    square, weights = 0.0, 0.0
    for sample in (before, now):
        count = len(sample.scores)
        if count > 1:
            part = variance(sample.scores) / count
            square, weights = square + part, weights + part**2 / (count - 1)
        if rows_too:
            accuracy = mean(sample.scores)
            square += accuracy * (1 - accuracy) / sample.rows
    if not square:
        return float(not difference)
    freedom = square**2 / weights if weights else math.inf
    return float(t.sf(difference / math.sqrt(square), freedom))


def verdicts(before: Result, now: Result, rows: tuple[int, int], limits: Drift) -> list[Verdict]:
    """Judges every model that one of two results has; ``rows`` are the test rows of each."""
    same_rows = all(data_version(before, what) == data_version(now, what) != DASH for what in VERSIONS)
    judged = []
    for model in dict.fromkeys([*now.models, *before.models]):
        old, new = _sample(before, model, rows[0]), _sample(now, model, rows[1])
        if old and new:
            judged.append(judge(model, old, new, limits, measure=now.measure, same_rows=same_rows))
        elif new:
            judged.append(Verdict(model, None, mean(new.scores), None, "new"))
        elif old:
            judged.append(Verdict(model, mean(old.scores), None, None, "gone"))
    return judged


def _sample(result: Result, model: str, rows: int) -> Sample | None:
    if model not in result.metrics:
        return None
    figures = result.metrics[model]
    seeds = [seed[result.measure.key] for seed in figures["per_seed"].values()]
    return Sample(seeds or [figures["mean"][result.measure.key]], rows)


def summary(
    before: Result,
    now: Result,
    judged: Sequence[Verdict],
    data: tuple[Mapping[str, Any], Mapping[str, Any]],
    curves: Mapping[str, "pd.Series[float]"],
) -> str:
    """Writes what came of it as Markdown: the answer, a table, what changed in parameters and data, curves.

    Args:
        before: the committed result.
        now: the rerun.
        judged: from `verdicts`.
        data: what ingest and tokenize_pad reported of the data, before and now.
        curves: mean validation loss by epoch, of each network now.
    """
    worse = [verdict.model for verdict in judged if verdict.word == "worse"]
    answer = f"Worse than {before.name}: {', '.join(worse)}" if worse else f"No model is worse than in {before.name}"
    parts = [f"# {answer}", _table(judged, now.measure, before.name)]
    # Counts may stay as they are where the texts do not.
    versions = [{name: data_version(result, name) for name in VERSIONS} for result in (before, now)]
    changed = differing([{"version": version, **figures} for version, figures in zip(versions, data, strict=True)])
    parts += [_changes("Parameters", differing_params([before, now])), _changes("Data", changed)]
    return "\n\n".join(part for part in [*parts, _chart(curves)] if part) + "\n"


def _table(judged: Sequence[Verdict], measure: Measure, name: str) -> str:
    def shown(value: float | None, form: str = ".4f") -> str:
        return DASH if value is None else f"{value:{form}}"

    rows = []
    for model, before, now, p_value, word in judged:
        change = None if before is None or now is None else now - before
        rows.append([model, shown(before), shown(now), shown(change, "+.4f"), shown(p_value, ".2g"), word])
    headings = ["model", f"test {measure.title}, {name}", "now", "change", "p", ""]
    return tabulate(rows, headers=headings, tablefmt="github", disable_numparse=True)


def _changes(title: str, changed: Mapping[str, Sequence[Any]]) -> str:
    if not changed:
        return f"{title}: unchanged."
    lines = [
        f"- `{key}`: {' → '.join(DASH if value is ABSENT else f'`{value}`' for value in values)}"
        for key, values in changed.items()
    ]
    rest = [f"- and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join([f"{title}:", "", *lines[:SHOWN], *rest])


def _chart(curves: Mapping[str, "pd.Series[float]"]) -> str:
    """Draws the curves in the one language that GitHub draws in an issue."""
    charts = []
    for model, losses in curves.items():
        epochs, values = (", ".join(map(str, column)) for column in (losses.index, losses.round(4)))
        charts += [
            "```mermaid",
            "xychart-beta",
            f'  title "{model}: validation loss, mean over seeds"',
            f'  x-axis "epoch" [{epochs}]',
            f"  line [{values}]",
            "```",
        ]
    return "\n".join(charts)
