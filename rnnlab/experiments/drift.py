"""Is a rerun worse than the committed result?"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from tabulate import tabulate

from rnnlab.evaluation import statistics
from rnnlab.evaluation.statistics import Estimate
from rnnlab.experiments import comparison, gains
from rnnlab.experiments.comparison_tables import ABSENT, DASH, VERSIONS, data_version, differing, differing_params
from rnnlab.project.results import Result
from rnnlab.project.sections.results import Drift
from rnnlab.project.tasks import Measure

SHOWN = 40  # lines of changes in a summary; the rest is counted


class Change(NamedTuple):
    """How one model changed.

    Attributes:
        model: its name.
        before: its mean in the committed result, None where it is new.
        now: its mean after the rerun, None where it is gone.
        difference: now minus before, None where there is nothing to compare or to tell chance from.
        basis: what the difference was measured on, in words.
        changed: in how many predictions the answer is another, None where they are lost or are of other rows.
    """

    model: str
    before: float | None
    now: float | None
    difference: Estimate | None = None
    basis: str = ""
    changed: int | None = None

    @property
    def p_value(self) -> float | None:
        """One-sided, of a change that large in either direction by chance; None where that cannot be told."""
        return None if self.difference is None else self.difference.p_value() / 2


class Verdict(NamedTuple):
    """A change, and a word for it: worse, better, within noise, the same, new or gone."""

    change: Change
    word: str


def verdicts(before: Result, now: Result, rows: tuple[int, int], limits: Drift) -> list[Verdict]:
    """Judges every model that one of two results has; ``rows`` are the test rows of each.

    Raises:
        UserError: they are of different tasks.
    """
    comparison.check_tasks([before, now])
    same_rows = all(data_version(before, what) == data_version(now, what) != DASH for what in VERSIONS)
    changes = []
    for model in dict.fromkeys([*now.models, *before.models]):
        early, late = (result.mean_score(model) if model in result.metrics else None for result in (before, now))
        change = Change(model, early, late)
        if early is not None and late is not None:
            lost = before.predictions is None or now.predictions is None
            judged_by = (
                _by_seeds(before, now, model, rows, same_rows) if lost else _by_rows(before, now, model, same_rows)
            )
            change = change._replace(**judged_by)
        changes.append(change)
    return [Verdict(change, word(change, now.measure, limits)) for change in changes]


def _by_rows(before: Result, now: Result, model: str, same_rows: bool) -> dict[str, Any]:
    """Compares predictions.

    A rerun repeats the same trainings, so that the same seeds are compared on the same rows, and chance is in the rows
    alone. Where the data changed, it is in rows and seeds.
    """
    early, late = (gains.row_scores(result, model) for result in (before, now))
    dependent = now.task.rows_are_dependent
    pairs = gains.pair(late, early)
    if not same_rows or not pairs.rows:
        estimates = [statistics.estimate(table.to_numpy().T, dependent=dependent) for table in (late, early)]
        return {"difference": statistics.apart(*estimates), "basis": "other rows"}
    gain = statistics.difference(pairs.first, pairs.second)
    difference = statistics.estimate(gain.mean(axis=0, keepdims=True), dependent=dependent)
    return {"difference": difference, "basis": "the same seeds and rows", "changed": int((gain != 0).sum())}


def _by_seeds(before: Result, now: Result, model: str, rows: tuple[int, int], same_rows: bool) -> dict[str, Any]:
    """Compares the score of each seed, where predictions are lost."""
    early, late = (result.seed_scores(model) or [result.mean_score(model)] for result in (before, now))
    if same_rows and len(early) == len(late) > 1:
        paired = [new - old for old, new in zip(early, late, strict=True)]
        return {"difference": statistics.over_seeds(paired), "basis": "the same seeds"}
    if same_rows:
        return {}
    estimates = [
        estimate_scores(scores, count, now.measure) for scores, count in zip((late, early), rows[::-1], strict=True)
    ]
    return {"difference": statistics.apart(*estimates), "basis": "other rows, their scores alone"}


def estimate_scores(scores: Sequence[float], rows: int, measure: Measure) -> Estimate:
    """Estimates a mean from the scores of seeds alone; of a share, the rows' part of the error is known as well."""
    mean, error, freedom = statistics.over_seeds(scores) if len(scores) > 1 else Estimate(scores[0], 0.0, math.inf)
    of_rows = mean * (1 - mean) / rows if measure.is_share else 0.0
    return Estimate(mean, math.sqrt(error**2 + of_rows), freedom)


def word(change: Change, measure: Measure, limits: Drift) -> str:
    """Distinguishes a regression from noise: by its size, and by a one-sided test, if there is one."""
    if change.now is None or change.before is None:
        return "new" if change.before is None else "gone"
    rise = change.now - change.before
    size = abs(rise / change.before) if measure.lower_is_better and change.before else abs(rise)
    if not rise and not change.changed:
        return "the same"
    if size <= limits.tolerance or (change.p_value is not None and change.p_value >= limits.significance):
        return "within noise"
    return "better" if measure.is_better(rise) else "worse"


def worsened(judged: Sequence[Verdict]) -> list[str]:
    """Names the models that became worse."""
    return [verdict.change.model for verdict in judged if verdict.word == "worse"]


def summary(
    before: Result,
    now: Result,
    judged: Sequence[Verdict],
    data: tuple[Mapping[str, Any], Mapping[str, Any]],
    curves: Mapping[str, "pd.Series[float]"],
) -> str:
    """Writes what came of it as Markdown: the answer, a table, what changed in parameters and data, curves.

    Args:
        data: what ingest and tokenize_pad reported of the data, before and now.
        curves: mean validation loss by epoch, of each network now.
    """
    worse = worsened(judged)
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

    def score(value: float | None, sign: str = "") -> str:
        sized = measure.has_any_size and value is not None
        return measure.table_figure(value or 0.0, sign) if sized else shown(value, f"{sign}.4f")

    rows = []
    for change, word in judged:
        before, now = change.before, change.now
        rise = None if before is None or now is None else now - before
        tested = [shown(change.changed, ",d"), shown(change.p_value, ".2g"), change.basis or DASH]
        rows.append([change.model, score(before), score(now), score(rise, "+"), *tested, word])
    headings = ["model", f"test {measure.title}, {name}", "now", "change", "answers changed", "p", "judged by", ""]
    return tabulate(rows, headers=headings, tablefmt="github", disable_numparse=True)


def _changes(title: str, changed: Mapping[str, Sequence[Any]]) -> str:
    if not changed:
        return f"{title}: unchanged."
    cells = {key: [DASH if value is ABSENT else f"`{value}`" for value in values] for key, values in changed.items()}
    lines = [f"- `{key}`: {' → '.join(values)}" for key, values in cells.items()]
    rest = [f"- and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join([f"{title}:", "", *lines[:SHOWN], *rest])


def _chart(curves: Mapping[str, "pd.Series[float]"]) -> str:
    """Draws the curves in the one language that GitHub draws in an issue."""
    charts = []
    for model, losses in curves.items():
        epochs, values = (", ".join(map(str, column)) for column in (losses.index, losses.round(4)))
        charts += [
            "```mermaid\nxychart-beta",
            f'  title "{model}: validation loss, mean over seeds"',
            f'  x-axis "epoch" [{epochs}]',
            f"  line [{values}]\n```",
        ]
    return "\n".join(charts)
