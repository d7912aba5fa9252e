"""The top of the page: who won, by how much, whether it is real, where the other fails, and what it cost."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from rnnlab.evaluation import tables
from rnnlab.evaluation.comparisons import exact_test
from rnnlab.evaluation.costs import Cost
from rnnlab.project.params import Params
from rnnlab.report.pages import Table


class AnswerSection(NamedTuple):
    """The part of the page that answers the question.

    Attributes:
        headline: the answer in a sentence.
        scores: what the sentence speaks of, in figures.
        questions: what a reader asks next, each with its answer.
        table: figures and cost of every model.
        pairs: a sentence on each pair of models.
    """

    headline: str
    scores: str
    questions: Sequence[tuple[str, str]]
    table: Table
    pairs: Sequence[str]


def answer(
    settings: Params,
    metrics: Mapping[str, Any],
    comparison: Mapping[str, Any],
    costs: Mapping[str, Cost],
    lengths: pd.DataFrame,
) -> AnswerSection:
    """Gathers the section.

    Args:
        settings: name the networks.
        metrics: reports/metrics.json in the order of the parameters.
        comparison: reports/comparison.json.
        costs: seconds by model.
        lengths: from `rnnlab.report.figures.result.length_table`.
    """
    ranked = rank(settings, comparison)
    best, others = ranked[0], ranked[1:]
    pair = find_pair(comparison, best, others[0]) if others else None
    questions = [("Is it real?", reality(pair, comparison))] if pair else []
    if others and not lengths.empty:
        questions.append(("Where does the other fail?", weakness(best, others[0], lengths)))
    if others:
        questions.append(("What does it cost?", price(best, others[0], metrics, costs)))
    baseline = best_baseline(settings, comparison)
    against = find_pair(comparison, best, baseline) if baseline else None
    if against:
        questions.append(("And without recurrence?", f"{against['sentence']}: the best baseline on the same rows."))
    return AnswerSection(
        headline=capitalised(pair["sentence"] if pair else single(best, comparison)),
        scores=scores(ranked, comparison),
        questions=[(question, capitalised(text)) for question, text in questions],
        table=table(tables.results_rows(metrics, costs)),
        pairs=[f"{capitalised(told['sentence'])}{exact(told)}." for told in comparison["pairs"]],
    )


def capitalised(sentence: str) -> str:
    """Begins a sentence with a capital letter."""
    return sentence[:1].upper() + sentence[1:]


def rank(settings: Params, comparison: Mapping[str, Any]) -> list[str]:
    """Orders the networks by their mean score, the best first."""
    sign = 1 if comparison["measure"] == "mse" else -1
    return sorted(settings.compare, key=lambda name: sign * comparison["intervals"][name]["mean"])


def best_baseline(settings: Params, comparison: Mapping[str, Any]) -> str | None:
    """Finds the model without recurrence that scores best, None where there is none."""
    sign = 1 if comparison["measure"] == "mse" else -1
    ordered = sorted(settings.baselines, key=lambda name: sign * comparison["intervals"][name]["mean"])
    return ordered[0] if ordered else None


def find_pair(comparison: Mapping[str, Any], one: str, other: str) -> Mapping[str, Any]:
    """Finds what was said of two models."""
    found: Mapping[str, Any] = next(
        pair for pair in comparison["pairs"] if {pair["first"], pair["second"]} == {one, other}
    )
    return found


def is_clear(pair: Mapping[str, Any]) -> bool:
    """Whether the interval of a difference leaves out zero."""
    return not pair["difference"]["low"] <= 0 <= pair["difference"]["high"]


def scores(ranked: Sequence[str], comparison: Mapping[str, Any]) -> str:
    """Says what is measured, and what each network reaches."""
    accuracy = comparison["measure"] == "accuracy"
    means = {name: comparison["intervals"][name]["mean"] for name in ranked}
    told = ", ".join(f"{name} {100 * mean:.1f} %" if accuracy else f"{name} {mean:.4f}" for name, mean in means.items())
    if accuracy:
        return (
            f"Texts labelled right, of test rows that no model was trained on: {told}; a point is one per cent of them"
        )
    return f"Mean squared error, on time steps after all that the models were trained on: {told}; less is better"


def single(name: str, comparison: Mapping[str, Any]) -> str:
    """Says how the only network does."""
    ends = comparison["intervals"][name]
    if comparison["measure"] == "mse":
        score = f"{name} has a mean squared error of {ends['mean']:.4f} on test rows, 95 % interval {ends['low']:.4f}"
        return f"{score} to {ends['high']:.4f}; no other network was trained to compare it with"
    mean, low, high = (f"{100 * ends[end]:.1f}" for end in ("mean", "low", "high"))
    score = f"{name} labels {mean} % of the test rows right, 95 % interval {low} to {high}"
    return f"{score}; no other network was trained to compare it with"


def reality(pair: Mapping[str, Any], comparison: Mapping[str, Any]) -> str:
    """Says whether a difference may be chance."""
    seeded = comparison["over"] == "rows_and_seeds"
    drawn = "test rows and seeds" if seeded else "test rows alone: with one seed, luck in training cannot be told apart"
    verdict = "Yes: the interval leaves out zero" if is_clear(pair) else "Not shown: the interval holds zero"
    return f"{verdict}. It is a paired bootstrap interval over {drawn}{exact(pair)}."


def exact(pair: Mapping[str, Any]) -> str:
    """Puts McNemar's test behind a sentence, where there is one."""
    tested = pair.get("mcnemar")
    return f" ({exact_test([result['p_value'] for result in tested.values()])})" if tested else ""


def weakness(best: str, other: str, lengths: pd.DataFrame) -> str:
    """Says at which lengths of text two models are closest and farthest apart."""
    means = lengths.groupby(["words", "model"])["accuracy"].mean().unstack()[[best, other]]
    gaps = means[best] - means[other]
    worst, least = gaps.idxmax(), gaps.idxmin()

    def told(words: float) -> str:
        ours, theirs = (f"{100 * means.loc[words, name]:.1f} %" for name in (best, other))
        return f"{theirs} against {best}'s {ours}"

    farthest = f"{other} is farthest behind on texts of about {worst:.0f} words: {told(worst)}"
    if worst == least:
        return f"{farthest}."
    return f"{farthest}; they are closest on those of about {least:.0f} words, {told(least)}."


def price(best: str, other: str, metrics: Mapping[str, Any], costs: Mapping[str, Cost]) -> str:
    """Says how many weights and seconds the better of two networks takes for those of the other."""
    ours, theirs = metrics[best]["parameters"], metrics[other]["parameters"]
    weights = f"{best} has {ours:,} parameters, {other} {theirs:,} ({ours / theirs:.1f} times as many)"
    if not all(name in costs and costs[name].epoch for name in (best, other)):
        return f"{weights}; how long they trained is not known any more."
    mine, its = costs[best], costs[other]
    assert mine.epoch and its.epoch
    epochs = f"an epoch takes {mine.epoch:.1f} s for {its.epoch:.1f} s, a training {mine.training:.0f} s for"
    return f"{weights}; {epochs} {its.training:.0f} s on the machine that trained them."


def table(rows: Sequence[Mapping[str, str]]) -> Table:
    """Shows the models, a row each."""
    caption = "Test rows, mean ± standard deviation over the seeds; cost on the machine that trained"
    return Table(caption, list(rows[0]), [list(row.values()) for row in rows])
