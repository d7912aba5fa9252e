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
    """One requirement on a model.

    Attributes:
        name: ``accuracy``, ``calibration``, ``latency`` or ``champion``.
        passed: whether the model meets it.
        sentence: the figure and its limit in words.
    """

    name: str
    passed: bool
    sentence: str


def judge(candidate: Evidence, champion: pd.DataFrame | None, limits: Promote) -> list[Rule]:
    """Judges a model by every rule, even if one has failed.

    Args:
        candidate: what the model is judged by.
        champion: predictions of the present champion, with the columns of the candidate's; empty when they are lost,
            None when there is no champion.
        limits: of each figure.

    Returns:
        The rules in a fixed order; the model may be promoted if all passed.
    """
    error, latency = candidate.calibration_error, candidate.latency_ms
    return [
        _accuracy(candidate, limits.min_accuracy),
        Rule(
            "calibration",
            error <= limits.max_calibration_error,
            f"its calibration error is {error:.4f}, at most {limits.max_calibration_error:g} is allowed",
        ),
        Rule(
            "latency",
            latency <= limits.max_latency_ms,
            f"one text takes {latency:.1f} ms, at most {limits.max_latency_ms:g} ms are allowed",
        ),
        _not_worse(candidate.predictions, champion, limits.significance),
    ]


def _accuracy(candidate: Evidence, least: float) -> Rule:
    rows, accuracy = len(candidate.predictions), candidate.accuracy
    # The count distinguishes 0.79996 from a limit of 0.8, to which it would be rounded.
    figure = f"{round(accuracy * rows):,} of {rows:,} test rows are right"
    return Rule("accuracy", accuracy >= least, f"{figure}, accuracy {accuracy:.4f}; at least {least:g} is required")


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
        return Rule(
            "champion",
            False,
            f"it and the champion were scored on different test rows ({counts}); "
            "evaluate both on the same data, or use --force",
        )
    first, second = (right(both["label"], both[name]).to_numpy() for name in ("probability", "probability_champion"))
    test = statistics.mcnemar(first, second)
    worse = test.only_first < test.only_second and test.p_value < significance
    return Rule(
        "champion",
        not worse,
        f"it alone labels {test.only_first:,} test rows right, the champion alone {test.only_second:,}, "
        f"McNemar's exact p = {test.p_value:.2g}; a model that is worse with p below {significance:g} is refused",
    )
