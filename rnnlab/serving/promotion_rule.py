"""The rule for the champion: what a model must reach before it is served. Knows neither MLflow nor networks."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

import pandas as pd

from rnnlab.evaluation import comparisons, metrics, statistics, verdicts
from rnnlab.evaluation.slices import FEWEST_ROWS
from rnnlab.project.results import NOTHING
from rnnlab.project.sections.results import Promote
from rnnlab.project.tasks import SLICE, STEP, TASKS, UNIT, Task, TaskName, forecasts, has_steps, right

ANSWERS = ("predicted", "probability")  # columns of predictions, as far as a task has them
KEPT = ("test_mase", "test_coverage")
ROUNDING = 1e-5  # standard deviations
Scores: TypeAlias = "pd.Series[float]"  # by test row


class Evidence(NamedTuple):
    """What a model is judged by.

    Attributes:
        predictions: of the test rows, with the columns of `rnnlab.serving.candidates.COLUMNS`.
        latency_ms: milliseconds for one text, or one forecast.
        task: of the model.
        logged: test figures by the names that MLflow has them under.
        baseline: the name and the predictions of the best model without recurrence, None where there is none.
    """

    predictions: pd.DataFrame
    latency_ms: float
    task: Task = TASKS["text"]
    logged: Mapping[str, float] = NOTHING
    baseline: tuple[str, pd.DataFrame] | None = None

    @property
    def score(self) -> float:
        """The measure of its task on the test rows."""
        return float(comparisons.score_rows(self.task, self.predictions).mean())

    @property
    def calibration_error(self) -> float:
        """Expected calibration error on the test rows."""
        is_so, probabilities = forecasts(self.predictions)
        return metrics.calibration_error(is_so.to_numpy(), probabilities.to_numpy())

    @property
    def figures(self) -> dict[str, float]:
        """The figures that a version keeps in its tags, by name."""
        return {f"test_{self.task.measure.key}": self.score, **FIGURES[self.task.name](self)}


class Rule(NamedTuple):
    """One requirement on a model, whether it is met, and the figure and its limit in words.

    One that is not ``required`` is only told.
    """

    name: str
    passed: bool
    sentence: str
    required: bool = True

    @property
    def word(self) -> str:
        """What came of it."""
        return "passed" if self.passed else "FAILED" if self.required else "not met"


def judge(candidate: Evidence, rivals: Mapping[str, pd.DataFrame], limits: Promote) -> list[Rule]:
    """Judges a model by every rule in a fixed order, even if one has failed; it may be promoted if all passed.

    Args:
        candidate: the model.
        rivals: predictions of the present champion, and of the best champion ever where that is another, by what they
            are called; empty where they are lost.
        limits: of the rules.
    """
    time, longest, one = candidate.latency_ms, limits.max_latency_ms, ONE[candidate.task.name]
    latency = f"{one} takes {time:.1f} ms, at most {longest:g} ms are allowed"
    rules = [*LIMITS[candidate.task.name](candidate, limits), Rule("latency", time <= longest, latency)]
    rules += [_against_baseline(candidate, *candidate.baseline, limits)] if candidate.baseline else []
    if not rivals:
        return [*rules, Rule("champion", True, "there is no champion yet to compare it with")]
    return [*rules, *(_not_worse(candidate, name, rows, limits) for name, rows in rivals.items())]


def _limits_of_labels(candidate: Evidence, limits: Promote) -> list[Rule]:
    rows, accuracy, least = len(candidate.predictions), candidate.score, limits.min_accuracy
    # The count distinguishes 0.79996 from a limit of 0.8, to which it would be rounded.
    count = f"{round(accuracy * rows):,} of {rows:,} test rows are right, accuracy {accuracy:.4f}"
    error, most = candidate.calibration_error, limits.max_calibration_error
    calibration = f"its calibration error is {error:.4f}, at most {most:g} is allowed"
    rules = [
        Rule("accuracy", accuracy >= least, f"{count}; at least {least:g} is required"),
        Rule("calibration", error <= most, calibration),
    ]
    return rules + (
        [_worst_slice(candidate.predictions, limits.min_slice_accuracy)] if limits.min_slice_accuracy else []
    )


def _limits_of_errors(candidate: Evidence, limits: Promote) -> list[Rule]:
    error, most = candidate.logged.get("test_mase"), limits.max_mase
    if error is None:
        return [Rule("mase", False, "its run has no MASE, it was logged before there was one; rerun the pipeline")]
    naive = "times the error of the naive forecast on training rows"
    return [Rule("mase", error <= most, f"its mean absolute error is {error:.4f} {naive}; at most {most:g} is allowed")]


LIMITS: dict[TaskName, Callable[[Evidence, Promote], list[Rule]]] = {
    "text": _limits_of_labels,
    "sequences": _limits_of_labels,
    "series": _limits_of_errors,
}
# What a version keeps in its tags beside its score.
FIGURES: dict[TaskName, Callable[[Evidence], dict[str, float]]] = {
    "text": lambda candidate: {"calibration_error": candidate.calibration_error},
    "sequences": lambda candidate: {"calibration_error": candidate.calibration_error},
    "series": lambda candidate: {name: candidate.logged[name] for name in KEPT if name in candidate.logged},
}
ONE: dict[TaskName, str] = {"text": "one text", "sequences": "one sequence", "series": "one forecast"}


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


def _against_baseline(candidate: Evidence, name: str, rows: pd.DataFrame, limits: Promote) -> Rule:
    """Says whether a model is shown to be better than the best one without recurrence, which it need not be."""
    task = candidate.task
    ours, theirs = (_row_scores(task, each).to_numpy()[None] for each in (candidate.predictions, rows))
    between = verdicts.pair(
        ("the candidate", ours), (name, theirs), limits.margin, task.measure, dependent=task.rows_are_dependent
    )
    [verdict] = verdicts.judge([between])
    best = f"the best baseline is {name}: {verdict.claim}"
    return Rule("baseline", verdict.shown and verdict.first_is_better, best, required=False)


def _row_scores(task: Task, predictions: pd.DataFrame) -> Scores:
    """Scores one network's predictions by test row."""
    scores: Scores = comparisons.row_scores(task, predictions.assign(seed=0))[0]
    return scores


