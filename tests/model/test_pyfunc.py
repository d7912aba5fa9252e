"""What MLflow serves of a series: columns of lists in, the next values in the unit of the data out."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from rnnlab.features.series_encoding import Encoding, Own, Scaler
from rnnlab.networks import models, predicting
from rnnlab.project.errors import UserError
from rnnlab.project.files import write_json
from rnnlab.serving.pyfunc import SeriesForecaster
from tests.support.builders import encoding_of
from tests.support.networks import plain

WINDOW = 3


def served(folder: Path, network: keras.Model, encoding: dict[str, Any], **config: object) -> SeriesForecaster:
    models.save(network, folder / "network.keras")
    write_json(folder / "scaler.json", encoding)
    forecaster = SeriesForecaster()
    artifacts = {"network": str(folder / "network.keras"), "encoding": str(folder / "scaler.json")}
    forecaster.load_context(SimpleNamespace(artifacts=artifacts, model_config=config))
    return forecaster


def test_several_values_are_forecast_from_several_columns(tmp_path: Path) -> None:
    encoding = encoding_of(Scaler(5.0, 2.0), {"wind": Scaler(1.0, 4.0), "from": ("north", "south")})
    network = models.build_forecaster(plain(3, 4, output="linear"), WINDOW, channels=4, horizon=2)
    rows = pd.DataFrame(
        {"from": [["north", "south", "up"]], "wind": [[1.0, 5.0, 9.0]], "values": [[5.0, 7.0, 9.0]]}, index=[3]
    )
    answer = served(tmp_path, network, encoding.to_json()).predict(None, rows)
    channels = np.array([[[0, 0, 1, 0], [1, 1, 0, 1], [2, 2, 0, 0]]], np.float32)
    expected = predicting.predict(network, channels, 8) * 2.0 + 5.0
    assert list(answer) == ["next_value", "forecast"]
    assert answer["forecast"][0] == pytest.approx(expected[0].tolist(), abs=1e-5)
    assert answer["next_value"][0] == answer["forecast"][0][0]


def test_what_is_known_ahead_comes_with_the_steps_to_predict(tmp_path: Path) -> None:
    encoding = encoding_of(Scaler(5.0, 2.0), {"wind": Scaler(1.0, 4.0), "from": ("N", "S")}, ahead=("wind", "from"))
    network = models.build_forecaster(plain(3, 4, output="linear"), WINDOW, channels=7, horizon=2)
    forecaster = served(tmp_path, network, encoding.to_json())
    wind, words = [1.0, 5.0, 9.0, 13.0, 17.0], ["N", "S", "up", "N", "N"]
    rows = pd.DataFrame({"from": [words], "wind": [wind], "values": [[5.0, 7.0, 9.0]]})
    channels = np.array([[[0, 0, 1, 0, 2, 0, 0], [1, 1, 0, 1, 3, 1, 0], [2, 2, 0, 0, 4, 1, 0]]], np.float32)
    expected = predicting.predict(network, channels, 8) * 2.0 + 5.0
    assert forecaster.predict(None, rows)["forecast"][0] == pytest.approx(expected[0].tolist(), abs=1e-5)
    with pytest.raises(ValueError, match="same shape"):
        forecaster.predict(None, rows.assign(wind=[wind[:3]]))


def test_intervals_are_as_wide_as_errors_on_validation_rows_were(tmp_path: Path) -> None:
    network = models.build_forecaster(plain(3, 4, output="linear"), WINDOW, channels=1, horizon=2)
    rows = pd.DataFrame({"values": [[5.0, 7.0, 9.0], [1.0, 2.0, 3.0]]})
    encoding = encoding_of(Scaler(5.0, 2.0)).to_json()
    answer = served(tmp_path, network, encoding, half_widths=[0.5, 1.5]).predict(None, rows)
    assert list(answer) == ["next_value", "forecast", "low", "high"]
    for row in answer.itertuples():
        assert np.subtract(row.high, row.forecast).tolist() == pytest.approx([0.5, 1.5])
        assert np.subtract(row.forecast, row.low).tolist() == pytest.approx([0.5, 1.5])
    standardised = served(tmp_path, network, encoding, half_widths=[0.25, 0.75], are_standardised=True)
    assert standardised.predict(None, rows)["low"].tolist() == [pytest.approx(low) for low in answer["low"]]
    without = served(tmp_path, network, encoding, half_widths=None).predict(None, rows)
    assert list(without) == ["next_value", "forecast"]


def test_each_series_is_forecast_in_its_own_unit(tmp_path: Path) -> None:
    network = models.build_forecaster(plain(3, 4, output="linear"), WINDOW, channels=1, horizon=1)
    encoding = Encoding({"z": Own(Scaler(5.0, 2.0), 1.0), "a": Own(Scaler(500.0, 200.0), 1.0)}).to_json()
    forecaster = served(tmp_path, network, encoding, half_widths=[0.5], are_standardised=True)
    rows = pd.DataFrame({"values": [[5.0, 7.0, 9.0], [500.0, 700.0, 900.0]], "series": ["z", "a"]})
    answer = forecaster.predict(None, rows)
    small, large = answer["next_value"]
    assert large == pytest.approx(100 * small, rel=1e-5)
    assert [row.high[0] - row.low[0] for row in answer.itertuples()] == pytest.approx([2, 200])
    with pytest.raises(UserError, match="series 'b' is not among those of the training: z, a"):
        forecaster.predict(None, rows.assign(series="b"))


def test_a_network_of_before_there_were_channels_still_forecasts(tmp_path: Path) -> None:
    layers = [keras.Input((WINDOW,), name="values"), keras.layers.Reshape((WINDOW, 1)), keras.layers.LSTM(2)]
    network = keras.Sequential([*layers, keras.layers.Dense(1, name="value")])
    answer = served(tmp_path, network, {"mean": 1.0, "scale": 2.0}).predict(None, pd.DataFrame({"values": [[1, 3, 5]]}))
    expected = np.asarray(network(np.array([[0, 1, 2]], np.float32))) * 2 + 1
    assert list(answer) == ["next_value"]
    assert answer["next_value"][0] == pytest.approx(float(expected[0, 0]), abs=1e-5)
