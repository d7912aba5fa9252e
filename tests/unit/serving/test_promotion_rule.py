import pandas as pd
import pytest

from rnnlab.project.params import Promote
from rnnlab.serving import promotion_rule
from rnnlab.serving.promotion_rule import Evidence, Rule
from tests.support.builders import LIMITS


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
    assert rules["latency"].sentence == "one answer takes 4.0 ms, at most 10 ms are allowed"
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
    assert found.accuracy == 0.75
    assert found.calibration_error == pytest.approx(0.0)


def test_a_probability_on_the_threshold_is_positive() -> None:
    rows = pd.DataFrame({"id": ["a", "b"], "label": [1, 0], "probability": [0.5, 0.5]})
    assert Evidence(rows, 1.0).accuracy == 0.5


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
