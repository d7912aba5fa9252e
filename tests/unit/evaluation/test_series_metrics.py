import numpy as np
import numpy.typing as npt
import pytest

from rnnlab.data import series
from rnnlab.data.wave import wave
from rnnlab.evaluation import metrics, series_metrics
from rnnlab.features import windows
from rnnlab.project.params import Wave

WINDOW = 4


def values(*numbers: float) -> npt.NDArray[np.float32]:
    return np.array(numbers, np.float32)


def test_scores_agree_with_a_count_by_hand() -> None:
    # Errors 1, -1, 2, 0; the targets' mean is 2.5, their squared distances from it add up to 5.
    found = series_metrics.score(values(1, 2, 3, 4), values(2, 1, 5, 4))
    assert found == {
        "mse": pytest.approx(6 / 4),
        "mae": pytest.approx(4 / 4),
        "rmse": pytest.approx(1.5**0.5),
        "r2": pytest.approx(1 - 6 / 5),
    }


def test_perfect_and_mean_predictions_are_the_ends_of_r2() -> None:
    targets = values(1, 2, 3)
    perfect, mean = (series_metrics.score(targets, guess) for guess in (targets, values(2, 2, 2)))
    assert perfect == {"mse": 0, "mae": 0, "rmse": 0, "r2": 1}
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
    found = series_metrics.score(np.zeros(rows, np.float32), np.full(rows, 0.1, np.float32))
    assert found["mae"] == pytest.approx(float(np.float32(0.1)), rel=1e-12)


def test_the_naive_baseline_is_the_last_value() -> None:
    assert series_metrics.last_value(np.array([[1, 2], [5, 3]], np.float32)).tolist() == [2, 3]


def autoregressive(rows: int = 400) -> npt.NDArray[np.float64]:
    """Each value is 0.6 of the last, less 0.995 of the one before, plus 1: a slowly dying oscillation."""
    past = [1.0, 2.0]
    while len(past) < rows:
        past.append(1 + 0.6 * past[-1] - 0.995 * past[-2])
    return np.array(past)


def test_a_linear_series_is_predicted_nearly_perfectly() -> None:
    whole = autoregressive()
    inputs, targets = windows.slide(whole[:200], 2, "train")
    weights, intercept = series_metrics.fit_linear(inputs, targets)
    np.testing.assert_allclose(weights, [-0.995, 0.6], atol=1e-4)
    assert intercept == pytest.approx(1, abs=1e-4)
    unseen, after = windows.slide(whole[200:], 2, "test")
    assert series_metrics.score(after, series_metrics.predict_linear(unseen, weights, intercept))["r2"] > 0.999999
    assert series_metrics.score(after, series_metrics.last_value(unseen))["r2"] < 0.9


def test_predictions_are_the_weighted_sum() -> None:
    predicted = series_metrics.predict_linear(np.array([[1, 2], [3, 4]], np.float32), np.array([10.0, 1.0]), 0.5)
    assert (predicted.tolist(), predicted.dtype) == ([12.5, 34.5], "float32")


def test_the_fit_has_a_weight_a_time_step() -> None:
    inputs = np.random.default_rng(1).normal(size=(50, WINDOW)).astype(np.float32)
    weights, intercept = series_metrics.fit_linear(inputs, inputs[:, 1] * 3)
    assert weights.shape == (WINDOW,)
    assert type(intercept) is float
    np.testing.assert_allclose(weights, [0, 3, 0, 0], atol=1e-6)


@pytest.mark.filterwarnings("error")
def test_fewer_rows_than_weights_are_fitted() -> None:
    inputs = np.random.default_rng(1).normal(size=(3, 10)).astype(np.float32)
    weights, intercept = series_metrics.fit_linear(inputs, values(1, 2, 3))
    np.testing.assert_allclose(series_metrics.predict_linear(inputs, weights, intercept), [1, 2, 3], rtol=1e-5)


def test_the_embedded_series_leaves_room_between_the_linear_model_and_the_noise() -> None:
    drawn = wave(Wave(rows=2000, periods=(20.0, 53.0), noise=0.05), seed=42)
    table = series.to_table(drawn, series.split_series(len(drawn), 0.2, 0.1))
    scaler = windows.fit_scaler(windows.split_values(table, "train")[0])
    train, test = (windows.featurise(table, split, scaler, 30) for split in ("train", "test"))
    fitted = series_metrics.fit_linear(train.inputs, train.targets)
    linear = series_metrics.score(test.targets, series_metrics.predict_linear(test.inputs, *fitted))["mse"]
    naive = series_metrics.score(test.targets, series_metrics.last_value(test.inputs))["mse"]
    noise = (0.05 / scaler.scale) ** 2
    assert 2 * noise < linear < naive / 4
