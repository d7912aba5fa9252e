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


def test_lengths_are_those_of_shorter_searches() -> None:
    assert search_curves.curves(ACCURACY, {"a": SCORES, "b": SCORES}).lengths == [1, 2, 5]
    many = np.linspace(0, 1, 80)
    assert search_curves.curves(ACCURACY, {"a": many, "b": many[:20]}).lengths == [1, 2, 5, 10, 20]


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
    assert " points (" in sentence and ") ahead of rnn, with the best of 20 " in sentence
    rows = search_curves.rows(ACCURACY, found)
    assert [row["trials"] for row in rows] == ["1", "2", "5", "10", "20"]
    assert list(rows[0]) == ["trials", "rnn", "lstm", "lstm ahead of rnn"]
    [equal] = search_curves.sentences(ACCURACY, search_curves.curves(ACCURACY, {"rnn": first, "lstm": first}))
    assert "lstm is 0.0 points (" in equal or "rnn is 0.0 points (" in equal


def expected_of_a_population(population: np.ndarray, trials: int) -> float:
    """The mean best of trials drawn from all scores there are, with replacement."""
    below = np.arange(len(population) + 1) / len(population)
    return float(np.sort(population) @ np.diff(below**trials))


def test_intervals_hold_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a model is seldom as good as its rival: one trial in forty, which most searches of twenty miss."""
    monkeypatch.setattr(search_curves, "RESAMPLES", 400)
    draw = np.random.default_rng(2)
    rnn = np.append(draw.normal(0.75, 0.05, 39), 0.98)
    lstm = np.minimum(draw.normal(0.95, 0.05, 40), 0.98)
    lengths, held, repetitions = [1, 5, 20], {1: 0, 5: 0, 20: 0}, 150
    for _ in range(repetitions):
        trials = draw.integers(0, 40, 20)
        found = search_curves.curves(ACCURACY, {"rnn": rnn[trials], "lstm": lstm[trials]})
        for length, gap in zip(found.lengths, found.gaps["lstm", "rnn"], strict=True):
            if length in lengths:
                truth = expected_of_a_population(lstm, length) - expected_of_a_population(rnn, length)
                held[length] += gap.low <= truth <= gap.high
    assert min(held.values()) >= 0.93 * repetitions, held
