"""Exponential smoothing and ARIMA, on series that were drawn from what they suppose."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from rnnlab.evaluation import classical, series_baselines
from rnnlab.evaluation.classical import Innovations, Series
from rnnlab.features.arrays import Windows
from rnnlab.features.series_encoding import Encoding, Own, Scaler
from rnnlab.features.series_rows import Split
from rnnlab.project.errors import UserError
from tests.support import builders
from tests.support.builders import encoding_of

ROWS, TRAIN, WINDOW, SEASON = 1200, 800, 12, 12
Floats = npt.NDArray[np.float64]


@pytest.fixture(autouse=True)
def few_orders(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one test needs every candidate."""
    if "every" not in request.node.name:
        monkeypatch.setattr(classical, "ORDERS", ((1, 0, 0), (1, 0, 1), (0, 1, 1)))


def autoregressive(rows: int = ROWS) -> Floats:
    """Each value is 0.5 of the one before, and noise."""
    noise, values = np.random.default_rng(1).normal(size=rows), np.zeros(rows)
    for row in range(1, rows):
        values[row] = 0.5 * values[row - 1] + noise[row]
    return values


def seasonal(rows: int = ROWS) -> Floats:
    """A wave on a level that wanders, and noise."""
    draw, steps = np.random.default_rng(2), np.arange(rows)
    level = 0.05 * draw.normal(size=rows).cumsum()
    return np.asarray(np.sin(2 * np.pi * steps / SEASON) + level + 0.1 * draw.normal(size=rows))


def series_of(values: Floats) -> Series:
    return Series(values, np.arange(1, len(values) + 1), TRAIN)


def cut(values: Floats, start: int, stop: int, horizon: int) -> Windows:
    rows = np.arange(1, len(values) + 1)[start:stop]
    part = Split(values[start:stop], rows, np.zeros(stop - start, bool))
    return builders.cut(part, "test", encoding_of(Scaler(0.0, 1.0)), WINDOW, horizon)


def fitted(name: str, values: Floats, horizon: int, season: int | None = None) -> tuple[Innovations, Windows]:
    """A model with weights from training rows, chosen on the next 200, and windows of the rows after these."""
    model = classical.fit_one(name, series_of(values), season, cut(values, TRAIN, 1000, horizon))
    return model, cut(values, 1000, len(values), horizon)


def mean_squared_error(predicted: npt.NDArray[np.float32], test: Windows) -> float:
    return float(((predicted - test.targets) ** 2).mean())


def test_arima_comes_close_to_the_noise_of_an_autoregression() -> None:
    values = autoregressive()
    model, test = fitted("arima", values, 2)
    error = mean_squared_error(classical.predict_one(model, series_of(values), test.rows, 2), test)
    naive = mean_squared_error(series_baselines.last_value(test.inputs, 2, None), test)
    best = test.inputs[:, -1:, 0] * [0.5, 0.25]  # the forecast of who knows how the series was made
    assert mean_squared_error(best, test) * 0.98 < error < mean_squared_error(best, test) * 1.03 < naive


def test_smoothing_learns_the_season_and_beats_the_value_a_season_before() -> None:
    values = seasonal()
    model, test = fitted("ets", values, 6, SEASON)
    assert len(model.start) == 2 + SEASON
    error = mean_squared_error(classical.predict_one(model, series_of(values), test.rows, 6), test)
    naive = (series_baselines.UNFITTED[name](test.inputs, 6, SEASON) for name in ("last_value", "seasonal_naive"))
    assert error < 0.8 * min(mean_squared_error(each, test) for each in naive)


@pytest.mark.parametrize("season", [None, 500])
def test_without_a_season_that_fits_smoothing_has_none(season: int | None) -> None:
    model, _ = fitted("ets", seasonal(), 1, season)
    assert len(model.start) == 2


@pytest.mark.parametrize(("name", "season"), [("ets", SEASON), ("arima", None)])
def test_a_forecast_knows_nothing_of_what_comes_after_its_origin(name: str, season: int | None) -> None:
    values = seasonal()
    model, test = fitted(name, values, 4, season)
    changed, origin = values.copy(), int(test.rows[100])
    changed[origin - 1 :] += 50  # rows are counted from 1
    before, after = (classical.predict_one(model, series_of(each), test.rows, 4) for each in (values, changed))
    np.testing.assert_array_equal(before[:101], after[:101])
    assert (before[101] != after[101]).all()


@pytest.mark.parametrize(("name", "season"), [("ets", SEASON), ("arima", None)])
def test_weights_and_choice_are_blind_to_test_rows(name: str, season: int | None) -> None:
    values = seasonal()
    changed = np.concatenate([values[:1000], values[1000:] + 50])
    first, second = (fitted(name, each, 4, season)[0] for each in (values, changed))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("ignore")
