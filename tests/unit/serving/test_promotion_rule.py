import numpy as np
import pandas as pd
import pytest

from rnnlab.project.sections.results import Promote
from rnnlab.project.tasks import TASKS
from rnnlab.serving import promotion_rule
from rnnlab.serving.promotion_rule import Evidence, Rule
from tests.support.builders import LIMITS
from tests.support.logged import forecasts


def predictions(hits: str, *, sure: float = 0.9) -> pd.DataFrame:
    """One row per letter: o for a row that is right, x for one that is wrong; labels alternate."""
    rows = pd.DataFrame({"id": [f"r{row}" for row in range(len(hits))]})
    label = (rows.index % 2).astype("int8")
    positive = [(letter == "o") == (one == 1) for letter, one in zip(hits, label, strict=True)]
    probability = pd.Series(positive).map({True: sure, False: 1 - sure}).astype("float32")
    return rows.assign(label=label, probability=probability)


def judged(candidate: Evidence, champion: pd.DataFrame | None = None, limits: Promote = LIMITS) -> dict[str, Rule]:
    rivals = {} if champion is None else {"champion": champion}
    return {rule.name: rule for rule in promotion_rule.judge(candidate, rivals, limits)}


def test_a_model_within_all_limits_passes_and_every_sentence_states_figure_and_limit() -> None:
    rules = judged(Evidence(predictions("o" * 9 + "x"), 4.0))
    assert all(rule.passed for rule in rules.values())
    assert rules["accuracy"].sentence == "9 of 10 test rows are right, accuracy 0.9000; at least 0.8 is required"
    assert rules["latency"].sentence == "one text takes 4.0 ms, at most 10 ms are allowed"
    assert "at most 0.2 is allowed" in rules["calibration"].sentence
    assert rules["champion"].sentence == "there is no champion yet to compare it with"


def test_limits_themselves_are_within() -> None:
    rules = judged(Evidence(predictions("oooox"), 10.0))
    assert rules["accuracy"].passed
    assert rules["latency"].passed


@pytest.mark.parametrize(
    ("candidate", "failed"),
    [
        (Evidence(predictions("oooxo" + "oooxx"), 4.0), {"accuracy"}),
        (Evidence(predictions("o" * 10, sure=0.7), 4.0), {"calibration"}),
        (Evidence(predictions("o" * 9 + "x"), 10.1), {"latency"}),
        (Evidence(predictions("x" * 10), 99.0), {"accuracy", "calibration", "latency"}),
    ],
)
def test_each_limit_fails_alone_and_every_failure_is_listed(candidate: Evidence, failed: set[str]) -> None:
    rules = judged(candidate)
    assert list(rules) == ["accuracy", "calibration", "latency", "champion"]
    assert {name for name, rule in rules.items() if not rule.passed} == failed


def test_the_worst_slice_of_enough_rows_has_a_limit_of_its_own() -> None:
    rows = predictions("o" * 10 + "ooooooooxx" + "x").assign(slice_place=["here"] * 10 + ["there"] * 10 + ["nowhere"])
    limits = LIMITS.model_copy(update={"min_slice_accuracy": 0.8})
    rule = judged(Evidence(rows, 1.0), limits=limits)["slices"]
    assert rule.passed
    assert rule.sentence == "where place is there, 8 of 10 are right, accuracy 0.8000; at least 0.8 is required"
    stricter = limits.model_copy(update={"min_slice_accuracy": 0.81})
    assert not judged(Evidence(rows, 1.0), limits=stricter)["slices"].passed


def test_a_limit_on_slices_fails_where_there_are_none() -> None:
    limits = LIMITS.model_copy(update={"min_slice_accuracy": 0.5})
    rule = judged(Evidence(predictions("o" * 20), 1.0), limits=limits)["slices"]
    assert (rule.passed, rule.sentence) == (False, "no slice of 10 rows to test; name columns in evaluate.slices")


def test_of_three_labels_calibration_is_that_of_the_label_given() -> None:
    rows = pd.DataFrame({"id": list("abcd"), "label": [0, 1, 2, 2], "predicted": [0, 1, 2, 0]})
    found = Evidence(rows.assign(probability=pd.Series([0.75] * 4, dtype="float32")), 1.0)
    assert found.score == 0.75
    assert found.calibration_error == pytest.approx(0.0)


