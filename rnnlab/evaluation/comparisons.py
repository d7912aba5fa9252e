"""Who is better, and how sure that is: every pair of models on the same test rows."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from tabulate import tabulate

from rnnlab.evaluation import convergence, power, statistics, verdicts
from rnnlab.evaluation.convergence import Convergence
from rnnlab.evaluation.statistics import GROUPS_APART, Interval
from rnnlab.evaluation.verdicts import Scores
from rnnlab.project.errors import UserError
from rnnlab.project.results import NOTHING
from rnnlab.project.tasks import (
    MEASURES,
    ORIGIN,
    SERIES,
    STEP,
    Measure,
    Task,
    TaskName,
    has_steps,
    in_units,
    right,
    times,
)

# Of a forecast of several steps, a row here is a step, and that of the table their mean.
ROW_SCORES: dict[TaskName, Callable[[pd.DataFrame], Any]] = {
    "text": right,
    "sequences": right,
    "series": lambda predictions: in_units(predictions, predictions["predicted"] - predictions["target"]) ** 2,
}
MATCHED = {"parameters": "recurrent parameters", "time": "seconds per epoch"}  # by `match`
FIXED = "The split and the test rows are held fixed: other data may give another answer."


def score_rows(task: Task, predictions: pd.DataFrame) -> "pd.Series[float]":
    """Scores each row of a table of predictions: 1 for the right label and 0 for a wrong one, or the squared error."""
    scores: pd.Series[float] = ROW_SCORES[task.name](predictions)
    return scores.astype(np.float64)


def row_scores(task: Task, predictions: pd.DataFrame) -> pd.DataFrame:
    """Scores one model's predictions: a row per test row, in the order of the data, and a column per seed.

    Of several series it is a row per time: windows that are as far from the end of their series are not independent of
    each other, so that they count as one, with their sum as a share of all windows in proportion.
    """
    scored = predictions.assign(score=score_rows(task, predictions))
    if not has_steps(predictions):
        return scored.pivot(index=task.row, columns="seed", values="score")
    by_step = scored.pivot(index=[task.row, STEP], columns="seed", values="score")
    by_window = by_step.groupby(level=task.row).mean(skipna=False)
    if SERIES not in predictions:
        return by_window
    sums = by_window.groupby(times(predictions)).sum(skipna=False)
    return sums * (len(sums) / len(by_window))


def scores_by_model(task: Task, predictions: pd.DataFrame, names: Sequence[str]) -> dict[str, Scores]:
    """Scores what the evaluate stage wrote: shape (seeds, rows) a model, (1, rows) one without seeds.

    Raises:
        UserError: a seed lacks predictions of some rows.
    """
    scores = {}
    for name in names:
        table = row_scores(task, predictions[predictions["model"] == name])
        for seed in table.columns[table.isna().any()]:
            raise UserError(f"{name}, seed {seed}: some test rows have no prediction; run the evaluate stage again")
        scores[name] = table.to_numpy(np.float64).T
    return scores


def compare(
    task: Task,
    scores: Mapping[str, Scores],
    baselines: Sequence[str],
    margin: float,
    converged: Convergence = NOTHING,
) -> dict[str, Any]:
    """Computes each model's mean score with its interval, and judges all pairs but those of two baselines.

    Args:
        task: that the scores are of.
        scores: of every model, from `scores_by_model`.
        baselines: those of the models that have no seeds.
        margin: `intervals.margin`.
        converged: what is known of their trainings, from `rnnlab.evaluation.convergence.judge`.

    Returns:
        ``measure``, ``seeds``, ``rows``, ``intervals`` by model, ``groups`` of seeds by model where they fall into two,
        ``convergence``, and ``pairs``.
    """
    measure, dependent = task.measure, task.rows_are_dependent
    named = [pair for pair in combinations(scores, 2) if not set(pair) <= set(baselines)]
    pairs = [
        verdicts.pair((first, scores[first]), (second, scores[second]), margin, measure, dependent=dependent)._replace(
            notes=convergence.remarks(converged, (first, second))
        )
        for first, second in (_newer_first(pair, baselines) for pair in named)
    ]
    return {
        "measure": measure.key,
        "seeds": max(map(len, scores.values())),
        "rows": next(iter(scores.values())).shape[1],
        "intervals": {name: interval(task, values)._asdict() for name, values in scores.items()},
        "groups": {name: found for name, values in scores.items() if (found := _groups(measure, values, margin))},
        "convergence": dict(converged),
        "pairs": [verdict.facts() for verdict in verdicts.judge(pairs)],
    }


def interval(task: Task, scores: Scores) -> Interval:
    """Returns the mean of scores of shape (seeds, rows), with its 95 % interval."""
    estimate = statistics.estimate(scores, dependent=task.rows_are_dependent)
    return estimate.share_interval(scores.shape[1]) if task.measure.is_share else estimate.interval()


def _groups(measure: Measure, scores: Scores, margin: float) -> dict[str, Any] | None:
    found = statistics.groups(scores.mean(axis=1), GROUPS_APART * measure.margin(margin, float(scores.mean())))
    return {**found._asdict(), "share": found.share._asdict()} if found else None


def _newer_first(pair: tuple[str, str], baselines: Sequence[str]) -> tuple[str, str]:
    """Puts the later network in the list first, as it is the one in question, and a network before a baseline."""
    return pair if pair[1] in baselines else (pair[1], pair[0])


def markdown(comparison: dict[str, Any]) -> str:
    """Writes a comparison as a page for people."""
    measure = MEASURES[comparison["measure"]]
    intervals = []
    for name, ends in comparison["intervals"].items():
        mean, interval = interval_cells(measure, ends)
        intervals.append({"model": name, measure.title: f"{mean} ({interval})"})
    table = tabulate(intervals, headers="keys", tablefmt="github", disable_numparse=True)
    parts = ["# Is the difference real?", f"{basis(comparison)} {FIXED}", table]
    for rows in slice_tables(comparison).values():
        parts.append(tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True))
    lines = "\n".join(f"- {sentence}" for sentence in sentences(comparison))
    return "\n\n".join([*parts, lines]) + "\n"


def sentences(comparison: Mapping[str, Any]) -> list[str]:
    """Returns sentences on models and every pair of them, from reports/comparison.json."""
    matched = match_sentence(comparison)
    told = [*([f"{matched}."] if matched else []), *group_sentences(comparison), *convergence_sentences(comparison)]
    return [*told, *pair_sentences(comparison), *origin_sentences(comparison), *slice_sentences(comparison)]


def match_sentence(comparison: Mapping[str, Any]) -> str:
    """Says at which size networks are compared, without a full stop; "" if each has the units of its own."""
    if not (matched := comparison.get("matched")):
        return ""
    (first, size), *others = ((each["model"], each) for each in matched["networks"])
    told = [f"{first} has {size['units']} units and {size['recurrent_parameters']:,} recurrent parameters"]
    told += [f"{name} {each['units']} and {each['recurrent_parameters']:,}" for name, each in others]
    return f"Matched by {MATCHED[matched['by']]}: {', '.join(told)}"


def pair_sentences(comparison: Mapping[str, Any]) -> list[str]:
    """Returns a sentence or two on every pair of models."""
    measure = MEASURES[comparison["measure"]]
    return [pair_sentence(measure, pair) for pair in comparison["pairs"]]


def basis(comparison: Mapping[str, Any]) -> str:
    """Says what the intervals are of; see `row_scores` on several series."""
    seeds, rows = comparison["seeds"], f"{comparison['rows']:,} test rows"
    if (series := comparison.get("series", 1)) > 1:
        rows = f"{comparison['rows']:,} times, at each of which the windows of {series:,} series count as one"
    drawn = f"{seeds} seeds and {rows}" if seeds > 1 else f"{rows}, but not over seeds, as there is one"
    return f"95 % intervals over {drawn}; all pairs are judged together."


def group_sentences(comparison: Mapping[str, Any]) -> list[str]:
    """Says which models' seeds fall into two groups, so that their mean says little; results of 0.1.0 do not tell."""
    measure, told = MEASURES[comparison["measure"]], []
    for name, found in comparison.get("groups", {}).items():
        share, higher, seeds = found["share"], found["higher"], found["seeds"]
        limits = f"{100 * share['low']:.0f} to {100 * share['high']:.0f} % of such seeds, by exact 95 % limits"
        groups = f"{higher} of {seeds} reach about {measure.amount(found['high'])} ({limits})"
        told.append(f"The seeds of {name} fall into two groups: {groups}, the others {measure.amount(found['low'])}.")
    return told


