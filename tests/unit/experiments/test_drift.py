from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from benchmarks import coverage
from rnnlab.experiments import drift
from rnnlab.experiments.drift import Change, Verdict
from rnnlab.project.errors import UserError
from rnnlab.project.results import Result
from rnnlab.project.sections.results import Drift
from rnnlab.project.tasks import ACCURACY, MEAN_SQUARED_ERROR
from tests.support.builders import COMMIT, series, summary

LIMITS = Drift(tolerance=0.01, significance=0.001)
OUTS = {"ingest": "data/interim/rows.parquet", "tokenize_pad": "data/features/train"}
ROWS = (1000, 1000)


def result(
    name: str, metrics: dict[str, Any], version: str = "a" * 32, predictions: pd.DataFrame | None = None
) -> Result:
    stages = {stage: {"outs": [{"path": path, "md5": version}]} for stage, path in OUTS.items()}
    values = {"compare": ["rnn", "lstm"], "baselines": ["tfidf"]}
    return Result(name, "git revision", values, metrics, COMMIT, stages=stages, predictions=predictions)


def of_scores(name: str, scores: np.ndarray, version: str = "a" * 32, *, lost: bool = False) -> Result:
    """A result of an LSTM that is right where scores of shape (seeds, rows) are 1."""
    tables = [
        pd.DataFrame({"id": range(len(row)), "label": 1, "model": "lstm", "seed": seed, "probability": row})
        for seed, row in enumerate(scores, start=1)
    ]
    metrics = {"lstm": summary(*scores.mean(axis=1))}
    return result(name, metrics, version, None if lost else pd.concat(tables, ignore_index=True))


def judged(before: Result, now: Result, limits: Drift = LIMITS) -> Verdict:
    [found] = drift.verdicts(before, now, ROWS, limits)
    return found


def drawn(accuracy: float, seeds: int = 5, rows: int = 1000, seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).random((seeds, rows)) < accuracy).astype(np.float64)


def fallen(scores: np.ndarray, share: float, seed: int = 2) -> np.ndarray:
    """Scores of which a share of all rows turned wrong."""
    return coverage.rerun(scores, np.random.default_rng(seed), churn=0.0, fall=share, together=False)


def test_the_same_result_is_the_same() -> None:
    scores = drawn(0.9)
    found = judged(of_scores("HEAD", scores), of_scores("workspace", scores))
    assert (found.word, found.change.changed) == ("the same", 0)


def test_answers_that_changed_are_counted_even_if_the_mean_did_not() -> None:
    scores = np.array([[1.0, 0.0, 1.0, 1.0]] * 2)
    turned = scores[:, [1, 0, 2, 3]]
    found = judged(of_scores("HEAD", scores), of_scores("workspace", turned))
    assert (found.word, found.change.changed, found.change.basis) == ("within noise", 4, "the same seeds and rows")


def test_a_fall_of_the_same_seeds_on_the_same_rows_is_worse_and_a_rise_better() -> None:
    scores = drawn(0.75)
    less = fallen(scores, 0.02)
    assert judged(of_scores("HEAD", scores), of_scores("workspace", less)).word == "worse"
    assert judged(of_scores("HEAD", less), of_scores("workspace", scores)).word == "better"


def test_seeds_may_be_far_apart_as_each_is_compared_with_itself() -> None:
    scores = np.concatenate([drawn(0.6, 2), drawn(0.9, 3)])
    assert judged(of_scores("HEAD", scores), of_scores("workspace", fallen(scores, 0.02))).word == "worse"


def test_a_fall_within_the_tolerance_is_noise_however_sure() -> None:
    scores = drawn(0.9, rows=20_000)
    now = of_scores("workspace", fallen(scores, 0.007))
    assert judged(of_scores("HEAD", scores), now).word == "within noise"
    assert judged(of_scores("HEAD", scores), now, LIMITS.model_copy(update={"tolerance": 0.001})).word == "worse"


def test_lost_predictions_leave_the_scores_of_the_same_seeds() -> None:
    scores = drawn(0.75)
    before, now = of_scores("HEAD", scores, lost=True), of_scores("workspace", fallen(scores, 0.1))
    found = judged(before, now)
    assert (found.word, found.change.basis, found.change.changed) == ("worse", "the same seeds", None)
    # A paired t test by hand.
    falls = scores.mean(axis=1) - fallen(scores, 0.1).mean(axis=1)
    expected = t.sf(falls.mean() / (falls.std(ddof=1) / np.sqrt(5)), 4)
    assert found.change.difference is not None
    assert found.change.difference.p_value() / 2 == pytest.approx(expected)


def test_other_rows_bring_their_own_noise() -> None:
    scores, others = drawn(0.9), drawn(0.88, seed=3)
    before, now = of_scores("HEAD", scores), of_scores("workspace", others, "b" * 32)
    assert judged(before, now).change.basis == "other rows"
    assert judged(before, now).word == "within noise"
    much = of_scores("workspace", drawn(0.6, seed=3), "b" * 32)
    assert judged(before, much).word == "worse"


def test_scores_alone_of_other_rows_have_the_noise_of_both() -> None:
    scores = drawn(0.9)
    before = of_scores("HEAD", scores, lost=True)
    found = judged(before, of_scores("workspace", drawn(0.88, seed=3), "b" * 32))
    assert (found.word, found.change.basis) == ("within noise", "other rows, their scores alone")
    assert judged(before, of_scores("workspace", drawn(0.6, seed=3), "b" * 32)).word == "worse"


def test_a_model_without_seeds_whose_predictions_are_lost_has_the_tolerance_alone() -> None:
    before = result("HEAD", {"tfidf": summary(0.97)})
    assert judged(before, result("workspace", {"tfidf": summary(0.965)})).word == "within noise"
    assert judged(before, result("workspace", {"tfidf": summary(0.95)})).word == "worse"


