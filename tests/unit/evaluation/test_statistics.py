import math

import numpy as np
import numpy.typing as npt
import pytest

from rnnlab.evaluation import statistics
from rnnlab.evaluation.statistics import Interval
from rnnlab.project.errors import UserError
from rnnlab.project.tasks import MEAN_SQUARED_ERROR

Scores = npt.NDArray[np.float64]


def drawn_scores(
    generator: np.random.Generator, seeds: int, rows: int, *, row_spread: float, seed_spread: float
) -> Scores:
    """Right or wrong at a true accuracy of 0.7, rows and seeds each easier or harder by a uniform effect."""
    easier_row = generator.uniform(-row_spread, row_spread, (1, rows))
    better_seed = generator.uniform(-seed_spread, seed_spread, (seeds, 1))
    return (generator.random((seeds, rows)) < 0.7 + easier_row + better_seed).astype(np.float64)


def coverage(*, seeds: int, over_seeds: bool, row_spread: float, seed_spread: float) -> float:
    generator = np.random.default_rng(1)
    repetitions = 200
    held = 0
    for repetition in range(repetitions):
        scores = drawn_scores(generator, seeds, 80, row_spread=row_spread, seed_spread=seed_spread)
        found = statistics.interval(scores, over_seeds=over_seeds, resamples=100, seed=repetition)
        held += found.low <= 0.7 <= found.high
    return held / repetitions


def width(interval: Interval) -> float:
    return interval.high - interval.low


def outcomes(both: int, only_first: int, only_second: int, neither: int) -> list[npt.NDArray[np.bool_]]:
    counts = [both, only_first, only_second, neither]
    return [np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)]


def test_an_interval_over_rows_covers_the_truth_as_often_as_it_says() -> None:
    assert 0.90 <= coverage(seeds=1, over_seeds=False, row_spread=0.2, seed_spread=0.0) <= 0.99


def test_an_interval_over_seeds_covers_the_truth_as_often_as_it_says() -> None:
    assert 0.90 <= coverage(seeds=10, over_seeds=True, row_spread=0.1, seed_spread=0.15) <= 0.99


def test_rows_alone_promise_too_much_when_seeds_differ() -> None:
    assert coverage(seeds=10, over_seeds=False, row_spread=0.1, seed_spread=0.15) < 0.85


def test_an_interval_over_seeds_is_wider_when_seeds_differ() -> None:
    scores = drawn_scores(np.random.default_rng(2), 8, 400, row_spread=0.1, seed_spread=0.15)
    rows_only = statistics.interval(scores, over_seeds=False, resamples=500, seed=1)
    both = statistics.interval(scores, over_seeds=True, resamples=500, seed=1)
    assert rows_only.mean == pytest.approx(both.mean) == pytest.approx(scores.mean())
    assert width(both) > 2 * width(rows_only)


@pytest.mark.parametrize(("level", "deviations"), [(0.95, 1.959964), (0.80, 1.281552)])
def test_many_rows_agree_with_the_normal_approximation(level: float, deviations: float) -> None:
    scores = (np.random.default_rng(3).random((1, 5000)) < 0.8).astype(np.float64)
    found = statistics.interval(scores, over_seeds=False, resamples=2000, seed=1, level=level)
    half = deviations * math.sqrt(found.mean * (1 - found.mean) / 5000)
    assert found.mean == pytest.approx(scores.mean())
    assert found.low == pytest.approx(found.mean - half, abs=0.1 * half)
    assert found.high == pytest.approx(found.mean + half, abs=0.1 * half)


def test_an_interval_over_seeds_has_the_spread_of_the_seeds_when_rows_are_alike() -> None:
    accuracies = np.random.default_rng(4).normal(0.8, 0.02, 200)
    scores = np.repeat(accuracies[:, None], 3, axis=1)
    found = statistics.interval(scores, over_seeds=True, resamples=2000, seed=1)
    assert width(found) == pytest.approx(2 * 1.959964 * accuracies.std() / math.sqrt(200), rel=0.1)