def test_forecasts_of_every_candidate_are_those_of_the_library() -> None:
    """From the end of the training rows, and from the last row of all."""
    values = seasonal()
    profile = classical._profile(values[:TRAIN], SEASON)
    with_season = {"seasonal": "add", "seasonal_periods": SEASON, "initial_seasonal": profile}
    with_trend = {"trend": "add", "damped_trend": True, "initial_trend": 0.0}
    theirs = []
    for season in ({}, with_season):
        for trend in ({}, with_trend):
            level = values[0] - (profile[0] if season else 0)
            options: dict[str, Any] = {"initial_level": level, "initialization_method": "known", **season, **trend}
            at_first = ETSModel(values[:TRAIN], error="add", **options).fit(disp=False)
            at_last = ETSModel(values, error="add", **options).smooth(at_first.params)
            theirs.append((at_first.forecast(30), at_last.forecast(30)))
    for order in classical.ORDERS:
        model = ARIMA(values[:TRAIN], order=order, trend="n" if order[1] else "c")
        fitted = model.fit(method="innovations_mle")
        theirs.append((fitted.forecast(30), fitted.append(values[TRAIN:]).forecast(30)))
    ours = [*classical._smoothings(values[:TRAIN], SEASON), *classical._arimas(values[:TRAIN], None)]
    assert [model.parameters for model in ours[4:]] == [2, 3, 4, 3, 4, 1, 1, 2, 4]
    for model, (first, last) in zip(ours, theirs, strict=True):
        states = model.states(np.append(values[TRAIN:], 0.0))
        np.testing.assert_allclose(model.forecast(states[:1], 30)[0], first, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(model.forecast(states[-1:], 30)[0], last, rtol=0.01, atol=0.02)


def test_the_candidate_is_the_one_that_suits_the_validation_rows() -> None:
    """A trend is of no use where it ends with the training rows."""
    values = np.concatenate([np.arange(TRAIN) * 0.1, np.full(400, TRAIN * 0.1)])
    values += 0.01 * np.random.default_rng(3).normal(size=ROWS)
    flat, _ = fitted("ets", values, 8)
    assert flat.parameters == 1
    rising, _ = fitted("ets", np.arange(ROWS) * 0.1 + 0.01 * np.random.default_rng(3).normal(size=ROWS), 8)
    assert rising.parameters == 3


def test_what_cannot_be_fitted_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(classical.FITS, "arima", lambda values, season: [])
    with pytest.raises(UserError, match="baselines: arima cannot be fitted to these 800 training rows; leave it out"):
        fitted("arima", autoregressive(), 1)


def test_a_model_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    model, _ = fitted("ets", seasonal(), 1, SEASON)
    models = [model, model._replace(mean=3.0)]
    classical.save(models, tmp_path / "ets.npz")
    for read, saved in zip(classical.load(tmp_path / "ets.npz"), models, strict=True):
        for one, other in zip(read, saved, strict=True):
            np.testing.assert_array_equal(one, other)
    (tmp_path / "ets.npz").write_bytes(b"PK nothing")
    with pytest.raises(UserError, match=r"ets\.npz"):
        classical.load(tmp_path / "ets.npz")


def test_rows_are_read_standardised(tmp_path: Path) -> None:
    splits = ["train", "train", "test"]
    table = {"value": [1.0, 3.0, 5.0, 50.0, 90.0, 40.0], "row": [*range(4, 10)], "split": splits * 2}
    pq.write_table(pa.table({**table, "series": ["z"] * 3 + ["a"] * 3}), tmp_path / "rows.parquet")
    encoding = Encoding({"z": Own(Scaler(3.0, 2.0), 1.0), "a": Own(Scaler(50.0, 10.0), 1.0)})
    first, second = classical.read(tmp_path / "rows.parquet", encoding)
    assert (first.values.tolist(), first.rows.tolist(), first.train) == ([-1, 0, 1], [4, 5, 6], 2)
    assert (second.values.tolist(), second.rows.tolist(), second.train) == ([0, 4, -1], [7, 8, 9], 2)


def test_each_series_has_a_model_of_its_own() -> None:
    one, other = series_of(autoregressive()), series_of(seasonal())
    other = other._replace(rows=other.rows + 10_000)
    held_out = [cut(each.values, TRAIN, 1000, 2) for each in (one, other)]
    rows = np.concatenate([held_out[0].rows, held_out[1].rows + 10_000])
    numbers = np.repeat([0, 1], [len(each.rows) for each in held_out]).astype(np.int32)
    joined = Windows(*(np.concatenate(pair) for pair in list(zip(*held_out, strict=True))[:2]), rows, numbers)
    models = classical.fit("arima", [one, other], None, joined)
    found = classical.predict(models, [one, other], joined)
    for number, (series, part) in enumerate(zip((one, other), held_out, strict=True)):
        alone = classical.fit_one("arima", series, None, part._replace(rows=series.rows[part.rows - 1]))
        expected = classical.predict_one(alone, series, series.rows[part.rows - 1], 2)
        np.testing.assert_array_equal(found[numbers == number], expected)


def test_no_warning_of_the_library_reaches_the_user() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted("arima", autoregressive(), 1)
