import pytest

from rnnlab.experiments import gains
from rnnlab.experiments.gains import Compared, Gain
from rnnlab.project.results import Result
from rnnlab.project.tasks import ACCURACY, MEAN_SQUARED_ERROR
from tests.support.builders import named, predictions, result, series


def gain(first: Result, second: Result) -> Gain:
    pairs = gains.pair_results(first, second, "rnn")
    assert pairs is not None
    [found] = gains.judge([Compared(pairs, ("new", "old"), first)])
    return found


def mean(found: Gain) -> float:
    return found.verdict.pair.difference.mean


def test_rows_are_scored_by_id_and_seed() -> None:
    scores = gains.row_scores(result({"1": "oxo", "2": "xxo"}), "rnn")
    assert scores.loc["r0"].tolist() == [1.0, 0.0]
    assert scores.loc["r1"].tolist() == [0.0, 0.0]
    assert scores[2].tolist() == [0.0, 0.0, 1.0]


def test_values_of_a_series_are_scored_by_squared_error() -> None:
    predicted = series([[0.0, 2.0], [1.0, -3.0]])
    assert gains.row_scores(predicted, "rnn").to_numpy().tolist() == [[0.0, 1.0], [4.0, 9.0]]


def test_a_gain_is_the_difference_over_the_same_rows() -> None:
    first = result({"1": "oooo", "2": "ooxo"})
    second = result({"1": "oxxo", "2": "oxxo"})
    found = gain(first, second)
    assert mean(found) == pytest.approx((0.5 + 0.25) / 2)
    assert (found.rows, found.of, found.verdict.pair.measure) == (4, 4, ACCURACY)


def test_rows_are_joined_whatever_their_order_and_only_shared_ones_count() -> None:
    first = result({"1": ".ooo", "2": ".oxo"})
    turned = predictions({"1": "oxx.", "2": "oxx."}).iloc[::-1]
    found = gain(first, result(predictions=turned))
    assert (found.rows, found.of) == (2, 4)
    assert mean(found) == pytest.approx((1.0 + 0.5) / 2)


def test_seeds_are_paired_by_number() -> None:
    first = result({"1": "xx", "2": "oo", "3": "oo"})
    second = result(predictions=predictions({"2": "xx", "3": "ox", "4": "oo"}, seed=2))
    found = gain(first, second)
    assert found.seeds == "over the 2 seeds that both have"
    assert mean(found) == pytest.approx((1.0 + 0.5) / 2)


def test_seeds_that_share_no_number_are_paired_in_their_order() -> None:
    first = result({"1": "oo", "2": "oo", "3": "xx"})
    second = result(predictions=predictions({"7": "xx", "8": "ox"}, seed=7))
    found = gain(first, second)
    assert found.seeds == "over the first 2 seeds of each"
    assert mean(found) == pytest.approx((1.0 + 0.5) / 2)


def test_a_single_seed_gives_an_interval_over_rows() -> None:
    found = gain(result({"1": "oooo"}), result({"1": "oxox"}))
    assert mean(found) == 0.5
    assert found.verdict.pair.components.seeds == 1


def test_a_smaller_error_is_a_gain() -> None:
    found = gain(series([[1.0] * 9] * 2), series([[2.0] * 9] * 2))
    assert (mean(found), found.rows, found.of, found.verdict.pair.measure) == (-3.0, 9, 9, MEAN_SQUARED_ERROR)
    assert found.clear
    assert found.sentence == "new's mean squared error is 3.000 lower than old's (95 % interval 3.000 to 3.000)"
    fewer = found._replace(rows=2)
    assert fewer.sentence == f"{found.sentence}; over the 2 test rows that both have"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (result(), result({"1": "ox"})),
        (result({"1": "ox"}), result()),
        (result({"1": "ox.."}), result({"1": "..ox"})),
        (result({"1": "ox"}), series([[1.0, 2.0]])),
        (result({"1": "ox"}), result(predictions=predictions({"1": "ox"}, "lstm"))),
    ],
    ids=["ours lost", "theirs lost", "no shared row", "another task", "another model"],
)
def test_what_cannot_be_compared_has_no_gain(first: Result, second: Result) -> None:
    assert gains.pair_results(first, second, "rnn") is None


def test_an_experiment_is_compared_with_what_it_extends() -> None:
    family = [named("root"), named("child", "root"), named("absent", "root"), named("alone")]
    outcomes = {
        name: result({"1": hits * 4}) for name, hits in (("root", "oxxx"), ("child", "oooo"), ("alone", "oooo"))
    }
    every = gains.all_gains(family, outcomes)
    assert {key: mean(found) for key, found in every.items()} == {("child", "rnn"): 0.75}
    assert every["child", "rnn"].sentence.startswith("child beats root by 75.0 points")


def test_the_one_model_of_each_is_compared_whatever_their_names() -> None:
    family = [named("root"), named("child", "root")]
    child = result({"1": "oooo" * 4}, values={"compare": ["lstm"]})
    assert child.predictions is not None
    child = child._replace(predictions=child.predictions.replace({"model": {"rnn": "lstm"}}))
    root = result({"1": "oxxx" * 4})
    assert {key: mean(found) for key, found in gains.all_gains(family, {"root": root, "child": child}).items()} == {
        ("child", "lstm"): 0.75
    }
    both = child._replace(values={**child.values, "compare": ["lstm", "gru"]})
    assert not gains.all_gains(family, {"root": root, "child": both})


def test_the_gains_of_a_report_are_judged_together() -> None:
    family = [named("root"), *(named(name, "root") for name in "abcd")]
    outcomes = {"root": result({"1": "oxxx"}), **{name: result({"1": "ooxx"}) for name in "abcd"}}
    assert {found.verdict.family for found in gains.all_gains(family, outcomes).values()} == {4}
