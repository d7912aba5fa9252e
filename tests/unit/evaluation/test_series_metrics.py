import numpy as np
import numpy.typing as npt
import pytest

from rnnlab.evaluation import metrics, series_metrics


def values(*numbers: float) -> npt.NDArray[np.float32]:
    """Forecasts of a single step."""
    return np.array(numbers, np.float32)[:, None]


def test_scores_agree_with_a_count_by_hand() -> None:
    # Errors 1, -1, 2, 0; the targets' mean is 2.5, their squared distances from it add up to 5.
    found = series_metrics.score(values(1, 2, 3, 4), values(2, 1, 5, 4))
    assert found == {
        "mse": pytest.approx(6 / 4),
        "mae": pytest.approx(4 / 4),
        "rmse": pytest.approx(1.5**0.5),
        "r2": pytest.approx(1 - 6 / 5),
        "smape": pytest.approx((2 / 3 + 2 / 3 + 4 / 8 + 0) / 4),
        "mase": pytest.approx(4 / 4),
    }


def test_perfect_and_mean_predictions_are_the_ends_of_r2() -> None:
    targets = values(1, 2, 3)
    perfect, mean = (series_metrics.score(targets, guess) for guess in (targets, values(2, 2, 2)))
    assert perfect == {"mse": 0, "mae": 0, "rmse": 0, "r2": 1, "smape": 0, "mase": 0}
    assert mean["r2"] == 0


@pytest.mark.filterwarnings("error")
def test_constant_targets_are_scored() -> None:
    assert series_metrics.score(values(1, 1), values(1, 2))["r2"] == 0


def test_scores_are_plain_numbers_that_the_summary_takes() -> None:
    found = series_metrics.score(values(1, 2, 3), values(1, 2, 4))
    assert {type(value) for value in found.values()} == {float}
    summary = metrics.summarise({"1": found, "2": found}, 10)
    assert summary["mean"] == pytest.approx(found)
    assert set(summary["sd"].values()) == {0.0}


def test_scores_of_many_rows_keep_their_digits() -> None:
    rows = 200_000
    found = series_metrics.score(np.zeros((rows, 1), np.float32), np.full((rows, 1), 0.1, np.float32))
    assert found["mae"] == pytest.approx(float(np.float32(0.1)), rel=1e-12)


def test_each_step_of_a_horizon_has_an_error_of_its_own() -> None:
    targets = np.zeros((2, 10))
    predicted = targets + np.arange(10)
    found = series_metrics.score(targets, predicted, naive_errors=2.0)
    assert [found[f"mae_step_{step:02}"] for step in range(1, 11)] == list(range(10))
    assert (found["mae"], found["mase"]) == (4.5, 2.25)
    by_series = series_metrics.score(targets, predicted, np.array([[2.0], [1.0]]))
    assert by_series["mase"] == pytest.approx((2.25 + 4.5) / 2)
    assert "mae_step_1" not in series_metrics.score(values(1, 2), values(1, 3))


def test_two_zeros_are_no_error() -> None:
    assert series_metrics.score(values(0, 1), values(0, -1))["smape"] == 1


@pytest.mark.parametrize(("coverage", "width"), [(0.5, 5), (0.8, 8), (0.9, 9), (0.99, 9)])
def test_half_widths_are_quantiles_of_the_errors(coverage: float, width: float) -> None:
    # Nine windows: the (9 + 1) · coverage-th smallest error, or the largest.
    targets = np.stack([np.arange(1.0, 10), -np.arange(1.0, 10)[::-1] * 2], axis=1)
    assert series_metrics.half_widths(targets, np.zeros((9, 2)), coverage).tolist() == [width, 2 * width]


def test_intervals_hold_as_many_values_as_promised_of_rows_like_those_they_are_made_from() -> None:
    draw = np.random.default_rng(1)
    found = []
    for _ in range(200):
        held_out, test = draw.standard_t(3, (2, 50, 1))
        width = series_metrics.half_widths(held_out, np.zeros_like(held_out), 0.9)
        found.append(series_metrics.interval_figures(test, np.zeros_like(test), width)["coverage"])
    assert 0.89 < np.mean(found) < 0.92


def test_figures_of_intervals_are_counts_and_widths() -> None:
    figures = series_metrics.interval_figures(np.array([[0.0, 2], [1, 1]]), np.zeros((2, 2)), np.array([0.5, 2]))
    assert figures == {"coverage": 0.75, "interval_width": 2.5}
