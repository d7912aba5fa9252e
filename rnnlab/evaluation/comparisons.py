"""Who is better, and how sure that is: every pair of models on the same test rows."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tabulate import tabulate

from rnnlab.evaluation import statistics
from rnnlab.evaluation.statistics import Interval
from rnnlab.project.params import NO_SEED, Params
from rnnlab.project.tasks import ACCURACY, MEAN_SQUARED_ERROR


def row_scores(settings: Params, predictions: pd.DataFrame) -> dict[str, npt.NDArray[np.float64]]:
    """Takes predictions apart by model.

    Args:
        settings: names models and seeds.
        predictions: what the evaluate stage wrote.

    Returns:
        Float64 of shape (seeds, rows) each, (1, rows) for a baseline: 1.0 where a text's label was found, 0.0 where it
        was not; the squared error of each value of a series.
    """
    if settings.task == "series":
        values = (predictions["predicted"] - predictions["target"]) ** 2
    else:
        values = (predictions["probability"] >= 0.5) == (predictions["label"] == 1)
    by_run = {
        run: part.to_numpy(np.float64) for run, part in values.groupby([predictions["model"], predictions["seed"]])
    }
    seeds = {name: [NO_SEED] if name in settings.baselines else settings.train.seeds for name in settings.scored}
    return {name: np.stack([by_run[name, seed] for seed in seeds[name]]) for name in settings.scored}


def compare(settings: Params, scores: dict[str, npt.NDArray[np.float64]]) -> dict[str, Any]:
    """States each model's mean score and each pair's difference with 95 % bootstrap intervals.

    Args:
        settings: how to resample.
        scores: from `row_scores`.

    Returns:
        ``measure``, ``over``, ``intervals`` by model, and ``pairs``; two baselines are not a pair.
    """
    over_seeds = settings.intervals.over != "rows" and len(settings.train.seeds) > 1

    def options(*names: str) -> dict[str, Any]:
        seeded = over_seeds and any(len(scores[name]) > 1 for name in names)
        return {"over_seeds": seeded, "resamples": settings.intervals.resamples, "seed": settings.intervals.seed}

    pairs = [pair for pair in combinations(settings.scored, 2) if not all(name in settings.baselines for name in pair)]
    return {
        "measure": "mse" if settings.task == "series" else "accuracy",
        "over": "rows_and_seeds" if over_seeds else "rows",
        "intervals": {name: statistics.interval(rows, **options(name))._asdict() for name, rows in scores.items()},
        "pairs": [_pair(settings, scores, *_newer_first(settings, pair), options(*pair)) for pair in pairs],
    }


def _newer_first(settings: Params, pair: tuple[str, str]) -> tuple[str, str]:
    """Speaks of the later network in the list, which is the one in question; of a network before its baseline."""
    return pair if pair[1] in settings.baselines else (pair[1], pair[0])


def _pair(
    settings: Params, scores: dict[str, npt.NDArray[np.float64]], first: str, second: str, options: dict[str, Any]
) -> dict[str, Any]:
    series = settings.task == "series"
    measure = MEAN_SQUARED_ERROR if series else ACCURACY
    difference = statistics.paired_difference(scores[first], scores[second], **options)
    won = statistics.seeds_won(scores[first], scores[second], lower_is_better=series)
    pair = {
        "first": first,
        "second": second,
        "difference": difference._asdict(),
        "won": list(won),
        "sentence": statistics.sentence(first, second, difference, won, measure=measure),
    }
    if not series:  # the test is one of right or wrong
        rights = zip(*np.broadcast_arrays(scores[first] == 1, scores[second] == 1), strict=True)
        tested = [statistics.mcnemar(*right)._asdict() for right in rights]
        pair["mcnemar"] = dict(zip(map(str, settings.train.seeds), tested, strict=True))
    return pair


def markdown(comparison: dict[str, Any]) -> str:
    """Shows a comparison to people."""
    accuracy = comparison["measure"] == "accuracy"
    scale, unit = (100.0, "%") if accuracy else (1.0, "")
    intervals = [
        {"model": name, comparison["measure"]: _interval(Interval(**ends), scale, unit)}
        for name, ends in comparison["intervals"].items()
    ]
    drawn = "rows and seeds" if comparison["over"] == "rows_and_seeds" else "rows alone"
    lines = [
        "# Is the difference real?",
        f"95 % bootstrap intervals over test {drawn}; pairs are compared on the same rows and seeds.",
        tabulate(intervals, headers="keys", tablefmt="github", disable_numparse=True),
        *(f"- {pair['sentence'][0].upper()}{pair['sentence'][1:]}{_test(pair)}." for pair in comparison["pairs"]),
    ]
    return "\n\n".join(lines[:3]) + "\n\n" + "\n".join(lines[3:]) + "\n"


def _interval(ends: Interval, scale: float, unit: str) -> str:
    mean, low, high = (f"{scale * end:.2f}" if unit else f"{end:.4f}" for end in ends)
    return f"{mean} {unit} ({low} to {high})".replace("  ", " ")


def _test(pair: dict[str, Any]) -> str:
    if not pair.get("mcnemar"):
        return ""
    return f" ({exact_test([result['p_value'] for result in pair['mcnemar'].values()])})"


def exact_test(p_values: Sequence[float]) -> str:
    """Puts McNemar's p-values, one a seed, into words."""
    return f"McNemar's exact test: p {_p_value(max(p_values))}{' in every seed' if len(p_values) > 1 else ''}"


def _p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"≤ {value:.3f}"