def test_rows_are_drawn_for_all_seeds_together() -> None:
    # The seeds agree on every row, so more of them make nothing more certain.
    row = (np.random.default_rng(5).random((1, 500)) < 0.8).astype(np.float64)
    one, many = (
        statistics.interval(np.repeat(row, seeds, axis=0), over_seeds=over_seeds, resamples=1000, seed=1)
        for seeds, over_seeds in [(1, False), (10, True)]
    )
    assert width(many) == pytest.approx(width(one), rel=0.15)


def test_pairing_by_row_is_narrower_when_models_err_on_the_same_rows() -> None:
    generator = np.random.default_rng(6)
    first = (generator.random((1, 2000)) < 0.8).astype(np.float64)
    second = np.where(generator.random(first.shape) < 0.1, 0.0, first)
    unpaired = generator.permutation(second, axis=1)
    found, loose = (
        statistics.paired_difference(first, other, over_seeds=False, resamples=500, seed=1)
        for other in (second, unpaired)
    )
    assert found.mean == pytest.approx(loose.mean)
    assert width(found) < 0.7 * width(loose)


def test_pairing_by_seed_is_narrower_when_seeds_shift_both_models() -> None:
    generator = np.random.default_rng(7)
    first = generator.normal(0.8, 0.1, (10, 1)) + generator.normal(0, 0.01, (10, 50))
    second = first - 0.05
    found, loose = (
        statistics.paired_difference(first, other, over_seeds=True, resamples=300, seed=1)
        for other in (second, second[::-1])
    )
    assert found == pytest.approx((0.05, 0.05, 0.05))
    assert width(loose) > 0.01


def test_a_model_does_not_differ_from_itself() -> None:
    scores = drawn_scores(np.random.default_rng(8), 4, 30, row_spread=0.1, seed_spread=0.1)
    assert statistics.paired_difference(scores, scores, over_seeds=True, resamples=50, seed=1) == (0.0, 0.0, 0.0)


def test_the_other_way_round_turns_the_sign() -> None:
    generator = np.random.default_rng(9)
    first, second = (drawn_scores(generator, 4, 50, row_spread=0.1, seed_spread=0.1) for _ in range(2))
    there = statistics.paired_difference(first, second, over_seeds=True, resamples=200, seed=1)
    back = statistics.paired_difference(second, first, over_seeds=True, resamples=200, seed=1)
    assert back == pytest.approx((-there.mean, -there.high, -there.low))


def test_the_seed_decides_the_interval() -> None:
    scores = drawn_scores(np.random.default_rng(10), 3, 200, row_spread=0.1, seed_spread=0.1)
    again, same, other = (statistics.interval(scores, over_seeds=True, resamples=100, seed=seed) for seed in (1, 1, 2))
    assert again == same
    assert (again.low, again.high) != (other.low, other.high)
    assert again.mean == other.mean


@pytest.mark.parametrize("over_seeds", [True, False])
def test_a_model_without_seeds_is_paired_with_each_seed(over_seeds: bool) -> None:
    generator = np.random.default_rng(11)
    network = drawn_scores(generator, 3, 60, row_spread=0.1, seed_spread=0.1)
    baseline = drawn_scores(generator, 1, 60, row_spread=0.1, seed_spread=0.0)
    found = statistics.paired_difference(network, baseline, over_seeds=over_seeds, resamples=100, seed=1)
    repeated = np.repeat(baseline, 3, axis=0)
    assert found == statistics.paired_difference(network, repeated, over_seeds=over_seeds, resamples=100, seed=1)
    assert statistics.seeds_won(baseline, network) == statistics.seeds_won(repeated, network)


