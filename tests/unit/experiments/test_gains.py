import pytest

from rnnlab.evaluation.statistics import Interval
from rnnlab.experiments import gains
from rnnlab.experiments.gains import Gain
from rnnlab.experiments.outcomes import Outcome
from rnnlab.project.tasks import ACCURACY, MEAN_SQUARED_ERROR
from tests.support.builders import named, outcome, predictions, series


def test_rows_are_scored_by_id_and_seed() -> None:
    scores = gains.row_scores(predictions({"1": "oxo", "2": "xxo"}), "rnn")
    assert scores.loc["r0"].tolist() == [1.0, 0.0]
    assert scores.loc["r1"].tolist() == [0.0, 0.0]
    assert scores[2].tolist() == [0.0, 0.0, 1.0]


def test_values_of_a_series_are_scored_by_squared_error() -> None:
    predicted = series([[0.0, 2.0], [1.0, -3.0]]).predictions
    assert predicted is not None
    assert gains.row_scores(predicted, "rnn").to_numpy().tolist() == [[0.0, 1.0], [4.0, 9.0]]


def test_a_gain_is_the_difference_over_the_same_rows() -> None:
    first = outcome({"1": "oooo", "2": "ooxo"})
    second = outcome({"1": "oxxo", "2": "oxxo"})
    found = gains.gain(first, second, "rnn")
    assert found is not None
    assert found.difference.mean == pytest.approx((0.5 + 0.25) / 2)
    assert found.difference.low <= found.difference.mean <= found.difference.high
    assert (found.won, found.rows, found.of, found.measure) == ((2, 2), 4, 4, ACCURACY)


def test_rows_are_joined_whatever_their_order_and_only_shared_ones_count() -> None:
    first = outcome({"1": ".ooo", "2": ".oxo"})
    turned = predictions({"1": "oxx.", "2": "oxx."}).iloc[::-1]
    found = gains.gain(first, outcome(predictions=turned), "rnn")
    assert found is not None
    assert (found.rows, found.of) == (2, 4)
    assert found.difference.mean == pytest.approx((1.0 + 0.5) / 2)


def test_seeds_are_paired_by_position() -> None:
    first = outcome({"1": "oo", "2": "oo", "3": "xx"})
    second = outcome(predictions=predictions({"7": "xx", "8": "ox"}, seed=7))
    found = gains.gain(first, second, "rnn")
    assert found is not None
    assert found.won == (2, 2)
    assert found.difference.mean == pytest.approx((1.0 + 0.5) / 2)


def test_a_single_seed_gives_an_interval_over_rows() -> None:
    found = gains.gain(outcome({"1": "oooo"}), outcome({"1": "oxox"}), "rnn")
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
        (outcome(), outcome({"1": "ox"})),
        (outcome({"1": "ox"}), outcome()),
        (outcome({"1": "ox.."}), outcome({"1": "..ox"})),
        (outcome({"1": "ox"}), series([[1.0, 2.0]])),
        (outcome({"1": "ox"}), outcome({"1": "ox"}, values={"compare": ["lstm"]})),
    ],
    ids=["ours lost", "theirs lost", "no shared row", "another task", "another model"],
)
def test_what_cannot_be_compared_has_no_gain(first: Outcome, second: Outcome) -> None:
    assert gains.gain(first, second, "rnn") is None


def test_an_experiment_is_compared_with_what_it_extends() -> None:
    family = [named("root"), named("child", "root"), named("absent", "root"), named("alone")]
    outcomes = {"root": outcome({"1": "oxxx"}), "child": outcome({"1": "oooo"}), "alone": outcome({"1": "oooo"})}
    every = gains.all_gains(family, outcomes)
    assert {key: found.difference.mean for key, found in every.items()} == {("child", "rnn"): 0.75}
