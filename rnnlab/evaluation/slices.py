"""Results by the values of a column of the data: where a model is good, and where another is better."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnlab.evaluation import comparisons, verdicts
from rnnlab.evaluation.verdicts import Pair
from rnnlab.project.errors import UserError
from rnnlab.project.tasks import ORIGIN, SERIES, SLICE, Task, times

MOST_SERIES = 50  # in a table
FEWEST_ROWS = 10  # of a slice: an interval of fewer says nothing


def compare(
    task: Task, predictions: pd.DataFrame, names: Sequence[str], baselines: Sequence[str], margin: float
) -> list[dict[str, Any]]:
    """Scores each model on the test rows of each slice, and judges the networks against each other in all of them.

    Args:
        task: that the predictions are of.
        predictions: of the evaluate stage, with a column for each of ``evaluate.slices``, or that of `by_origin`.
        names: of all models.
        baselines: those without seeds.
        margin: `intervals.margin`.

    Returns:
        ``column``, ``value``, ``rows``, ``intervals`` by model and ``pairs`` of networks of each slice; the slices of a
        column in which the networks are worst come first, but for stretches of time. All pairs are one family.
    """
    found, pairs = [], []
    for column in [name for name in predictions.columns if name.startswith(SLICE)]:
        values = predictions[column].unique()
        slices = [(value, predictions[predictions[column] == value]) for value in values if len(values) > 1]
        scored = [(value, comparisons.scores_by_model(task, rows, names)) for value, rows in slices]
        for value, scores in scored:
            count = next(iter(scores.values())).shape[1]
            if count < FEWEST_ROWS:
                continue
            networks = {name: values for name, values in scores.items() if name not in baselines}
            pairs.append(_pairs(task, networks, margin))
            intervals = {name: comparisons.interval(task, values)._asdict() for name, values in scores.items()}
            found.append({"column": column.removeprefix(SLICE), "value": value, "rows": count, "intervals": intervals})
    judged = iter(verdicts.judge(pair for of_slice in pairs for pair in of_slice))
    for each, of_slice in zip(found, pairs, strict=True):
        each["pairs"] = [next(judged).facts() for _ in of_slice]
    sign = -1 if task.measure.lower_is_better else 1
    return sorted(found, key=lambda one: (one["column"], sign * _mean(one, baselines) * (one["column"] != ORIGIN)))


def by_series(predictions: pd.DataFrame) -> pd.DataFrame:
    """Adds a column of slices, of several series that are few enough for a table."""
    if SERIES not in predictions or predictions[SERIES].nunique() > MOST_SERIES:
        return predictions
    return predictions.assign(**{f"{SLICE}{SERIES}": predictions[SERIES]})


def by_origin(task: Task, predictions: pd.DataFrame, origins: int) -> pd.DataFrame:
    """Adds the column of slices `ORIGIN`: consecutive stretches of the test rows, as equal in size as can be.

    A rolling-origin evaluation without recalibration: what a forecast knows moves on with its row, and the models stay
    as they were fitted to the training rows (Tashman 2000, "Out-of-sample tests of forecasting accuracy: an analysis
    and review"). Rows are those of windows' first targets; of several series they are counted from the last of each.

    Args:
        task: that the predictions are of.
        predictions: of the evaluate stage.
        origins: number of stretches; with 1 the predictions stay as they are.

    Raises:
        UserError: a stretch has fewer than `FEWEST_ROWS` rows.
    """
    if origins == 1:
        return predictions
    time = times(predictions)
    rows = np.sort(time.unique())
    if len(rows) // origins < FEWEST_ROWS:
        least = f"expected {FEWEST_ROWS} in each at least"
        raise UserError(f"evaluate.origins: {len(rows)} test rows cannot be cut into {origins}: {least}; lower it")
    parts = np.array_split(rows, origins)
    names = np.array([_stretch(part, is_relative=SERIES in predictions) for part in parts], object)
    numbers = np.searchsorted([part[0] for part in parts], predictions[task.row].map(time), side="right") - 1
    return predictions.assign(**{f"{SLICE}{ORIGIN}": names[numbers]})


def _stretch(rows: npt.NDArray[np.int64], *, is_relative: bool) -> str:
    if is_relative:
        return f"windows {-rows[-1] + 1:,} to {-rows[0] + 1:,} from the end"
    return f"rows {rows[0]:,} to {rows[-1]:,}"


def _pairs(task: Task, scores: Mapping[str, verdicts.Scores], margin: float) -> list[Pair]:
    dependent = task.rows_are_dependent
    return [
        verdicts.pair((second, scores[second]), (first, scores[first]), margin, task.measure, dependent=dependent)
        for first, second in combinations(scores, 2)
    ]


def _mean(one: Mapping[str, Any], baselines: Sequence[str]) -> float:
    means = [ends["mean"] for name, ends in one["intervals"].items() if name not in baselines]
    return float(sum(means) / len(means))
