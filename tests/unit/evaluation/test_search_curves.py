"""What a search of some trials finds: against brute force, and how often its intervals hold the truth."""

from itertools import combinations

import numpy as np
import pytest

from rnnlab.evaluation import search_curves
from rnnlab.project.tasks import ACCURACY, MEAN_SQUARED_ERROR

SCORES = np.array([0.3, 0.9, 0.5, 0.5, 0.7, 0.1])


@pytest.mark.parametrize("trials", [1, 2, 4, 6])
def test_the_expected_best_is_the_mean_over_all_subsets(trials: int) -> None:
    subsets = [max(subset) for subset in combinations(SCORES, trials)]
    assert search_curves.expected_best(SCORES, trials) == pytest.approx(np.mean(subsets))


def test_many_searches_are_reckoned_at_once() -> None:
    both = np.stack([SCORES, SCORES[::-1] + 1])
    assert search_curves.expected_best(both, 3).shape == (2,)
    assert search_curves.expected_best(both, 3)[1] == pytest.approx(search_curves.expected_best(SCORES, 3) + 1)


def test_lengths_are_those_that_the_trials_can_tell() -> None:
    assert search_curves.curves(ACCURACY, {"a": SCORES, "b": SCORES}).lengths == [1]
    many = np.linspace(0, 1, 80)
    assert search_curves.curves(ACCURACY, {"a": many, "b": many}).lengths == [1, 2, 5, 10, 20]


def test_an_error_is_best_where_it_is_lowest() -> None:
    errors = np.linspace(0.1, 1.0, 40)
    found = search_curves.curves(MEAN_SQUARED_ERROR, {"a": errors, "b": errors / 2})
    means = [interval.mean for interval in found.best["a"]]
    assert means == sorted(means, reverse=True) and means[0] == pytest.approx(errors.mean())
    gap = found.gaps["b", "a"][0]
    assert gap.low <= gap.mean <= gap.high and gap.mean == pytest.approx(errors.mean() / 2)  # b is better


def test_what_is_left_of_a_gap_is_told() -> None:
    draw = np.random.default_rng(1)
    first, second = draw.normal(0.9, 0.01, 40), np.where(draw.random(40) < 0.3, 0.9, 0.5)
    found = search_curves.curves(ACCURACY, {"rnn": second, "lstm": first})
    [sentence] = search_curves.sentences(ACCURACY, found)
    assert sentence.startswith("On validation rows, with the options of a single trial lstm is ")
    assert " points (" in sentence and ") ahead of rnn, with the best of 10 " in sentence
    rows = search_curves.rows(ACCURACY, found)
    assert [row["trials"] for row in rows] == ["1", "2", "5", "10"]
    assert list(rows[0]) == ["trials", "rnn", "lstm", "lstm before rnn"]
    [equal] = search_curves.sentences(ACCURACY, search_curves.curves(ACCURACY, {"rnn": first, "lstm": first}))
    assert "0.0 points (0.0 to 0.0)" in equal
