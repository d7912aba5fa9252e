import pytest

from rnnlab.evaluation.statistics import Interval
from rnnlab.experiments import gains
from rnnlab.experiments.gains import Gain
from rnnlab.project.results import Result
from rnnlab.project.tasks import ACCURACY, MEAN_SQUARED_ERROR, TASKS
from tests.support.builders import named, predictions, result, series


def test_rows_are_scored_by_id_and_seed() -> None:
    scores = gains.row_scores(predictions({"1": "oxo", "2": "xxo"}), "rnn", TASKS["text"])
    assert scores.loc["r0"].tolist() == [1.0, 0.0]
    assert scores.loc["r1"].tolist() == [0.0, 0.0]
    assert scores[2].tolist() == [0.0, 0.0, 1.0]


def test_values_of_a_series_are_scored_by_squared_error() -> None:
    predicted = series([[0.0, 2.0], [1.0, -3.0]]).predictions
    assert predicted is not None
    assert gains.row_scores(predicted, "rnn", TASKS["series"]).to_numpy().tolist() == [[0.0, 1.0], [4.0, 9.0]]


def test_a_gain_is_the_difference_over_the_same_rows() -> None:
    first = result({"1": "oooo", "2": "ooxo"})
    second = result({"1": "oxxo", "2": "oxxo"})
    found = gains.gain(first, second, "rnn")
    assert found is not None
    assert found.difference.mean == pytest.approx((0.5 + 0.25) / 2)
    assert found.difference.low <= found.difference.mean <= found.difference.high
    assert (found.won, found.rows, found.of, found.measure) == ((2, 2), 4, 4, ACCURACY)


def test_rows_are_joined_whatever_their_order_and_only_shared_ones_count() -> None:
    first = result({"1": ".ooo", "2": ".oxo"})
    turned = predictions({"1": "oxx.", "2": "oxx."}).iloc[::-1]
    found = gains.gain(first, result(predictions=turned), "rnn")
    assert found is not None
    assert (found.rows, found.of) == (2, 4)
    assert found.difference.mean == pytest.approx((1.0 + 0.5) / 2)


def test_seeds_are_paired_by_number() -> None:
    first = result({"1": "xx", "2": "oo", "3": "oo"})
    second = result(predictions=predictions({"2": "xx", "3": "ox", "4": "oo"}, seed=2))
    found = gains.gain(first, second, "rnn")
    assert found is not None
    assert (found.won, found.seeds) == ((2, 2), "over the 2 seeds that both have")
    assert found.difference.mean == pytest.approx((1.0 + 0.5) / 2)


def test_seeds_that_share_no_number_are_paired_in_their_order() -> None:
    first = result({"1": "oo", "2": "oo", "3": "xx"})
    second = result(predictions=predictions({"7": "xx", "8": "ox"}, seed=7))
    found = gains.gain(first, second, "rnn")
    assert found is not None
    assert (found.won, found.seeds) == ((2, 2), "over the first 2 seeds of each")
    assert found.difference.mean == pytest.approx((1.0 + 0.5) / 2)


def test_a_single_seed_gives_an_interval_over_rows() -> None:
    found = gains.gain(result({"1": "oooo"}), result({"1": "oxox"}), "rnn")
    assert found is not None
    assert found.difference.mean == 0.5
    assert found.won == (1, 1)


def test_a_smaller_error_is_a_gain() -> None:
    found = gains.gain(series([[1.0] * 9] * 2), series([[2.0] * 9] * 2), "rnn")
    assert found == Gain(Interval(-3.0, -3.0, -3.0), (2, 2), MEAN_SQUARED_ERROR, 9, 9)
    assert found.clear


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
    assert gains.gain(first, second, "rnn") is None


def test_an_experiment_is_compared_with_what_it_extends() -> None:
    family = [named("root"), named("child", "root"), named("absent", "root"), named("alone")]
    outcomes = {"root": result({"1": "oxxx"}), "child": result({"1": "oooo"}), "alone": result({"1": "oooo"})}
    every = gains.all_gains(family, outcomes)
    assert {key: found.difference.mean for key, found in every.items()} == {("child", "rnn"): 0.75}


def test_intervals_of_older_results_have_the_one_seed_of_all_draws() -> None:
    assert gains.bootstrap_seed({"seed": 42, "intervals": {"resamples": 9}}) == 42
    assert gains.bootstrap_seed({"intervals": {"seed": 7}}) == 7
