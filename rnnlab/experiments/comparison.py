"""Results side by side: what they were made with, how they scored, and whether the differences are real."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from rnnlab.evaluation import convergence
from rnnlab.experiments import gains
from rnnlab.experiments.comparison_tables import differing_params, origins_table, scores_table
from rnnlab.experiments.gains import Compared
from rnnlab.project.errors import UserError
from rnnlab.project.results import Result
from rnnlab.project.tasks import STEP, has_steps


def page(results: Sequence[Result], style: str = "simple") -> str:
    """Compares two or more results: parameters and origin, figures, and a sentence on each difference to the first.

    Raises:
        UserError: they are of different tasks.
    """
    listed = "\n".join(f"- {sentence}." for sentence in findings(results))
    return "\n\n".join([origins_table(results, style), scores_table(results, style), listed])


def findings(results: Sequence[Result]) -> list[str]:
    """Says of each result whether it differs from the first, and what else a reader must know.

    Raises:
        UserError: they are of different tasks.
    """
    check_tasks(results)
    first, *others = results
    sentences = [] if differing_params(results) else ["The parameters are the same"]
    sentences += differences(first, others)
    for result in results:
        found = convergence.of_runs(result.comparison.get("convergence", {}), result.runs)
        sentences += [f"{result.name}: {sentence}" for sentence in convergence.sentences(found)]
    return sentences + [note for result in results for note in result.notes]


def check_tasks(results: Sequence[Result]) -> None:
    """Refuses results of different tasks with a `UserError`."""
    first, *others = results
    for other in others:
        if other.task != first.task:
            both = f"{first.name} {first.task.verb} and {other.name} {other.task.verb}"
            raise UserError(f"{both}: their figures cannot be compared; name results of one task")


def differences(first: Result, others: Sequence[Result]) -> list[str]:
    """Says of each model that others have too whether the difference is real, or why that is not known.

    Two results of a single model each are compared whatever their models are. All differences are judged together.
    """
    paired = [_pairs(first, other) for other in others]
    every = [one for found, _ in paired for one in found.values()]
    judged = iter(gains.judge(every))
    sentences = []
    for found, notes in paired:
        sentences += [f"{model}{next(judged).sentence}" for model in found] + notes
    return sentences


def _pairs(first: Result, other: Result) -> tuple[dict[str, Compared], list[str]]:
    """Pairs the models of two results: those that differ, by what a sentence begins with, and notes on the others."""
    common = [(model, model) for model in first.models if model in other.metrics]
    if not common and len(first.metrics) == len(other.metrics) == 1:
        common = [(other.models[0], first.models[0])]
    reason = _obstacle(first, other) if common else "they have no model in common"
    if reason:
        return {}, [f"No paired test of {other.name} and {first.name}: {reason}"]
    different: dict[str, Compared] = {}
    notes, equal = [], []
    for ours, theirs in common:
        tables = [gains.row_scores(result, model) for result, model in ((other, ours), (first, theirs))]
        if any(table.empty for table in tables):
            poorer = other if tables[0].empty else first
            notes.append(f"{ours}: no paired test, {poorer.name} has no predictions of it")
        elif (pairs := gains.pair(*tables)).equal:
            equal.append(ours)
        else:
            different[f"{ours}: " if ours == theirs else ""] = Compared(pairs, (other.name, first.name), other)
    if equal:
        notes.append(f"{', '.join(equal)}: every test row scores the same in {other.name} and {first.name}")
    return different, notes


def _obstacle(first: Result, other: Result) -> str:
    """Says why two results cannot be compared row by row, "" if they can."""
    for result in (first, other):
        if result.predictions is None:
            return result.lost
    ahead, theirs_ahead = (_steps(result) for result in (first, other))
    if ahead != theirs_ahead:
        return f"they forecast {ahead} and {theirs_ahead} steps"
    ours, theirs = _truth(first), _truth(other)
    shared = ours.index.intersection(theirs.index)
    if shared.empty:
        return "they were scored on different test rows"
    changed = int((ours.loc[shared] != theirs.loc[shared]).sum())
    what = "labels" if first.measure.is_share else "values, or the same on another scale"
    return f"{changed:,} of the {len(shared):,} test rows that both have hold other {what}" if changed else ""


def _steps(result: Result) -> int:
    assert result.predictions is not None
    return int(result.predictions[STEP].max()) if has_steps(result.predictions) else 1


def _truth(result: Result) -> "pd.Series[Any]":
    """What the models should have said: by id the labels of texts, by row the values of a series."""
    task = result.task
    assert result.predictions is not None
    return result.predictions.drop_duplicates(task.row).set_index(task.row)[task.truth]
