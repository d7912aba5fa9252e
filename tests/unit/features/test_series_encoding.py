import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from rnnlab.data import numbers, series
from rnnlab.features import series_encoding, series_rows
from rnnlab.features.series_encoding import Encoding, Own, Scaler
from rnnlab.project.errors import UserError
from tests.support.builders import complete, encoding_of, of_split, table_of, two_shops


def test_the_scaler_standardises_and_undoes_it() -> None:
    values = np.array([2.0, 4, 4, 4, 5, 5, 7, 9])
    scaler = series_encoding.fit_scaler(values)
    assert scaler == Scaler(5.0, 2.0)
    assert scaler.apply(values).tolist() == [-1.5, -0.5, -0.5, -0.5, 0, 0, 1, 2]
    encoding, zeros = encoding_of(scaler), np.zeros(8, int)
    scaled = encoding.standardise(values[:, None], zeros)
    assert scaled[:, 0].tolist() == scaler.apply(values).tolist()
    assert encoding.undo(scaled.astype(np.float32), zeros)[:, 0].tolist() == values.tolist()


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3, 1e30])
def test_constant_training_values_are_refused(value: float) -> None:
    # The deviation of 0.1, 0.1, … is not 0 in floating point.
    with pytest.raises(UserError) as mistake:
        series_encoding.fit_scaler(np.full(7, value))
    assert str(mistake.value) == (
        f"all 7 training values are {value:g}: a constant cannot be standardised or learned from;"
        " check data.value_column"
    )


def test_no_training_values_are_refused() -> None:
    with pytest.raises(UserError, match="there are no training values"):
        series_encoding.fit_scaler(np.array([]))


@pytest.mark.filterwarnings("error")
def test_the_largest_values_allowed_can_be_scaled() -> None:
    values = np.array([-numbers.LARGEST, numbers.LARGEST])
    assert series_encoding.fit_scaler(values).apply(values).tolist() == [-1, 1]


def fitted(table: pa.Table, season: int | str = "none") -> Encoding:
    return series_encoding.fit(series_rows.read_split(table, "train"), season, window=5)


def test_each_series_is_standardised_by_its_own_training_rows() -> None:
    table = two_shops()
    encoding = series_encoding.fit(series_rows.read_split(table, "train"), "none", window=5)
    assert list(encoding.series) == ["z", "a"]  # as in the file
    for name, rows in series_rows.read_split(table, "train").items():
        values = rows.values
        assert encoding.series[name].scaler == Scaler(float(values.mean()), float(values.std()))
        assert encoding.series[name].naive_error == pytest.approx(np.abs(np.diff(values)).mean())
    assert encoding.units(np.array([1, 0])).tolist() == encoding.naive_errors(np.array([1, 0])).tolist()
    assert encoding_of(Scaler(5.0, 2.0)).units(np.array([0, 0])).tolist() == [[1], [1]]


def test_one_series_with_a_name_has_the_unit_of_several() -> None:
    parts = series_rows.read_split(two_shops(), "train")
    name = next(iter(parts))
    encoding = series_encoding.fit({name: parts[name]}, "none", window=5)
    assert encoding.units(np.array([0])).tolist() == [[encoding.series[name].naive_error]]


def test_training_values_are_standardised() -> None:
    table = table_of(np.random.default_rng(1).normal(50, 3, 1000))
    part = of_split(table, "train", fitted(table), 1)
    scaled = np.append(part.inputs[:, 0, 0], part.targets[-1]).astype(np.float64)
    assert scaled.mean() == pytest.approx(0, abs=1e-6)
    assert scaled.std() == pytest.approx(1, abs=1e-6)


def test_values_of_later_splits_change_nothing_in_training() -> None:
    draw = np.random.default_rng(1)
    values, beside, words = draw.normal(size=100), draw.normal(size=100), np.array(["a", "b"] * 50)
    found = []
    for end in (0.0, 1e6):
        beside[60:], values[60:], words[60:] = end, end, "z"
        covariates = {"beside": pa.array(beside), "words": pa.array(words)}
        read = complete(values)._replace(covariates=covariates)
        table = series.to_table(read, series.split_series(100, 0.2, 0.25))
        encoding = fitted(table, "auto")
        found.append((encoding.to_json(), of_split(table, "train", encoding, 5).inputs.tolist()))
    assert found[0] == found[1]