def test_a_larger_error_of_a_series_is_worse() -> None:
    errors = np.random.default_rng(1).normal(0, 0.1, (3, 400))
    stages = {stage: {"outs": [{"path": path, "md5": "a" * 32}]} for stage, path in OUTS.items()}

    def forecast(scale: float) -> Result:
        metrics = {"rnn": summary(*(scale * errors**2).mean(axis=1), figure="mse")}
        return series(list(np.sqrt(scale) * errors), metrics=metrics, stages=stages)

    assert judged(forecast(1.0), forecast(2.0)).word == "worse"
    assert judged(forecast(2.0), forecast(1.0)).word == "better"
    assert judged(forecast(1.0), forecast(1.005)).word == "within noise"


def test_results_of_different_tasks_are_refused() -> None:
    errors = np.random.default_rng(1).normal(0, 0.1, (3, 40))
    forecasts = series(list(errors), metrics={"rnn": summary(0.1, 0.2, 0.3, figure="mse")})
    with pytest.raises(UserError, match=r"classifies texts and .* predicts a series: their figures cannot"):
        drift.verdicts(result("HEAD", {"rnn": summary(0.9, 0.8, 0.7)}), forecasts, (40, 40), LIMITS)


def test_errors_of_any_size_can_be_read() -> None:
    tiny = [
        series([[error] * 40], name=name, metrics={"rnn": summary(error**2, figure="mse")})
        for name, error in (("HEAD", 0.001), ("workspace", 0.002))
    ]
    told = drift.summary(*tiny, drift.verdicts(*tiny, (40, 40), LIMITS), ({}, {}), {})
    assert "| 0.0000010" in told and "| 0.0000040" in told and "+0.0000030" in told


def test_an_error_is_tolerated_as_a_share() -> None:
    assert drift.word(Change("it", 1000.0, 1005.0), MEAN_SQUARED_ERROR, LIMITS) == "within noise"
    assert drift.word(Change("it", 0.90, 0.905), ACCURACY, LIMITS) == "within noise"


@pytest.mark.parametrize("accuracy", [0.75, 0.98])
@pytest.mark.parametrize("together", [True, False])
def test_a_fall_of_two_points_is_found_in_nine_of_ten_reruns(accuracy: float, together: bool) -> None:
    scores = drawn(accuracy, rows=1200)
    assert coverage.drifts(scores, 200, churn=0.005, fall=0.02, together=together) >= 0.9


@pytest.mark.parametrize("accuracy", [0.75, 0.98])
def test_reruns_that_only_turn_answers_hardly_ever_raise_an_alarm(accuracy: float) -> None:
    assert coverage.drifts(drawn(accuracy, rows=1200), 1000, churn=0.01, fall=0.0, together=False) <= 0.001


def test_new_and_gone_models_are_told() -> None:
    before, now = result("HEAD", {"rnn": summary(0.6, 0.7)}), result("workspace", {"lstm": summary(0.9, 0.9)})
    found = drift.verdicts(before, now, ROWS, LIMITS)
    assert [(each.change.model, each.word) for each in found] == [("lstm", "new"), ("rnn", "gone")]
    *_, new, gone = drift.summary(before, now, found, ({}, {}), {}).split("\n\n")[1].splitlines()
    assert new.replace(" ", "") == "|lstm|–|0.9000|–|–|–|–|new|"
    assert gone.replace(" ", "") == "|rnn|0.6500|–|–|–|–|–|gone|"


def test_the_summary_says_what_became_worse_and_what_changed() -> None:
    before = result("HEAD", {"rnn": summary(0.7, 0.7), "lstm": summary(0.98, 0.98)})
    now = result("workspace", {"rnn": summary(0.7, 0.7), "lstm": summary(0.5, 0.5)})
    now = now._replace(values={**now.values, "train": {"epochs": 1}})
    data = {"data": {"rows_kept": 10}}, {"data": {"rows_kept": 12, "rows_rejected": 1}}
    found = drift.verdicts(before, now, ROWS, LIMITS)
    curves = {"lstm": pd.Series([0.7, 0.65], index=[1, 2])}
    told = drift.summary(before, now, found, data, curves)
    assert told.startswith("# Worse than HEAD: lstm\n")
    assert "| lstm    |" in told
    assert "-0.4800" in told
    assert "- `train.epochs`: – → `1`" in told
    assert "- `data.rows_kept`: `10` → `12`" in told
    assert "- `data.rows_rejected`: – → `1`" in told
    assert "line [0.7, 0.65]" in told


def test_other_texts_are_a_change_of_the_data_where_all_counts_are_the_same() -> None:
    before, now = (result(name, {"tfidf": summary(0.9)}, name[0] * 32) for name in ("a", "b"))
    told = drift.summary(before, now, [], ({"data": {"rows": 10}}, {"data": {"rows": 10}}), {})
    assert "- `version.clean rows`: `aaaaaaaa` → `bbbbbbbb`" in told


def test_the_summary_of_no_change_is_short() -> None:
    before, now = (result(name, {"tfidf": summary(0.9)}) for name in ("HEAD", "workspace"))
    found = drift.verdicts(before, now, ROWS, LIMITS)
    told = drift.summary(before, now, found, ({}, {}), {})
    assert told.startswith("# No model is worse than in HEAD\n")
    assert "Parameters: unchanged." in told
    assert "Data: unchanged." in told


def test_many_changes_are_counted() -> None:
    before, now = (result(name, {"tfidf": summary(0.9)}) for name in ("HEAD", "workspace"))
    data = {}, {str(number): number for number in range(drift.SHOWN + 5)}
    assert "- and 5 more" in drift.summary(before, now, [], data, {})