def _not_worse(candidate: Evidence, name: str, rival: pd.DataFrame, limits: Promote) -> Rule:
    """Tests whether the candidate is shown to lose less than the margin; too few rows show nothing."""
    if rival.empty:
        reason = f"the {name} has no test predictions to compare it with"
        return Rule(name, False, f"{reason}; --force promotes without them")
    task, ours = candidate.task, candidate.predictions
    both = _shared_rows(task, ours, rival)
    is_whole = len(both) == len(ours) == len(rival)
    if not is_whole and not (task.rows_are_dependent and both[task.row].nunique() >= FEWEST_ROWS):
        counts = f"{len(ours):,} and {len(rival):,}, {len(both):,} of them the same"
        reason = f"it and the {name} were scored on different test rows ({counts})"
        return Rule(name, False, f"{reason}; evaluate both on the same data, or use --force")
    if all(both[column].equals(both[f"{column}_rival"]) for column in ANSWERS if column in both):
        return Rule(name, True, f"it says the same of every test row as the {name}")
    rows = both[[column for column in (task.row, STEP, UNIT) if column in both]]
    scored = (each.drop(columns=UNIT, errors="ignore") for each in (ours, rival))
    our_scores, their_scores = (_row_scores(task, rows.merge(each)) for each in scored)
    test = _test_of_lost_rows if task.measure.is_share else _test_of_errors
    figures, margin, p_value = test(task, our_scores, their_scores, name, limits.margin)
    loss = f"a true loss of {task.measure.difference(margin)} has p = {p_value:.2g}"
    return Rule(name, p_value < limits.significance, f"{figures}: {loss}, below {limits.significance:g} is required")


def _shared_rows(task: Task, ours: pd.DataFrame, rival: pd.DataFrame) -> pd.DataFrame:
    """Joins predictions of the same test rows; none where forecasts reach to different steps."""
    steps = [STEP] if has_steps(ours) and has_steps(rival) else []
    both = ours.merge(rival, on=[task.row, *steps], suffixes=("", "_rival"))
    if steps and set(ours[STEP]) != set(rival[STEP]):
        return both.iloc[:0]
    # Values that were scaled by other training rows come back with other last digits.
    true, other = both[task.truth], both[f"{task.truth}_rival"]
    return both[(true - other).abs() <= ROUNDING * ours[task.truth].std()]


def _test_of_lost_rows(task: Task, ours: Scores, theirs: Scores, name: str, margin: float) -> tuple[str, float, float]:
    """Returns figures in words, the loss that is tested, and its p-value, of scores that are 0 or 1."""
    won, lost = int((ours > theirs).sum()), int((ours < theirs).sum())
    figures = f"it alone labels {won:,} of {len(ours):,} test rows right, the {name} alone {lost:,}"
    return figures, margin, statistics.loss_p_value(won, lost, len(ours), margin)


def _test_of_errors(task: Task, ours: Scores, theirs: Scores, name: str, margin: float) -> tuple[str, float, float]:
    """Returns the same of errors; the margin is a share of the rival's."""
    measure, size = task.measure, task.measure.margin(margin, float(theirs.mean()))
    loss = statistics.estimate((ours - theirs).to_numpy()[None], dependent=task.rows_are_dependent)
    rows = f"on {len(ours):,} test rows its {measure.name} is {measure.amount(ours.mean())}"
    return f"{rows}, the {name}'s {measure.amount(theirs.mean())}", size, loss.p_value_from(size)
