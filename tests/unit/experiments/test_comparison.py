import re
from collections.abc import Mapping
from typing import Any

import pytest

from rnnlab.experiments import comparison
from rnnlab.project.errors import UserError
from rnnlab.project.results import Result
from tests.support import builders
from tests.support.builders import predictions, series, summary

LOST = "the cache has lost them"


def result(name: str, hits: Mapping[str, str] | None = None, **changes: Any) -> Result:
    """A result of rnn with two seeds, and a baseline without predictions."""
    return builders.result(hits, name=name, lost=LOST, **changes)


def single(name: str, model: str, letters: str, seed: int = 1) -> Result:
    rows = predictions({"only": letters}, model, seed)
    return result(name, values={"compare": [model]}, metrics={model: summary(0.5)}, predictions=rows)


def cells(page: str, row: str) -> list[str]:
    """Words of a table's row, which begins with ``row``; two blanks or more part them."""
    [line] = [line for line in page.splitlines() if line.startswith(f"{row}  ")]
    return re.split(r"\s{2,}", line.strip())


def test_equal_parameters_are_one_sentence() -> None:
    assert "- The parameters are the same." in comparison.page([result("a"), result("b")])


def test_trainings_that_had_not_converged_are_told_of_each_result() -> None:
    found = {"rnn": {"seeds": 3, "reasons": {"2": "best epoch 3 of 3", "3": "best epoch 3 of 3"}}}
    page = comparison.page([result("a"), result("b", comparison={"convergence": found})])
    sentence = "1 of 2 seeds of rnn had not converged"  # seed 3 is not in this result
    assert f"- b: {sentence}: longer or other training may change this." in page
    assert "a: 1 of" not in page


def test_markdown_keeps_a_bar_inside_its_cell() -> None:
    others = [result(name, values={"data": {"delimiter": sign}}) for name, sign in (("a", "|"), ("b", "tab"))]
    page = comparison.page(others, "github")
    assert r'"\|"' in page
    assert re.search(r"^\| rnn +\|", page, re.MULTILINE)


def test_a_real_difference_has_an_interval() -> None:
    first, other = (result(name, {"1": hits * 8, "2": hits * 8}) for name, hits in (("a", "oxxx"), ("b", "ooox")))
    [sentence, _] = comparison.differences(first, [other])
    assert re.fullmatch(r"rnn: b beats a by 50\.0 points \(95 % interval \S+ to \S+\)", sentence)


def test_chance_is_not_shown_to_be_a_difference() -> None:
    first, other = result("a", {"1": "oxoxoxox"}), result("b", {"1": "xoxoxoxo"})
    [sentence, _] = comparison.differences(first, [other])
    assert sentence.startswith("rnn: not shown that b and a differ: 0.0 points")
    assert sentence.endswith(" points would not have been seen; another seed may differ")


def test_results_of_a_page_are_judged_together() -> None:
    first = result("a", {"1": "oxxxxxxxxxxxxxxx" * 3, "2": "oxxxxxxxxxxxxxxx" * 3})
    others = [result(name, {"1": "ooxxxxxxxxxxxxxx" * 3, "2": "oooxxxxxxxxxxxxx" * 3}) for name in "bcdefgh"]
    alone = comparison.differences(first, others[:1])[0]
    together = comparison.differences(first, others)[0]
    visible = [float(re.search(r"less than (\S+) points", sentence)[1]) for sentence in (alone, together)]
    assert visible[1] > visible[0]


def test_a_smaller_error_is_better() -> None:
    first, other = series([[2.0] * 9] * 2, name="a"), series([[1.0] * 9] * 2, name="b")
    page = comparison.page([first, other])
    assert "- rnn: b's mean squared error is 3.000 lower than a's (95 % interval 3.000 to 3.000)" in page
    assert cells(page, "test MSE of")[:3] == ["test MSE of", "a", "b"]


def test_models_whose_rows_all_score_the_same_share_a_sentence() -> None:
    first, other = result("a", {"1": "oxo", "2": "oxx"}), result("b", {"1": "oxo", "2": "oxx"})
    assert "rnn: every test row scores the same in b and a" in comparison.differences(first, [other])


def test_rows_are_joined_by_id_and_those_left_out_are_told() -> None:
    first, other = result("a", {"1": "oooo.."}), result("b", {"1": "..xxxx"})
    [sentence, _] = comparison.differences(first, [other])
    assert "a beats b by 100.0 points" in sentence
    assert "; over the 2 test rows that both have" in sentence


@pytest.mark.parametrize(
    ("hits", "seed", "remark"),
    [
        ({"1": "xxxx", "2": "oooo"}, 2, "over the seed that both have"),
        ({"1": "xxxx"}, 7, "over the first seed of each"),
    ],
    ids=["by seed", "by position"],
)
def test_seeds_that_only_one_has_are_left_out(hits: Mapping[str, str], seed: int, remark: str) -> None:
    first = result("a", {"1": "oooo", "2": "oooo"})
    other = result("b", predictions=predictions(hits, seed=seed))
    sentence = comparison.differences(first, [other])[0]
    assert sentence.startswith("rnn: a beats b by 100.0 points")
    assert f"; {remark}" in sentence


def test_two_models_of_one_seed_each_are_compared_whatever_they_are() -> None:
    first, other = single("rnn-1 (aaaa)", "rnn", "oxxx" * 8), single("lstm-1 (bbbb)", "lstm", "oooo" * 8)
    [sentence] = comparison.differences(first, [other])
    assert sentence.startswith("lstm-1 (bbbb) beats rnn-1 (aaaa) by 75.0 points (95 % interval")


@pytest.mark.parametrize(
    ("first", "other", "reason"),
    [
        (result("a"), result("b", {"1": "ox"}), LOST),
        (result("a", {"1": "ox"}), result("b"), LOST),
        (result("a", {"1": "ox.."}), result("b", {"1": "..ox"}), "different test rows"),
        (result("a", {"1": "ox"}), result("b", {"1": "ox"}, metrics={"lstm": summary(0.5, 0.6)}), "no model in common"),
    ],
    ids=["first lost", "other lost", "no shared row", "no shared model"],
)
def test_what_cannot_be_paired_says_why(first: Result, other: Result, reason: str) -> None:
    [sentence] = comparison.differences(first, [other])
    assert sentence.startswith("No paired test of b and a: ")
    assert reason in sentence


def test_rows_whose_truth_was_changed_are_not_paired() -> None:
    rows = predictions({"1": "oxo"})
    other = result("b", predictions=rows.assign(label=1))
    [sentence] = comparison.differences(result("a", predictions=rows), [other])
    assert sentence.endswith("2 of the 3 test rows that both have hold other labels")
    scaled = series([[1.0, 2.0]], name="a")
    assert scaled.predictions is not None
    moved = scaled._replace(name="b", predictions=scaled.predictions.assign(target=[0.0, 9.0]))
    [sentence] = comparison.differences(scaled, [moved])
    assert "1 of the 2 test rows that both have hold other values" in sentence


def test_a_model_without_predictions_is_named() -> None:
    first, other = (result(name, {"1": "oxo"}) for name in "ab")
    assert "tfidf: no paired test, b has no predictions of it" in comparison.differences(first, [other])


def test_texts_and_series_are_not_compared() -> None:
    with pytest.raises(UserError, match="a classifies texts and b predicts a series"):
        comparison.page([result("a"), series([[1.0]], name="b")])


def test_notes_of_all_results_are_shown() -> None:
    page = comparison.page([result("a", notes=["a is odd"]), result("b", notes=["b is old"])])
    assert page.endswith("- a is odd.\n- b is old.")