def test_errors_in_single_precision_are_not_rounded_further() -> None:
    first, second = np.full((2, 3), 0.1, np.float32), np.full((1, 3), 1e-9, np.float32)
    found = statistics.paired_difference(first, second, over_seeds=True, resamples=10, seed=1)
    assert found.mean == pytest.approx(float(np.float32(0.1)) - 1e-9, abs=1e-15)


def test_an_interval_over_seeds_needs_two_seeds() -> None:
    one = np.ones((1, 5))
    with pytest.raises(UserError, match=r"at least two seeds in train\.seeds.*set intervals\.over to rows"):
        statistics.interval(one, over_seeds=True, resamples=10, seed=1)
    with pytest.raises(UserError, match="at least two seeds"):
        statistics.paired_difference(one, one, over_seeds=True, resamples=10, seed=1)


def test_seeds_that_cannot_be_paired_are_refused() -> None:
    first, second = np.ones((2, 5)), np.ones((3, 5))
    with pytest.raises(UserError, match=r"2 and 3 seeds.*train both with the same seeds"):
        statistics.paired_difference(first, second, over_seeds=False, resamples=10, seed=1)
    with pytest.raises(UserError, match="2 and 3 seeds"):
        statistics.seeds_won(first, second)


def test_rows_that_cannot_be_paired_are_refused() -> None:
    first, second = np.ones((2, 5)), np.ones((2, 1))
    with pytest.raises(UserError, match=r"5 and 1 rows.*the same test rows"):
        statistics.paired_difference(first, second, over_seeds=False, resamples=10, seed=1)
    with pytest.raises(UserError, match="5 and 1 rows"):
        statistics.seeds_won(first, second)
    with pytest.raises(UserError, match="5 and 1 rows"):
        statistics.mcnemar(first[0] == 1, second[0] == 1)


@pytest.mark.parametrize(("only_first", "only_second"), [(10, 25), (25, 10), (1, 9), (0, 6), (3, 4), (200, 260)])
def test_mcnemar_agrees_with_the_tails_of_a_fair_coin(only_first: int, only_second: int) -> None:
    discordant = only_first + only_second
    tail = sum(math.comb(discordant, k) for k in range(min(only_first, only_second) + 1)) / 2**discordant
    found = statistics.mcnemar(*outcomes(40, only_first, only_second, 7))
    assert (found.only_first, found.only_second) == (only_first, only_second)
    assert found.p_value == pytest.approx(min(1.0, 2 * tail))


def test_mcnemar_on_a_table_worked_by_hand() -> None:
    # One of ten: 2 × (1 + 10) / 1024.
    assert statistics.mcnemar(*outcomes(5, 1, 9, 5)).p_value == pytest.approx(22 / 1024)


def test_mcnemar_does_not_depend_on_the_order_of_models_or_rows() -> None:
    first, second = outcomes(30, 4, 13, 9)
    order = np.random.default_rng(12).permutation(len(first))
    found = statistics.mcnemar(first, second)
    assert statistics.mcnemar(first[order], second[order]) == found
    assert statistics.mcnemar(second, first) == (found.only_second, found.only_first, found.p_value)


@pytest.mark.parametrize("each", [0, 8])
def test_mcnemar_without_a_difference_is_1(each: int) -> None:
    assert statistics.mcnemar(*outcomes(3, each, each, 2)) == (each, each, 1.0)


def test_mcnemar_is_wrong_about_as_often_as_its_level_and_never_more() -> None:
    generator = np.random.default_rng(13)
    rejected = sum(statistics.mcnemar(*(generator.random((2, 200)) < 0.7)).p_value < 0.05 for _ in range(300))
    assert 0.01 <= rejected / 300 <= 0.07


def test_a_tie_is_not_won() -> None:
    first = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    second = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert statistics.seeds_won(first, second) == (1, 3)
    assert statistics.seeds_won(second, first) == (1, 3)


