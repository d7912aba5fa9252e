import numpy as np
import pytest

from rnnlab.evaluation import power, statistics, verdicts
from rnnlab.evaluation.statistics import Components
from rnnlab.project.tasks import ACCURACY

SEEDS_DIFFER = Components(seed=1200 * 0.02**2 + 0.1, row=0.1, residual=0.1, seeds=5, rows=1200, dependent=False)
ROWS_DIFFER = Components(seed=0.1, row=5 * 0.3**2 + 0.1, residual=0.1, seeds=5, rows=1200, dependent=False)


def test_where_seeds_differ_more_of_them_show_a_difference() -> None:
    needed = power.seeds_needed(SEEDS_DIFFER, 0.01, 0.05)
    # (1.96 + 0.84)² × (0.02² + 0.1 / 1200) / 0.01² is 37.9, and a t quantile is a little more.
    assert needed == pytest.approx(40, abs=1)
    assert power.seeds_needed(SEEDS_DIFFER, 0.02, 0.05) < needed
    assert power.rows_needed(SEEDS_DIFFER, 0.01, 0.05) is None


def test_where_rows_differ_more_of_them_do() -> None:
    needed = power.rows_needed(ROWS_DIFFER, 0.01, 0.05)
    # (1.96 + 0.84)² × (0.3² + 0.1 / 5) / 0.01²
    assert needed == pytest.approx(8624, rel=0.03)
    assert power.seeds_needed(ROWS_DIFFER, 0.01, 0.05) is None


def test_one_seed_does_not_tell_how_many_are_needed() -> None:
    assert power.seeds_needed(Components(0.0, 0.1, 0.0, 1, 1200, False), 0.01, 0.05) is None


@pytest.mark.parametrize("components", [SEEDS_DIFFER, ROWS_DIFFER])
def test_so_many_show_it_and_one_fewer_does_not(components: Components) -> None:
    def visible(seeds: int, rows: int) -> float:
        return components.planned(seeds, rows).estimate(0.0).visible(0.05)

    seeds, rows = (reckon(components, 0.05, 0.05) for reckon in (power.seeds_needed, power.rows_needed))
    assert seeds is not None
    assert rows is not None
    assert visible(seeds, 1200) <= 0.05
    assert seeds == power.LEAST_SEEDS or visible(seeds - 1, 1200) > 0.05
    assert visible(5, rows) <= 0.05
    assert rows == power.LEAST_ROWS or visible(5, rows - 1) > 0.05


def test_what_is_needed_shows_the_difference_four_times_in_five() -> None:
    generator = np.random.default_rng(1)

    def scores(seeds: int) -> np.ndarray:
        return generator.normal(0.02, 0.03, (seeds, 1)) + generator.normal(0, 0.3, (seeds, 300))

    needed = power.seeds_needed(statistics.components(scores(400)), 0.02, 0.05)
    assert needed is not None
    shown = [statistics.estimate(scores(needed)).p_value() < 0.05 for _ in range(400)]
    assert 0.72 <= np.mean(shown) <= 0.90


def comparison(first: np.ndarray, second: np.ndarray) -> dict[str, object]:
    pair = verdicts.pair(("lstm", first), ("rnn", second), 0.01, ACCURACY, dependent=False)
    return {"measure": "accuracy", "pairs": [verdict.facts() for verdict in verdicts.judge([pair])]}


def test_a_verdict_that_was_not_shown_comes_with_advice() -> None:
    draw = np.random.default_rng(2).random
    [pair] = comparison((draw((3, 200)) < 0.8) * 1.0, (draw((3, 200)) < 0.8) * 1.0)["pairs"]
    advice = power.advice(pair, ACCURACY)
    assert advice.startswith("To see a difference of 1.0 points, it takes about ")
    assert advice.endswith((" seeds", " test rows"))


def test_where_neither_is_enough_both_are_needed() -> None:
    draw = np.random.default_rng(4).random
    first, second = draw((3, 40)) + draw((3, 1)) / 5 < 0.8, draw((3, 40)) + draw((3, 1)) / 5 < 0.8
    [pair] = comparison(first * 1.0, second * 1.0)["pairs"]
    pair = {**pair, "margin": 0.0001}
    assert power.advice(pair, ACCURACY) == "To see a difference of 0.0 points, it takes more seeds and more test rows"


def test_a_verdict_that_was_shown_needs_none() -> None:
    [pair] = comparison(np.tile([[1.0, 1.0, 0.0]], (3, 50)), np.tile([[0.0, 1.0, 0.0]], (3, 50)))["pairs"]
    assert power.advice(pair, ACCURACY) == ""


def test_a_table_says_what_each_pair_needs() -> None:
    draw = np.random.default_rng(3).random
    found = comparison((draw((3, 200)) < 0.8) * 1.0, (draw((3, 200)) < 0.8) * 1.0)
    header, _, line, *_ = power.table(found, 5.0).splitlines()
    assert "found (points)" in header
    assert "seeds, with 200 rows" in header
    assert "rows, with 3 seeds" in header
    assert line.split()[:2] == ["lstm,", "rnn"]
    assert line.split()[4] == "5.0"


def test_a_dash_stands_for_what_would_not_do_alone() -> None:
    found = comparison(np.eye(3), np.ones((3, 3)))
    pair = {**found["pairs"][0], "components": SEEDS_DIFFER._asdict(), "significance": 0.05}
    line = power.table({**found, "pairs": [pair]}, 1.0).splitlines()[2]
    assert line.split()[5:] == [str(power.seeds_needed(SEEDS_DIFFER, 0.01, 0.05)), "–"]
