"""Statistics are tested by simulation, with `benchmarks.coverage`: as in reports/coverage.md, but with fewer draws."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import norm, t

from benchmarks import coverage
from benchmarks.coverage import Population
from rnnlab.evaluation import statistics
from rnnlab.evaluation.statistics import Estimate, Interval
from rnnlab.project.errors import UserError

Scores = npt.NDArray[np.float64]


def crossed(generator: np.random.Generator, seeds: int, rows: int, *, seed: float, row: float) -> Scores:
    """Normal scores with a mean of 0, and spreads of seeds, of rows and, of 1, of what is left."""
    of_seeds, of_rows = generator.normal(0, seed, (seeds, 1)), generator.normal(0, row, (1, rows))
    return np.asarray(of_seeds + of_rows + generator.normal(size=(seeds, rows)))


def width(interval: Interval) -> float:
    return interval.high - interval.low


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize(("seed_sd", "rows"), [(0.0, 300), (0.008, 1200), (0.064, 300)])
def test_an_interval_covers_the_truth_as_often_as_it_says(seeds: int, seed_sd: float, rows: int) -> None:
    held, _ = coverage.cover(Population(0.75, seed_sd, seeds, rows), 500)["ours"]
    assert 0.92 <= held <= 0.98


@pytest.mark.parametrize("seed_sd", [0.0, 0.064])
def test_with_two_seeds_it_covers_less_often(seed_sd: float) -> None:
    held, _ = coverage.cover(Population(0.75, seed_sd, 2, 1200), 500)["ours"]
    assert 0.86 <= held <= 0.97


def test_an_interval_of_a_difference_covers_the_truth_as_often_as_it_says() -> None:
    assert 0.92 <= coverage.cover_difference(Population(0.98, 0.008, 5, 1200), 500) <= 0.98


def test_the_bootstrap_of_three_seeds_promised_too_much() -> None:
    found = coverage.cover(Population(0.75, 0.064, 3, 300), 150, ["ours", "bootstrap"])
    assert found["bootstrap"][0] < 0.9
    assert width(Interval(0, 0, found["ours"][1])) > found["bootstrap"][1]


def test_seeds_alone_promise_too_much_where_rows_decide() -> None:
    assert coverage.cover(Population(0.75, 0.0, 10, 300), 300, ["t over seeds"])["t over seeds"][0] < 0.85


def test_the_width_is_near_that_of_the_best_method_that_covers() -> None:
    # Where seeds decide, the t interval over seeds is exact.
    found = coverage.cover(Population(0.75, 0.064, 5, 1200), 300, ["ours", "t over seeds"])
    assert found["ours"][1] < 1.15 * found["t over seeds"][1]


@pytest.mark.parametrize("memory", [0.0, 0.4, 0.7])
def test_an_interval_over_a_series_covers_the_truth_as_often_as_it_says(memory: float) -> None:
    assert 0.90 <= coverage.cover_series(3, 400, memory, 500) <= 0.98


def test_steps_of_a_series_are_not_independent() -> None:
    assert coverage.cover_series(3, 400, 0.7, 300, dependent=False) < 0.85


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_hardly_any_table_of_like_models_holds_a_false_claim(seeds: int) -> None:
    assert coverage.false_claims(Population(0.75, 0.0, seeds, 300), 200) <= 0.08


def test_the_standard_error_is_that_of_crossed_effects() -> None:
    # The variance of the mean: 0.5² / 6 + 0.4² / 80 + 1 / 480.
    generator = np.random.default_rng(1)
    estimates = [statistics.estimate(crossed(generator, 6, 80, seed=0.5, row=0.4)) for _ in range(400)]
    true = math.sqrt(0.25 / 6 + 0.16 / 80 + 1 / 480)
    assert np.std([found.mean for found in estimates]) == pytest.approx(true, rel=0.12)
    assert math.sqrt(np.mean([found.error**2 for found in estimates])) == pytest.approx(true, rel=0.08)


def test_one_seed_gives_the_t_interval_over_rows() -> None:
    scores = np.random.default_rng(2).normal(size=(1, 12))
    found = statistics.estimate(scores).interval()
    low, high = t.interval(0.95, 11, scores.mean(), scores.std(ddof=1) / math.sqrt(12))
    assert found == pytest.approx((scores.mean(), low, high))
    assert statistics.components(scores)[:3] == (0.0, pytest.approx(scores.var(ddof=1)), 0.0)


def test_rows_that_are_alike_leave_the_t_interval_over_seeds() -> None:
    accuracies = np.random.default_rng(3).normal(0.8, 0.02, 6)
    found = statistics.estimate(np.repeat(accuracies[:, None], 9, axis=1))
    assert found == pytest.approx(statistics.over_seeds(list(accuracies)))
    assert found.freedom == pytest.approx(5)


def test_more_seeds_that_agree_make_nothing_more_certain() -> None:
    row = (np.random.default_rng(4).random((1, 500)) < 0.8).astype(np.float64)
    one, many = (statistics.estimate(np.repeat(row, seeds, axis=0)).interval() for seeds in (1, 10))
    assert many == pytest.approx(one)


def test_pairing_by_row_is_narrower_when_models_err_on_the_same_rows() -> None:
    generator = np.random.default_rng(5)
    first = (generator.random((1, 2000)) < 0.8).astype(np.float64)
    second = np.where(generator.random(first.shape) < 0.1, 0.0, first)
    unpaired = generator.permutation(second, axis=1)
    found, loose = (statistics.estimate(statistics.difference(first, other)) for other in (second, unpaired))
    assert found.mean == pytest.approx(loose.mean)
    assert width(found.interval()) < 0.7 * width(loose.interval())


def test_the_long_run_variance_of_independent_steps_is_their_variance() -> None:
    values = np.random.default_rng(6).normal(3.0, 2.0, (1, 20_000))
    alike, steps = (statistics.estimate(values, dependent=dependent) for dependent in (False, True))
    assert steps.error == pytest.approx(alike.error, rel=0.1)
    assert steps.freedom < 400


def test_a_random_walk_has_few_degrees_of_freedom_and_a_wide_interval() -> None:
    walk = np.random.default_rng(7).normal(size=(1, 400)).cumsum(axis=1)
    alike, steps = (statistics.estimate(walk, dependent=dependent) for dependent in (False, True))
    assert steps.error > 4 * alike.error


def test_a_model_does_not_differ_from_itself() -> None:
    scores = crossed(np.random.default_rng(8), 4, 30, seed=0.1, row=0.1)
    found = statistics.estimate(statistics.difference(scores, scores))
    assert found.interval() == (0.0, 0.0, 0.0)
    assert found.p_value() == 1.0


@pytest.mark.parametrize("dependent", [False, True])
@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_what_never_varies_has_no_error_and_nothing_is_undefined(seeds: int, dependent: bool) -> None:
    found = statistics.estimate(np.full((seeds, 7), 0.25), dependent=dependent)
    assert (found.mean, found.error) == (0.25, 0.0)
    assert found.interval() == (0.25, 0.25, 0.25)
    assert found.p_value() == 0.0


def test_a_share_of_rows_that_are_all_right_leaves_room_for_mistakes() -> None:
    # Wilson's interval of 50 of 50.
    low = 1 / (1 + norm.ppf(0.975) ** 2 / 50)
    assert statistics.estimate(np.ones((3, 50))).share_interval(50) == pytest.approx((1.0, low, 1.0))
    none = statistics.estimate(np.zeros((3, 50))).share_interval(50)
    assert none == pytest.approx((0.0, 0.0, 1 - low))


def test_a_share_of_one_seed_has_wilsons_interval() -> None:
    scores = np.repeat([[1.0, 0.0]], [180, 20], axis=1)
    z, n, p = float(t.ppf(0.975, 199)), 199, 0.9  # the variance of 200 rows is estimated with 199
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    found = statistics.estimate(scores).share_interval(200)
    assert found == pytest.approx((p, (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)))


def test_the_other_way_round_turns_the_sign() -> None:
    first, second = (crossed(np.random.default_rng(seed), 4, 50, seed=0.1, row=0.1) for seed in (9, 10))
    there = statistics.estimate(statistics.difference(first, second)).interval()
    back = statistics.estimate(statistics.difference(second, first)).interval()
    assert back == pytest.approx((-there.mean, -there.high, -there.low))


def test_a_model_without_seeds_is_paired_with_each_seed() -> None:
    generator = np.random.default_rng(11)
    network, baseline = generator.random((3, 60)), generator.random((1, 60))
    repeated = np.repeat(baseline, 3, axis=0)
    assert np.array_equal(statistics.difference(network, baseline), statistics.difference(network, repeated))


def test_errors_in_single_precision_are_not_rounded_further() -> None:
    first, second = np.full((2, 3), 0.1, np.float32), np.full((1, 3), 1e-9, np.float32)
    found = statistics.difference(first, second)
    assert found.mean() == pytest.approx(float(np.float32(0.1)) - 1e-9, abs=1e-15)


def test_a_single_row_is_refused() -> None:
    with pytest.raises(UserError, match=r"^1 test row: .*two at least; make split\.test_fraction larger$"):
        statistics.estimate(np.ones((3, 1)))


def test_what_cannot_be_paired_is_refused() -> None:
    with pytest.raises(UserError, match=r"2 and 3 seeds.*train both with the same seeds"):
        statistics.difference(np.ones((2, 5)), np.ones((3, 5)))
    with pytest.raises(UserError, match=r"5 and 1 rows.*the same test rows"):
        statistics.difference(np.ones((2, 5)), np.ones((2, 1)))


def test_a_difference_that_is_visible_is_shown_four_times_in_five() -> None:
    generator, shown, repetitions = np.random.default_rng(12), 0, 600
    planned = statistics.components(crossed(generator, 40, 4000, seed=0.3, row=0.5)).planned(5, 200)
    size = planned.estimate(0.0).visible(0.05)
    for _ in range(repetitions):
        shown += statistics.estimate(size + crossed(generator, 5, 200, seed=0.3, row=0.5)).p_value() < 0.05
    assert 0.68 <= shown / repetitions <= 0.88


def test_planned_components_are_those_that_such_a_sample_has() -> None:
    generator = np.random.default_rng(13)
    wide = statistics.components(crossed(generator, 60, 3000, seed=0.3, row=0.5))
    planned = wide.planned(4, 500)
    found = [statistics.components(crossed(generator, 4, 500, seed=0.3, row=0.5)) for _ in range(200)]
    for part in ("seed", "row", "residual"):
        assert getattr(planned, part) == pytest.approx(np.mean([getattr(each, part) for each in found]), rel=0.25)
    assert wide.planned(60, 3000).seed == pytest.approx(wide.seed)


def test_two_estimates_apart_have_welchs_error() -> None:
    found = statistics.apart(Estimate(0.9, 0.03, 4.0), Estimate(0.8, 0.04, 2.0))
    assert found == pytest.approx((0.1, 0.05, 0.0025**2 / (0.0009**2 / 4 + 0.0016**2 / 2)))
    assert statistics.apart(Estimate(1.0, 0.0, math.inf), Estimate(1.0, 0.0, math.inf)).p_value() == 1.0


def test_one_more_seed_falls_into_its_interval_as_often_as_it_says() -> None:
    generator, held, repetitions = np.random.default_rng(14), 0, 2000
    for _ in range(repetitions):
        *ours, theirs = generator.normal(0.7, 0.05, 4)
        found = statistics.next_seed(ours)
        held += found.low <= theirs <= found.high
    assert 0.935 <= held / repetitions <= 0.965


def test_holm_on_a_family_worked_by_hand() -> None:
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([0.6, 0.9]) == [1.0, 1.0]
    assert statistics.holm([0.02]) == [0.02]
    assert statistics.holm([]) == []


def test_seeds_that_solve_a_task_and_seeds_that_do_not_are_two_groups() -> None:
    found = statistics.groups([0.98, 0.51, 0.975, 0.52, 0.985], 0.05)
    assert found is not None
    assert (found.higher, found.seeds) == (3, 5)
    assert (found.high, found.low) == pytest.approx((0.98, 0.515))
    # Clopper and Pearson's limits of three of five, from their tables.
    assert found.share == pytest.approx((0.6, 0.1466, 0.9473), abs=1e-4)


@pytest.mark.parametrize(
    "scores",
    [
        [0.64, 0.7583, 0.7425, 0.70, 0.72],
        [0.98, 0.98, 0.98, 0.9767, 0.98],
        [0.98, 0.51, 0.98],
        [0.7] * 5,
    ],
    ids=["one spread", "too near", "too few", "all alike"],
)
def test_other_seeds_are_one_group(scores: list[float]) -> None:
    assert statistics.groups(scores, 0.05) is None


def test_groups_are_found_and_seldom_where_there_are_none() -> None:
    assert coverage.found_groups(5, 0.0, 2000) <= 0.015
    assert coverage.found_groups(10, 0.2, 200) >= 0.95


def test_a_loss_is_judged_by_its_margin() -> None:
    # Nothing differs: 40 rows cannot exclude a loss of one point, 1,200 can.
    assert statistics.loss_p_value(0, 0, 40, 0.01) > 0.2
    assert statistics.loss_p_value(0, 0, 1200, 0.01) < 0.001
    assert statistics.loss_p_value(10, 22, 1200, 0.01) == pytest.approx(0.5)


@pytest.mark.parametrize(("rows", "changed"), [(300, 0.05), (1200, 0.05), (25_000, 0.1)])
def test_a_loss_of_the_margin_passes_one_time_in_twenty(rows: int, changed: float) -> None:
    assert coverage.gate(rows, changed, 0.01, 2000) <= 0.06
    assert coverage.gate(rows, changed, 0.02, 2000) <= 0.02


def test_a_model_that_is_as_good_passes_where_rows_are_many() -> None:
    assert coverage.gate(25_000, 0.05, 0.0, 500) > 0.95
