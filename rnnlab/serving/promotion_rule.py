"""The rule for the champion: what a model must reach before it is served. Knows neither MLflow nor networks."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from rnnlab.evaluation import metrics, statistics
from rnnlab.evaluation.slices import FEWEST_ROWS
from rnnlab.project.params import Promote
from rnnlab.project.tasks import ACCURACY, SLICE, forecasts, right


class Evidence(NamedTuple):
    """What a model is judged by.

    Attributes:
        predictions: of the test rows: ``id``, ``label``, ``predicted`` (numbers of labels) and ``probability``.
        latency_ms: milliseconds for one text.
    """

    predictions: pd.DataFrame
    latency_ms: float

    @property
    def accuracy(self) -> float:
        """Share of the test rows that it labels right."""
        return float(right(self.predictions).mean())

    @property
    def calibration_error(self) -> float:
        """Expected calibration error on the test rows."""
        is_so, probabilities = forecasts(self.predictions)
        return metrics.calibration_error(is_so.to_numpy(), probabilities.to_numpy())


class Rule(NamedTuple):
    """One requirement on a model, whether it is met, and the figure and its limit in words."""

    name: str
    passed: bool
    sentence: str


def judge(candidate: Evidence, rivals: Mapping[str, pd.DataFrame], limits: Promote) -> list[Rule]:
    """Judges a model by every rule in a fixed order, even if one has failed; it may be promoted if all passed.

    Args:
        candidate: the model.
        rivals: predictions of the present champion, and of the best champion ever where that is another, by what they
            are called; empty where they are lost.
        limits: of the rules.
    """
    rows, accuracy, least = len(candidate.predictions), candidate.accuracy, limits.min_accuracy
    # The count distinguishes 0.79996 from a limit of 0.8, to which it would be rounded.
    count = f"{round(accuracy * rows):,} of {rows:,} test rows are right, accuracy {accuracy:.4f}"
    error, most = candidate.calibration_error, limits.max_calibration_error
    calibration = f"its calibration error is {error:.4f}, at most {most:g} is allowed"
    time, longest = candidate.latency_ms, limits.max_latency_ms
    rules = [
        Rule("accuracy", accuracy >= least, f"{count}; at least {least:g} is required"),
        Rule("calibration", error <= most, calibration),
        Rule("latency", time <= longest, f"one answer takes {time:.1f} ms, at most {longest:g} ms are allowed"),
    ]
    rules += [_worst_slice(candidate.predictions, limits.min_slice_accuracy)] if limits.min_slice_accuracy else []
    if not rivals:
        return [*rules, Rule("champion", True, "there is no champion yet to compare it with")]
    return [*rules, *(_not_worse(candidate.predictions, name, rows, limits) for name, rows in rivals.items())]


def _worst_slice(predictions: pd.DataFrame, least: float) -> Rule:
    """Tests the slice of the test rows in which the fewest are right."""
    rows = predictions.assign(right=right(predictions))
    columns = [name for name in rows.columns if name.startswith(SLICE)]
    parts = [(name, value, part) for name in columns for value, part in rows.groupby(name) if len(part) >= FEWEST_ROWS]
    if not parts:
        return Rule("slices", False, f"no slice of {FEWEST_ROWS} rows to test; name columns in evaluate.slices")
    column, value, worst = min(parts, key=lambda part: float(part[2]["right"].mean()))
    accuracy = float(worst["right"].mean())
    where = f"where {column.removeprefix(SLICE)} is {value}, {int(worst['right'].sum()):,} of {len(worst):,} are right"
    return Rule("slices", accuracy >= least, f"{where}, accuracy {accuracy:.4f}; at least {least:g} is required")


def _not_worse(candidate: pd.DataFrame, name: str, rival: pd.DataFrame, limits: Promote) -> Rule:
    """Tests whether the candidate is shown to lose less than the margin; too few rows show nothing."""
    if rival.empty:
        reason = f"the {name} has no test predictions to compare it with"
        return Rule(name, False, f"{reason}; --force promotes without them")
    both = candidate.merge(rival, on=["id", "label"], suffixes=("", "_rival"))
    if not len(both) == len(candidate) == len(rival):
        counts = f"{len(candidate):,} and {len(rival):,}, {len(both):,} of them the same"
        reason = f"it and the {name} were scored on different test rows ({counts})"
        return Rule(name, False, f"{reason}; evaluate both on the same data, or use --force")
    ours, theirs = (right(both[["id", "label"]].merge(each)) for each in (candidate, rival))
    if both["probability"].equals(both["probability_rival"]) and ours.equals(theirs):
        return Rule(name, True, f"it says the same of every test row as the {name}")
    won, lost = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    p_value = statistics.loss_p_value(won, lost, len(both), limits.margin)
    figures = f"it alone labels {won:,} of {len(both):,} test rows right, the {name} alone {lost:,}"
    loss = f"a true loss of {ACCURACY.difference(limits.margin)} has p = {p_value:.2g}"
    return Rule(name, p_value < limits.significance, f"{figures}: {loss}, below {limits.significance:g} is required")