def slice_tables(comparison: Mapping[str, Any], models: Sequence[str] | None = None) -> dict[str, list[dict[str, str]]]:
    """Returns a table for each of ``evaluate.slices``: a row by heading for each of its values, models in order."""
    measure, tables = MEASURES[comparison["measure"]], defaultdict(list)
    for one in comparison.get("slices", []):
        cells = {name: interval_cells(measure, one["intervals"][name]) for name in models or one["intervals"]}
        scores = {name: f"{mean} ({interval})" for name, (mean, interval) in cells.items()}
        tables[one["column"]].append({one["column"]: one["value"], "test rows": f"{one['rows']:,}", **scores})
    return tables


def slice_sentences(comparison: Mapping[str, Any]) -> list[str]:
    """Says of each slice how the networks compare there."""
    return [
        f"{_where(one)} ({one['rows']:,} test rows), {pair['claim']}."
        for one in comparison.get("slices", [])
        for pair in one["pairs"]
    ]


def _where(one: Mapping[str, Any]) -> str:
    return f"In {one['value']}" if one["column"] == ORIGIN else f"Where {one['column']} is {one['value']}"


def origin_sentences(comparison: Mapping[str, Any]) -> list[str]:
    """Says in how many stretches of time each model has the best mean score; nothing where there are none."""
    measure, best = MEASURES[comparison["measure"]], Counter[str]()
    for one in comparison.get("slices", []):
        if one["column"] == ORIGIN:
            means = {name: ends["mean"] for name, ends in one["intervals"].items()}
            best[(min if measure.lower_is_better else max)(means, key=means.__getitem__)] += 1
    if not best:
        return []
    counts = ", ".join(f"{name} in {count}" for name, count in best.most_common())
    order = "least" if measure.lower_is_better else "highest"
    told = f"{order} {measure.name} is that of {counts}; no model was fitted again between them"
    return [f"Of {best.total()} stretches of the test rows, one after the other, the {told}."]


