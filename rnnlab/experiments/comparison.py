"""Results side by side: what they were made with, how they scored, and whether the differences are real."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from rnnlab.experiments import gains
from rnnlab.experiments.comparison_tables import differing_params, origins_table, scores_table
from rnnlab.experiments.gains import Pairs
from rnnlab.project.errors import UserError
from rnnlab.project.results import Result
from rnnlab.project.tasks import ACCURACY


def page(results: Sequence[Result], style: str = "simple") -> str:
    """Compares results: parameters and origin, figures, and a sentence on each difference to the first.

    Args:
        results: two or more.
        style: of the tables, in tabulate's names.

    Raises:
        UserError: they are of different tasks.
    """
    changed = differing_params(results)
    listed = "\n".join(f"- {sentence}." for sentence in findings(results))
    return "\n\n".join([origins_table(results, changed, style), scores_table(results, style), listed])


def findings(results: Sequence[Result]) -> list[str]:
    """Says of each result whether it differs from the first, and what else a reader must know.

    Raises:
        UserError: they are of different tasks.
    """
    first, *others = results
    for other in others:
        if other.task != first.task:
            raise UserError(
                f"{first.name} {first.task.verb} and {other.name} {other.task.verb}: their figures cannot be compared;"
                " name results of one task"
            )
    sentences = [] if differing_params(results) else ["The parameters are the same"]
    sentences += [sentence for other in others for sentence in differences(first, other)]
    return sentences + [note for result in results for note in result.notes]


def differences(first: Result, other: Result) -> list[str]:
    """Says of each model that both have whether the difference is real, or why that is not known.

    Two results of a single model each are compared whatever their models are.
    """
    common = [(model, model) for model in first.models if model in other.metrics]
    if not common and len(first.metrics) == len(other.metrics) == 1:
        common = [(first.models[0], other.models[0])]
    reason = obstacle(first, other) if common else "they have no model in common"
    if reason:
        return [f"No paired test of {other.name} and {first.name}: {reason}"]
    sentences, equal = [], []
    for theirs, ours in common:
        tables = []
        for result, model in ((other, ours), (first, theirs)):
            assert result.predictions is not None  # see `obstacle`
            tables.append(gains.row_scores(result.predictions, model, result.task))
        if any(table.empty for table in tables):
            poorer = other if tables[0].empty else first
            sentences.append(f"{ours}: no paired test, {poorer.name} has no predictions of it")
            continue
        pairs = gains.pair(*tables)
        if pairs.equal:
            equal.append(ours)
        else:
            sentence = difference(first, other, pairs)
            sentences.append(f"{ours}: {sentence}" if ours == theirs else sentence)
    if equal:
        sentences.append(f"{', '.join(equal)}: every test row scores the same in {other.name} and {first.name}")
    return sentences


def obstacle(first: Result, other: Result) -> str:
    """Says why two results cannot be compared row by row, "" if they can."""
    for result in (first, other):
        if result.predictions is None:
            return result.lost
    ours, theirs = _truth(first), _truth(other)
    shared = ours.index.intersection(theirs.index)
    if shared.empty:
        return "they were scored on different test rows"
    changed = int((ours.loc[shared] != theirs.loc[shared]).sum())
    what = "labels" if first.measure is ACCURACY else "values, or the same on another scale"
    return f"{changed:,} of the {len(shared):,} test rows that both have hold other {what}" if changed else ""


def _truth(result: Result) -> "pd.Series[Any]":
    """What the models should have said: by id the labels of texts, by row the values of a series."""
    assert result.predictions is not None
    task = result.task
    return result.predictions.drop_duplicates(task.row).set_index(task.row)[task.truth]


def difference(first: Result, other: Result, pairs: Pairs) -> str:
    """Says whether a model of ``other``, the first of the pairs, is better than one of ``first``."""
    exact_test = gains.exact_test(pairs) if first.measure is ACCURACY else ""
    return gains.gain_sentence(other.name, first.name, gains.measure_gain(pairs, first), exact_test)
