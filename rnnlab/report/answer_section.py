"""The top of the page: which network is better, by how much, whether that is real, and what it costs."""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

import pandas as pd

from rnnlab.evaluation import comparisons, power, tables
from rnnlab.evaluation.costs import Cost, Race
from rnnlab.project.params import Params
from rnnlab.project.tasks import ACCURACY, MEASURES, TASKS, TEXTS, Task, TaskName
from rnnlab.report.pages import Table

SLICES = 4  # sentences on slices at the top of the page
CAPTION = "Test figures, mean ± standard deviation over the seeds; cost on the machine that trained"


class AnswerSection(NamedTuple):
    """The part of the page that answers the question: sentences, questions with answers, and figures of every model."""

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
    race: Race,
    lengths: pd.DataFrame,
) -> AnswerSection:
    """Makes the section from what stages report; the metrics are in the order of the parameters."""
    ranked = rank(settings.compare, comparison)
    best, others = ranked[0], ranked[1:]
    pair = find_pair(comparison, best, others[0]) if others else None
    questions = [("Is it real?", reality(pair, comparison))] if pair else []
    if told := comparisons.convergence_sentences(comparison):
        questions.append(("Had every training converged?", " ".join(told)))
    if others and lengths["words"].nunique() > 1:
        questions.append((f"Where does {others[0]} fail?", weakness(best, others[0], lengths, TASKS[settings.task])))
    if others:
        spent = price(best, others[0], metrics, costs)
        questions.append(("What does it cost?", f"{spent}{time_to_target(best, others[0], race, settings.task)}"))
    if told := comparisons.origin_sentences(comparison):
        questions.append(("Does it hold over time?", told[0]))
    if parts := comparisons.slice_sentences(comparison):
        questions.append(("On which rows?", " ".join(parts[:SLICES])))
    for baseline in rank(settings.baselines, comparison)[:1]:
        against = find_pair(comparison, best, baseline)
        penalty = metrics[baseline].get("inverse_penalty")
        chosen = f" (C = {penalty:g}, chosen on validation rows)" if penalty else ""
        questions.append(
            ("And without recurrence?", f"The best baseline is {baseline}{chosen}: {against['sentence']}.")
        )
    rows = tables.results_rows(metrics, costs, comparison)
    return AnswerSection(
        headline=capitalised(pair["claim"] if pair else single(best, comparison)),
        scores=scores(ranked, comparison),
        questions=[(question, capitalised(text)) for question, text in questions],
        table=Table(CAPTION, list(rows[0]), [list(row.values()) for row in rows]),
        pairs=comparisons.pair_sentences(comparison),
    )


def capitalised(sentence: str) -> str:
    """Begins a sentence with a capital letter."""
    return sentence[:1].upper() + sentence[1:]


def rank(names: Sequence[str], comparison: Mapping[str, Any]) -> list[str]:
    """Sorts models by their mean score, the best first."""
    higher_is_better = not MEASURES[comparison["measure"]].lower_is_better
    return sorted(names, key=lambda name: float(comparison["intervals"][name]["mean"]), reverse=higher_is_better)


def find_pair(comparison: Mapping[str, Any], one: str, other: str) -> Mapping[str, Any]:
    """Returns the comparison of two models."""
    pairs: Sequence[Mapping[str, Any]] = comparison["pairs"]
    return next(pair for pair in pairs if {pair["first"], pair["second"]} == {one, other})


def scores(ranked: Sequence[str], comparison: Mapping[str, Any]) -> str:
    """States the score of each network."""
    measure = MEASURES[comparison["measure"]]
    means = ", ".join(f"{name} {measure.amount(comparison['intervals'][name]['mean'])}" for name in ranked)
    order = "; lower is better" if measure.lower_is_better else ""
    return f"{capitalised(measure.name)} on test rows, on which no model was trained: {means}{order}"


def single(name: str, comparison: Mapping[str, Any]) -> str:
    """States the score of the only network."""
    measure, ends = MEASURES[comparison["measure"]], comparison["intervals"][name]
    interval = f"95 % interval {measure.number(ends['low'])} to {measure.number(ends['high'])}"
    score = f"{name}'s test {measure.name} is {measure.amount(ends['mean'])} ({interval})"
    return f"{score}; no other network was trained to compare it with"


def reality(pair: Mapping[str, Any], comparison: Mapping[str, Any]) -> str:
    """States whether a difference may be chance."""
    verdict = "Yes: chance alone seldom makes such a difference" if pair["shown"] else "Not shown"
    if pair["equal"] and not pair["shown"]:
        verdict = "No: whatever difference there is does not matter"
    advice = power.advice(pair, MEASURES[comparison["measure"]])
    facts = [verdict, *map(capitalised, pair["remarks"]), *([advice] if advice else [])]
    more = [*comparisons.group_sentences(comparison), comparisons.basis(comparison), comparisons.FIXED]
    return " ".join([f"{'. '.join(facts)}.", *more])


def weakness(best: str, other: str, lengths: pd.DataFrame, task: Task = TEXTS) -> str:
    """States at which lengths two models are closest and farthest apart."""
    means = lengths.groupby(["words", "model"])["accuracy"].mean().unstack()[[best, other]]
    gaps = means[best] - means[other]
    worst, least = gaps.idxmax(), gaps.idxmin()

    def scores(words: float) -> str:
        ours, theirs = (ACCURACY.amount(means.loc[words, name]) for name in (best, other))
        return f"{theirs} against {best}'s {ours}"

    farthest = f"{other} is farthest behind on {task.item}s of about {worst:.0f} {task.unit}s: {scores(worst)}"
    closest = (
        f"; they are closest on {task.item}s of about {least:.0f} {task.unit}s: {scores(least)}"
        if worst != least
        else ""
    )
    return f"{farthest}{closest}."


def price(best: str, other: str, metrics: Mapping[str, Any], costs: Mapping[str, Cost]) -> str:
    """Compares the weights and training times of two networks, the better one first."""
    ours, theirs = metrics[best]["parameters"], metrics[other]["parameters"]
    weights = f"{best} has {ours:,} parameters, {other} {theirs:,} ({ours / theirs:.1f} times as many)"
    if not all(name in costs and costs[name].epoch for name in (best, other)):
        return f"{weights}; their training times are lost."
    mine, its = costs[best], costs[other]
    assert mine.epoch and its.epoch
    epochs = f"an epoch takes {mine.epoch:.1f} s instead of {its.epoch:.1f} s"
    return f"{weights}; {epochs}, a training {mine.training:.0f} s instead of {its.training:.0f} s."


def time_to_target(best: str, other: str, race: Race, task: TaskName) -> str:
    """Compares the training times of two networks to the validation score that all networks have in common."""
    if not {best, other} <= race.seconds.keys():
        return ""

    def needed(name: str) -> str:
        times = race.seconds[name]
        never = sum(map(math.isinf, times))
        misses = f" ({never} of {len(times)} seeds never {'gets' if never == 1 else 'get'} there)" if never else ""
        return f"{name} needs {median(times):.1f} s{misses}"

    measure = TASKS[task].measure
    level = f"{measure.validation_name} of {measure.amount(race.target)}"
    both = f"{needed(best)} and {needed(other)}"
    return f" To the {level} that the weakest network's median training reaches, {both}, median over the seeds."