def test_a_probability_on_the_threshold_is_positive() -> None:
    rows = pd.DataFrame({"id": ["a", "b"], "label": [1, 0], "probability": [0.5, 0.5]})
    assert Evidence(rows, 1.0).score == 0.5


# Tango's score test of a loss of ten points in 40 rows; the likelihood maximised by a search gives the same.
@pytest.mark.parametrize(("lost", "passed", "p_value"), [(0, True, "0.018"), (1, False, "0.057"), (2, False, "0.15")])
def test_it_must_be_shown_to_lose_less_than_the_margin(lost: int, passed: bool, p_value: str) -> None:
    champion = predictions("o" * 40, sure=0.95)
    rule = judged(Evidence(predictions("x" * lost + "o" * (40 - lost)), 1.0), champion)["champion"]
    assert rule.passed == passed
    assert rule.sentence == (
        f"it alone labels 0 of 40 test rows right, the champion alone {lost}: a true loss of 10.0 points has"
        f" p = {p_value}, below 0.05 is required"
    )


def test_it_may_be_clearly_better_than_the_champion() -> None:
    champion = predictions("x" * 20 + "o" * 20)
    assert judged(Evidence(predictions("o" * 40), 1.0), champion)["champion"].passed


def test_the_same_answers_pass_however_few_the_rows() -> None:
    rows = predictions("o" * 5)
    rule = judged(Evidence(rows, 1.0), rows)["champion"]
    assert rule.passed
    assert rule.sentence == "it says the same of every test row as the champion"


def test_margin_and_significance_are_parameters() -> None:
    champion, candidate = predictions("o" * 40, sure=0.95), Evidence(predictions("x" + "o" * 39), 1.0)
    assert judged(candidate, champion, LIMITS.model_copy(update={"significance": 0.1}))["champion"].passed
    assert judged(candidate, champion, LIMITS.model_copy(update={"margin": 0.2}))["champion"].passed


def test_it_is_judged_against_the_best_champion_so_far_as_well() -> None:
    rivals = {"champion": predictions("x" * 9 + "o" * 31), "best champion so far": predictions("o" * 40)}
    candidate = Evidence(predictions("x" * 9 + "o" * 31, sure=0.8), 1.0)
    rules = {rule.name: rule.passed for rule in promotion_rule.judge(candidate, rivals, LIMITS)}
    assert rules["champion"]
    assert not rules["best champion so far"]


def test_rows_are_joined_by_id() -> None:
    rows = predictions("x" * 10 + "o" * 30)
    shuffled = rows.sample(frac=1, random_state=1)
    rule = judged(Evidence(shuffled, 1.0), rows)["champion"]
    assert rule.passed
    assert rule.sentence == "it says the same of every test row as the champion"


@pytest.mark.parametrize(
    "champion",
    [
        predictions("o" * 9),
        predictions("o" * 11),
        predictions("o" * 10).assign(id=[f"s{row}" for row in range(10)]),
        predictions("o" * 10).assign(label=0),
    ],
    ids=["fewer rows", "more rows", "other rows", "other labels"],
)
def test_other_test_rows_cannot_be_compared(champion: pd.DataFrame) -> None:
    rule = judged(Evidence(predictions("o" * 10), 1.0), champion)["champion"]
    assert not rule.passed
    assert "scored on different test rows (10 and" in rule.sentence
    assert "--force" in rule.sentence


def test_a_champion_without_predictions_cannot_be_compared() -> None:
    rows = predictions("o" * 10)
    rule = judged(Evidence(rows, 1.0), rows.iloc[:0])["champion"]
    assert not rule.passed
    assert "has no test predictions" in rule.sentence


def of_series(rows: pd.DataFrame, mase: float | None = 0.9, **changes: object) -> Evidence:
    logged = {} if mase is None else {"test_mase": mase, "test_coverage": 0.91, "test_r2": 0.5}
    return Evidence(rows, 4.0, TASKS["series"], logged)._replace(**changes)  # type: ignore[arg-type]


def noisy(error: float, steps: int = 200, seed: int = 1) -> pd.DataFrame:
    rows = forecasts(0.0, steps)
    return rows.assign(predicted=rows["target"] + np.random.default_rng(seed).normal(0, error, steps))


