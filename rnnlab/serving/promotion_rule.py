"""The rule for the champion: what a model must reach before it is served. Knows neither MLflow nor networks."""

from typing import NamedTuple

import pandas as pd

from rnnlab.evaluation import metrics, statistics
from rnnlab.project.params import Promote
from rnnlab.project.tasks import right


class Evidence(NamedTuple):
    """What a model is judged by.

    Attributes:
        predictions: of the test rows: ``id``, ``label`` (1 is positive) and ``probability`` of the positive class.
        latency_ms: milliseconds for one text.
    """

    predictions: pd.DataFrame
    latency_ms: float

    @property
    def accuracy(self) -> float:
        """Share of the test rows that it labels right."""
        return float(right(self.predictions["label"], self.predictions["probability"]).mean())

    @property
    def calibration_error(self) -> float:
        """Expected calibration error on the test rows."""
        labels, probabilities = self.predictions["label"].to_numpy(), self.predictions["probability"].to_numpy()
        return metrics.calibration_error(labels, probabilities)


class Rule(NamedTuple):
    """One requirement on a model, whether it is met, and the figure and its limit in words."""

    name: str
    passed: bool
    sentence: str


def judge(candidate: Evidence, champion: pd.DataFrame | None, limits: Promote) -> list[Rule]:
    """Judges a model by every rule in a fixed order, even if one has failed; it may be promoted if all passed.

    The predictions of the present champion are empty when they are lost, None when there is no champion.
    """
    rows, accuracy, least = len(candidate.predictions), candidate.accuracy, limits.min_accuracy
    # The count distinguishes 0.79996 from a limit of 0.8, to which it would be rounded.
    count = f"{round(accuracy * rows):,} of {rows:,} test rows are right, accuracy {accuracy:.4f}"
    error, most = candidate.calibration_error, limits.max_calibration_error
    calibration = f"its calibration error is {error:.4f}, at most {most:g} is allowed"
    time, longest = candidate.latency_ms, limits.max_latency_ms
    return [
        Rule("accuracy", accuracy >= least, f"{count}; at least {least:g} is required"),
        Rule("calibration", error <= most, calibration),
        Rule("latency", time <= longest, f"one text takes {time:.1f} ms, at most {longest:g} ms are allowed"),
        _not_worse(candidate.predictions, champion, limits.significance),
    ]


def _not_worse(candidate: pd.DataFrame, champion: pd.DataFrame | None, significance: float) -> Rule:
    """Tests whether the candidate is significantly worse; with few rows the test detects little."""
    if champion is None:
        return Rule("champion", True, "there is no champion yet to compare it with")
    if champion.empty:
        reason = "the champion has no test predictions to compare it with"
        return Rule("champion", False, f"{reason}; --force promotes without them")
    both = candidate.merge(champion, on=["id", "label"], suffixes=("", "_champion"))
    if not len(both) == len(candidate) == len(champion):
        counts = f"{len(candidate):,} and {len(champion):,}, {len(both):,} of them the same"
        reason = f"it and the champion were scored on different test rows ({counts})"
        return Rule("champion", False, f"{reason}; evaluate both on the same data, or use --force")
    first, second = (right(both["label"], both[name]).to_numpy() for name in ("probability", "probability_champion"))
    test = statistics.mcnemar(first, second)
    worse = test.only_first < test.only_second and test.p_value < significance
    figures = f"it alone labels {test.only_first:,} test rows right, the champion alone {test.only_second:,}"
    demand = f"a model that is worse with p below {significance:g} is refused"
    return Rule("champion", not worse, f"{figures}, McNemar's exact p = {test.p_value:.2g}; {demand}")