def test_the_lower_error_wins() -> None:
    first, second = np.array([[0.1, 0.2], [0.4, 0.4]]), np.array([[0.3, 0.3]])
    assert statistics.seeds_won(first, second) == (1, 2)
    assert statistics.seeds_won(first, second, lower_is_better=True) == (1, 2)
    assert statistics.seeds_won(first[:1], second, lower_is_better=True) == (1, 1)
    assert statistics.seeds_won(first[:1], second) == (0, 1)


@pytest.mark.parametrize(
    ("difference", "won", "expected"),
    [
        (
            Interval(0.019, 0.014, 0.025),
            (10, 10),
            "lstm beats rnn by 1.9 points (95 % interval 1.4 to 2.5); it won with every seed",
        ),
        (
            Interval(-0.019, -0.025, -0.014),
            (1, 10),
            "rnn beats lstm by 1.9 points (95 % interval 1.4 to 2.5); lstm won with one seed of ten",
        ),
        (
            Interval(0.003, -0.004, 0.011),
            (13, 20),
            "no clear difference between lstm and rnn: 0.3 points (95 % interval -0.4 to 1.1)",
        ),
        (
            Interval(-0.0001, -0.0004, 0.0),
            (0, 12),
            "no clear difference between lstm and rnn: 0.0 points (95 % interval 0.0 to 0.0)",
        ),
        (
            Interval(0.019, 0.014, 0.025),
            (13, 20),
            "lstm beats rnn by 1.9 points (95 % interval 1.4 to 2.5); it won with 13 seeds of 20",
        ),
        (
            Interval(-0.019, -0.025, -0.014),
            (0, 12),
            "rnn beats lstm by 1.9 points (95 % interval 1.4 to 2.5); lstm won with no seed",
        ),
        (Interval(0.02, 0.01, 0.03), (1, 1), "lstm beats rnn by 2.0 points (95 % interval 1.0 to 3.0)"),
        (Interval(0.02, 0.01, 0.03), None, "lstm beats rnn by 2.0 points (95 % interval 1.0 to 3.0)"),
    ],
)
def test_sentences_on_accuracy(difference: Interval, won: tuple[int, int] | None, expected: str) -> None:
    assert statistics.sentence("lstm", "rnn", difference, won) == expected


@pytest.mark.parametrize(
    ("difference", "won", "expected"),
    [
        (
            Interval(-0.0021, -0.0030, -0.0012),
            (3, 3),
            "lstm's mean squared error is 0.0021 lower than rnn's (95 % interval 0.0012 to 0.0030); "
            "it won with every seed",
        ),
        (
            Interval(0.0021, 0.0012, 0.0030),
            None,
            "rnn's mean squared error is 0.0021 lower than lstm's (95 % interval 0.0012 to 0.0030)",
        ),
        (
            Interval(0.0003, -0.0012, 0.0030),
            (2, 3),
            "no clear difference in mean squared error between lstm and rnn: 0.0003 (95 % interval -0.0012 to 0.0030)",
        ),
    ],
)
def test_sentences_on_squared_error(difference: Interval, won: tuple[int, int] | None, expected: str) -> None:
    assert statistics.sentence("lstm", "rnn", difference, won, measure=MEAN_SQUARED_ERROR) == expected


def test_a_sentence_names_its_level() -> None:
    found = statistics.sentence("lstm", "rnn", Interval(0.02, 0.01, 0.03), None, level=0.9)
    assert found == "lstm beats rnn by 2.0 points (90 % interval 1.0 to 3.0)"


def test_a_sentence_agrees_with_the_scores_it_came_from() -> None:
    generator = np.random.default_rng(14)
    worse, better = (generator.normal(mean, 0.01, (3, 200)) for mean in (0.5, 0.4))
    difference = statistics.paired_difference(worse, better, over_seeds=True, resamples=100, seed=1)
    won = statistics.seeds_won(worse, better, lower_is_better=True)
    found = statistics.sentence("a", "b", difference, won, measure=MEAN_SQUARED_ERROR)
    assert found.startswith("b's mean squared error is 0.1")
    assert found.endswith("; a won with no seed")