def test_covariates_are_channels_of_their_own() -> None:
    covariates = {"wind": pa.array([1.0, 3.0] * 50), "from": pa.array(["south", "north", "west", "north"] * 25)}
    read = complete(np.arange(100.0))._replace(covariates=covariates)
    table = series.to_table(read, series.split_series(100, 0.2, 0.25))
    encoding = fitted(table)
    assert encoding.covariates == {"wind": Scaler(2.0, 1.0), "from": ("north", "south", "west")}
    assert encoding.channel_names("heat") == ["heat", "wind", "from north", "from south", "from west"]
    part = of_split(table, "train", encoding, 2)
    assert part.inputs.shape == (58, 2, 5)
    assert part.inputs[0, :, 1:].tolist() == [[-1, 0, 1, 0], [1, 1, 0, 0]]
    unknown = encoding.encode(np.zeros(1), {"wind": np.array([2.0]), "from": np.array(["up"])}, 1)
    assert unknown[0, 1:].tolist() == [0, 0, 0, 0]


def test_what_is_known_ahead_must_reach_to_the_horizon() -> None:
    encoding = encoding_of(Scaler(0.0, 1.0), {"wind": Scaler(0.0, 1.0)}, ahead=("wind",))
    values = np.zeros((1, 3))
    assert encoding.encode(values, {"wind": np.arange(5.0)[None]}, 2)[0, :, 1:].tolist() == [[0, 2], [1, 3], [2, 4]]
    with pytest.raises(ValueError, match="same shape"):
        encoding.encode(values, {"wind": np.arange(3.0)[None]}, 2)


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (pa.array([5.0] * 100), "column 'x' is 5.0 in all 60 training rows: nothing can be learned from it"),
        (pa.array([f"w{n:03}" for n in range(100)]), "column 'x' has 60 different words in the training rows"),
    ],
)
def test_columns_of_no_use_are_refused(column: pa.Array, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_encoding, "MOST_WORDS", 59)
    read = complete(np.arange(100.0))._replace(covariates={"x": column})
    with pytest.raises(UserError, match=sentence):
        fitted(series.to_table(read, series.split_series(100, 0.2, 0.25)))


@pytest.mark.parametrize(("period", "noise"), [(7, 0.0), (7, 0.5), (24, 0.5)])
def test_a_season_is_found_in_noise_and_a_trend(period: int, noise: float) -> None:
    steps = np.arange(400)
    values = np.sin(2 * np.pi * steps / period) + 0.02 * steps + np.random.default_rng(1).normal(0, noise, 400)
    assert series_encoding.find_season(values, 60) == period
    assert series_encoding.find_season(values, period) == period
    assert series_encoding.find_season(values, period - 1) is None


@pytest.mark.parametrize("values", [np.arange(100.0), np.zeros(100), np.arange(5.0)], ids=["line", "constant", "short"])
def test_without_a_season_none_is_found(values: npt.NDArray[np.float64]) -> None:
    assert series_encoding.find_season(values, 30) is None


def test_the_naive_error_is_that_of_a_season_or_a_step_before() -> None:
    table = table_of(np.tile([0.0, 10.0, 30.0], 100))
    assert fitted(table).series[""].naive_error == pytest.approx((10 + 20 + 30) / 3, rel=0.01)
    shifted = table_of(np.tile([0.0, 10.0, 30.0], 100) + np.arange(300) // 3)
    assert fitted(shifted, 3).series[""].naive_error == 1
    assert (fitted(shifted, 3).season, fitted(shifted).season) == (3, None)


def test_an_encoding_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    scaler = series_encoding.fit_scaler(np.random.default_rng(1).normal(size=100))
    own = {"north": Own(scaler, 0.1 + 0.2), "all": Own(Scaler(1 / 3, 2 / 3), 1.0)}  # in an order that is kept
    encoding = Encoding(own, {"wind": scaler, "from": ("north", "south")}, 24, ("from",))
    series_encoding.save(tmp_path, encoding)
    read = series_encoding.from_json(json.loads((tmp_path / "scaler.json").read_text()))
    assert read == encoding
    assert (list(read.covariates), list(read.series)) == (["wind", "from"], ["north", "all"])


def test_the_scaler_of_an_old_model_is_an_encoding() -> None:
    assert series_encoding.from_json({"mean": 1.0, "scale": 2.0}) == encoding_of(Scaler(1.0, 2.0))
