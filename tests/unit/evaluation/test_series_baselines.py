import numpy as np
import numpy.typing as npt
import pytest

from rnnlab.data import series
from rnnlab.data.wave import wave
from rnnlab.evaluation import series_baselines, series_metrics
from rnnlab.features import series_encoding, series_rows
from rnnlab.features.arrays import Windows
from rnnlab.features.series_encoding import Scaler
from rnnlab.project.errors import UserError
from rnnlab.project.sections.data import Wave
from tests.support import builders
from tests.support.builders import complete, encoding_of, windows_of


def inputs_of(*rows: list[float]) -> npt.NDArray[np.float32]:
    """Windows of the series alone, and a channel that forecasts without a fit must not look at."""
    values = np.array(rows, np.float32)
    return np.stack([values, np.full_like(values, 99)], axis=2)


def test_the_naive_forecast_is_the_last_value() -> None:
    assert series_baselines.last_value(inputs_of([1, 2], [5, 3]), 3, None).tolist() == [[2, 2, 2], [3, 3, 3]]


def test_the_seasonal_forecast_repeats_the_last_season() -> None:
    found = series_baselines.seasonal_naive(inputs_of([0, 1, 2, 3, 4]), 5, 3)
    assert found.tolist() == [[2, 3, 4, 2, 3]]
    assert series_baselines.seasonal_naive(inputs_of([0, 1, 2]), 2, 3).tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("season", "problem"), [(None, "the training rows show no season"), (4, "the season has 4 steps, a window 3")]
)
def test_without_a_season_in_the_window_there_is_no_seasonal_forecast(season: int | None, problem: str) -> None:
    with pytest.raises(UserError, match=f"baselines: seasonal_naive: {problem}; set series.season"):
        series_baselines.seasonal_naive(inputs_of([0, 1, 2]), 2, season)


def test_drift_goes_on_along_the_line_through_the_ends() -> None:
    assert series_baselines.drift(inputs_of([0, 9, 4], [1, 1, 1]), 2, None).tolist() == [[6, 8], [1, 1]]
    assert series_baselines.drift(inputs_of([7]), 2, None).tolist() == [[7, 7]]


def cut(values: npt.NDArray[np.float64], window: int, horizon: int = 1) -> Windows:
    rows = series_rows.Split(values, np.arange(len(values)), np.zeros(len(values), bool))
    return builders.cut(rows, "train", encoding_of(Scaler(0.0, 1.0)), window, horizon)


def autoregressive(rows: int = 600) -> npt.NDArray[np.float64]:
    """Each value is 0.6 of the last, less 0.995 of the one before, plus 1: a slowly dying oscillation."""
    past = [1.0, 2.0]
    while len(past) < rows:
        past.append(1 + 0.6 * past[-1] - 0.995 * past[-2])
    return np.array(past)


def test_a_linear_series_is_predicted_nearly_perfectly() -> None:
    train, held_out, unseen = (cut(part, 2, 3) for part in np.split(autoregressive(), 3))
    weights = series_baselines.fit_linear(train, held_out)
    np.testing.assert_allclose(weights[:, 0], [-0.995, 0.6, 1], atol=1e-3)
    predicted = series_baselines.predict_linear(unseen.inputs, weights)
    assert series_metrics.score(unseen.targets, predicted)["r2"] > 0.999999
    naive = series_baselines.last_value(unseen.inputs, 3, None)
    assert series_metrics.score(unseen.targets, naive)["r2"] < 0.9


def test_predictions_are_the_weighted_sum() -> None:
    inputs = np.array([[[1], [2]], [[3], [4]]], np.float32)
    weights = np.array([[10.0, 0], [1, 1], [0.5, 0]])
    predicted = series_baselines.predict_linear(inputs, weights)
    assert (predicted.tolist(), predicted.dtype) == ([[12.5, 2], [34.5, 4]], "float32")


def test_every_channel_has_weights() -> None:
    draw = np.random.default_rng(1)
    inputs = draw.normal(size=(9000, 3, 2)).astype(np.float32)
    rows = windows_of(inputs, 3 * inputs[:, 1, 1:] + 1, np.arange(9000))
    weights = series_baselines.fit_linear(rows, rows)
    np.testing.assert_allclose(weights[:, 0], [0, 0, 0, 3, 0, 0, 1], atol=1e-5)


def test_the_penalty_is_the_one_that_suits_the_validation_rows() -> None:
    draw = np.random.default_rng(1)
    inputs = draw.normal(size=(60, 40, 1)).astype(np.float32)
    rows = windows_of(inputs, draw.normal(size=(60, 1)).astype(np.float32), np.arange(60))
    noise = rows._replace(inputs=draw.normal(size=(60, 40, 1)).astype(np.float32))
    on_itself, on_noise = (series_baselines.fit_linear(rows, held_out) for held_out in (rows, noise))
    assert np.abs(on_noise[:-1]).max() < 0.1 * np.abs(on_itself[:-1]).max()


@pytest.mark.filterwarnings("error")
def test_fewer_rows_than_weights_are_fitted() -> None:
    inputs = np.random.default_rng(1).normal(size=(3, 10, 1)).astype(np.float32)
    rows = windows_of(inputs, np.array([[1], [2], [3]], np.float32), np.arange(3))
    weights = series_baselines.fit_linear(rows, rows)
    np.testing.assert_allclose(series_baselines.predict_linear(inputs, weights), [[1], [2], [3]], rtol=1e-4)


def test_the_embedded_series_leaves_room_between_the_linear_model_and_the_noise() -> None:
    drawn = wave(Wave(rows=2000, periods=(20.0, 53.0), noise=0.05), seed=42)
    table = series.to_table(complete(drawn), series.split_series(len(drawn), 0.2, 0.1))
    encoding = series_encoding.fit(series_rows.read_split(table, "train"), "auto", 30)
    train, held_out, test = (
        builders.cut(series_rows.read_split(table, split)[""], split, encoding, 30)
        for split in ("train", "validation", "test")
    )
    weights = series_baselines.fit_linear(train, held_out)
    linear = series_metrics.score(test.targets, series_baselines.predict_linear(test.inputs, weights))["mse"]
    naive = series_metrics.score(test.targets, series_baselines.last_value(test.inputs, 1, None))["mse"]
    noise = (0.05 / encoding.series[""].scaler.scale) ** 2
    assert 2 * noise < linear < naive / 4
