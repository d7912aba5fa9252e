"""Who is better, and how sure that is: every pair of models on the same test rows."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tabulate import tabulate

from rnnlab.evaluation import statistics
from rnnlab.project.params import NO_SEED, Params
from rnnlab.project.tasks import MEASURES, TASKS, Measure, Task, TaskName, right

Scores = npt.NDArray[np.float64]


def score_rows(task: Task, predictions: pd.DataFrame) -> "pd.Series[float]":
    """Scores each row of a table of predictions: 1 for the right label and 0 for a wrong one, or the squared error."""
    scores: pd.Series[float] = ROW_SCORES[task.name](predictions[task.truth], predictions[task.answer])
    return scores.astype(np.float64)


def _squared_errors(targets: Any, predicted: Any) -> Any:
    return (predicted - targets) ** 2


ROW_SCORES: dict[TaskName, Callable[[Any, Any], Any]] = {"text": right, "series": _squared_errors}


def scores_by_model(settings: Params, predictions: pd.DataFrame) -> dict[str, Scores]:
    """Scores what the evaluate stage wrote.

    Returns:
        The scores of each model from `score_rows`, float64 of shape (seeds, rows), of a baseline (1, rows).
    """
    scores = score_rows(TASKS[settings.task], predictions)
    by_run = {run: part.to_numpy() for run, part in scores.groupby([predictions["model"], predictions["seed"]])}
    seeds = {name: [NO_SEED] if name in settings.baselines else settings.train.seeds for name in settings.scored}
    return {name: np.stack([by_run[name, seed] for seed in seeds[name]]) for name in settings.scored}


def compare(settings: Params, scores: dict[str, Scores]) -> dict[str, Any]:
    """Computes each model's mean score and each pair's difference, with 95 % bootstrap intervals.

    Args:
        settings: how to resample.
        scores: from `scores_by_model`.

    Returns:
        ``measure``, ``over``, ``intervals`` by model, and ``pairs``; two baselines are not a pair.
    """
    over_seeds = settings.intervals.over != "rows" and len(settings.train.seeds) > 1

    def options(*names: str) -> dict[str, Any]:
        seeded = over_seeds and any(len(scores[name]) > 1 for name in names)
        return {"over_seeds": seeded, "resamples": settings.intervals.resamples, "seed": settings.intervals.seed}

    pairs = [pair for pair in combinations(settings.scored, 2) if not all(name in settings.baselines for name in pair)]
    return {
        "measure": TASKS[settings.task].measure.key,
        "over": "rows_and_seeds" if over_seeds else "rows",
        "intervals": {name: statistics.interval(rows, **options(name))._asdict() for name, rows in scores.items()},
        "pairs": [_pair(settings, scores, *_newer_first(settings, pair), options(*pair)) for pair in pairs],
    }


def _newer_first(settings: Params, pair: tuple[str, str]) -> tuple[str, str]:
    """Puts the later network in the list first, as it is the one in question, and a network before a baseline."""
    return pair if pair[1] in settings.baselines else (pair[1], pair[0])


def _pair(
    settings: Params, scores: dict[str, Scores], first: str, second: str, options: dict[str, Any]
) -> dict[str, Any]:
    measure, pair = TASKS[settings.task].measure, (scores[first], scores[second])
    difference = statistics.paired_difference(*pair, **options)
    won = statistics.seeds_won(*pair, lower_is_better=measure.lower_is_better)
    return {
        "first": first,
        "second": second,
        "difference": difference._asdict(),
        "won": list(won),
        "sentence": statistics.sentence(first, second, difference, won, measure=measure),
        **{name: test(settings.train.seeds, *pair) for name, test in PAIR_TESTS[settings.task].items()},
    }


def _mcnemar(seeds: Sequence[int], first: Scores, second: Scores) -> dict[str, Any]:
    """Tests each seed; a baseline is paired with every one."""
    pairs = zip(*np.broadcast_arrays(first == 1, second == 1), strict=True)
    tests = [statistics.mcnemar(*pair)._asdict() for pair in pairs]
    return dict(zip(map(str, seeds), tests, strict=True))


# What a pair of models is tested with beside the interval; McNemar's test is one of right and wrong.
PAIR_TESTS: dict[TaskName, dict[str, Callable[..., dict[str, Any]]]] = {"text": {"mcnemar": _mcnemar}, "series": {}}


def markdown(comparison: dict[str, Any]) -> str:
    """Writes a comparison as a page for people."""
    measure = MEASURES[comparison["measure"]]
    intervals = []
    for name, ends in comparison["intervals"].items():
        mean, interval = interval_cells(measure, ends)
        intervals.append({"model": name, measure.title: f"{mean} ({interval})"})
    drawn = "rows and seeds" if comparison["over"] == "rows_and_seeds" else "rows alone"
    lines = [
        "# Is the difference real?",
        f"95 % bootstrap intervals over test {drawn}; pairs are compared on the same rows and seeds.",
        tabulate(intervals, headers="keys", tablefmt="github", disable_numparse=True),
        *(f"- {pair_sentence(pair)}" for pair in comparison["pairs"]),
    ]
    return "\n\n".join(lines[:3]) + "\n\n" + "\n".join(lines[3:]) + "\n"


def interval_cells(measure: Measure, ends: Mapping[str, float]) -> tuple[str, str]:
    """Writes a mean and the ends of its interval, to a ten-thousandth of the score."""
    more = 1 if measure.unit else 0
    low, high = (measure.number(ends[end], more) for end in ("low", "high"))
    return measure.amount(ends["mean"], more), f"{low} to {high}"


def pair_sentence(pair: Mapping[str, Any]) -> str:
    """Returns the sentence on a pair of models, with the exact test where there is one."""
    sentence, test = str(pair["sentence"]), pair_test(pair)
    return f"{sentence[0].upper()}{sentence[1:]}{f'; {test}' if test else ''}."


def pair_test(pair: Mapping[str, Any]) -> str:
    """Puts McNemar's test of a pair of models into words, "" where there is none."""
    tests = pair.get("mcnemar", {}).values()
    return exact_test([test["p_value"] for test in tests]) if tests else ""


def exact_test(p_values: Sequence[float]) -> str:
    """Puts McNemar's p-values, one per seed, into words."""
    highest = max(p_values)
    bound = "< 0.001" if highest < 0.001 else f"≤ {highest:.3f}"
    return f"McNemar's exact test: p {bound}{' in every seed' if len(p_values) > 1 else ''}"