def slice_means(comparison: Mapping[str, Any], most: int) -> dict[str, dict[str, float]]:
    """Returns the mean scores by model of each slice, by heading; none if there are more slices than ``most``.

    Stretches of time have a table of their own.
    """
    found = {
        f"{one['column']} {one['value']}": {name: float(ends["mean"]) for name, ends in one["intervals"].items()}
        for one in comparison.get("slices", [])
        if one["column"] != ORIGIN
    }
    return found if len(found) <= most else {}


def convergence_sentences(comparison: Mapping[str, Any]) -> list[str]:
    """Says which trainings had not converged; older results do not tell."""
    return [f"{sentence}." for sentence in convergence.sentences(comparison.get("convergence", {}))]


def interval_cells(measure: Measure, ends: Mapping[str, float]) -> tuple[str, str]:
    """Writes a mean and the ends of its interval, to a ten-thousandth of the score."""
    more = 1 if measure.unit else 0
    low, high = (measure.number(ends[end], more) for end in ("low", "high"))
    return measure.amount(ends["mean"], more), f"{low} to {high}"


def pair_sentence(measure: Measure, pair: Mapping[str, Any]) -> str:
    """Returns the sentence on a pair of models, and where it shows nothing, what would."""
    sentence, advice = str(pair["sentence"]), power.advice(pair, measure)
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in (sentence, advice) if part)