@pytest.mark.parametrize(("mase", "passed"), [(0.9, True), (1.0, True), (1.001, False)])
def test_a_forecaster_must_be_better_than_the_naive_forecast(mase: float, passed: bool) -> None:
    rules = judged(of_series(noisy(1.0), mase))
    assert list(rules) == ["mase", "latency", "champion"]
    assert rules["mase"].passed == passed
    naive = "times the error of the naive forecast on training rows; at most 1 is allowed"
    assert rules["mase"].sentence == f"its mean absolute error is {mase:.4f} {naive}"
    assert rules["latency"].sentence == "one forecast takes 4.0 ms, at most 10 ms are allowed"


def test_a_forecaster_without_a_mase_is_refused() -> None:
    assert "has no MASE" in judged(of_series(noisy(1.0), None))["mase"].sentence


def test_the_figures_of_a_forecaster_are_kept_with_its_version() -> None:
    assert of_series(forecasts(0.5)).figures == pytest.approx(
        {"test_mse": 0.25, "test_mase": 0.9, "test_coverage": 0.91}
    )


@pytest.mark.parametrize(("error", "passed"), [(0.5, True), (1.0, False), (1.2, False)])
def test_a_forecaster_may_lose_a_share_of_the_champions_error_at_most(error: float, passed: bool) -> None:
    champion = noisy(1.0, seed=2)
    rule = judged(of_series(noisy(error)), champion)["champion"]
    assert rule.passed == passed
    assert rule.sentence.startswith("on 200 test rows its mean squared error is ")
    margin = ((champion["predicted"] - champion["target"]) ** 2).mean() / 10
    assert f": a true loss of {margin:.4f} has p = " in rule.sentence
    assert rule.sentence.endswith(", below 0.05 is required")


def test_forecasters_are_compared_on_the_windows_that_both_were_tested_on() -> None:
    ours, theirs = noisy(0.5), noisy(1.0, seed=2)
    rule = judged(of_series(ours.iloc[50:]), theirs.iloc[:150])["champion"]
    assert rule.passed
    assert rule.sentence.startswith("on 100 test rows ")
    changed = theirs.assign(target=theirs["target"].where(theirs.index < 60, 9.0))
    assert judged(of_series(ours.iloc[50:]), changed)["champion"].sentence.startswith("on 10 test rows ")
    changed = theirs.assign(target=theirs["target"].where(theirs.index < 59, 9.0))
    assert "(150 and 200, 9 of them the same)" in judged(of_series(ours.iloc[50:]), changed)["champion"].sentence


def test_forecasters_of_other_steps_cannot_be_compared() -> None:
    ours = noisy(0.5)
    rule = judged(of_series(pd.concat([ours, ours.assign(step=2)])), noisy(1.0))["champion"]
    assert not rule.passed
    assert "(400 and 200, 0 of them the same)" in rule.sentence


def test_the_same_forecasts_pass_however_few_the_rows() -> None:
    rows = noisy(1.0, steps=12)
    assert judged(of_series(rows), rows)["champion"].sentence == "it says the same of every test row as the champion"


@pytest.mark.parametrize(
    ("error", "word", "claim"),
    [
        (0.5, "passed", "the candidate's mean squared error is "),
        (1.0, "not met", "not shown that the mean squared errors of the candidate and linear differ"),
        (2.0, "not met", "linear's mean squared error is "),
    ],
)
def test_it_is_told_whether_the_best_baseline_is_beaten(error: float, word: str, claim: str) -> None:
    rule = judged(of_series(noisy(error), baseline=("linear", noisy(1.0, seed=2))))["baseline"]
    assert (rule.word, rule.required) == (word, False)
    assert rule.sentence.startswith(f"the best baseline is linear: {claim}")


def test_a_network_of_texts_is_held_against_its_best_baseline_too() -> None:
    found = Evidence(predictions("o" * 60), 1.0, baseline=("nbsvm", predictions("x" * 30 + "o" * 30)))
    assert judged(found)["baseline"].sentence.startswith(
        "the best baseline is nbsvm: the candidate beats nbsvm by 50.0"
    )
