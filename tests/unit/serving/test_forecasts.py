import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnnlab.features.series_encoding import Scaler
from rnnlab.networks import models, predicting
from rnnlab.project.errors import UserError
from rnnlab.project.files import write_json
from rnnlab.project.params import Params
from rnnlab.serving import forecasts
from rnnlab.serving.forecasts import Forecaster
from tests.support.builders import encoding_of
from tests.support.networks import plain
from tests.support.results import SERIES, changed

HEADER = ["row", "steps_ahead", "forecast", "low", "high", "model_version"]


@pytest.fixture
def settings(settings: Params) -> Params:
    ours = {"series.window": 3, "series.horizon": 2, "data.covariates": ["wind", "from"], "data.time_column": "day"}
    return changed(settings, **SERIES, **ours, **{"data.missing": "carry_forward"})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    target = tmp_path / "mine.csv"
    target.write_text("day,from,value,wind\n1,N,10,1\n2,S,20,2\n3,N,,3\n4,S,40,4\n5,N,50,5\n")
    return target


def asked(rows: list[pd.DataFrame], **answer: object) -> Forecaster:
    def predict(table: pd.DataFrame) -> pd.DataFrame:
        rows.append(table)
        return pd.DataFrame({name: [value] for name, value in answer.items()})

    return Forecaster("lstm-1/abc", predict)


def test_the_steps_after_the_last_row_are_forecast_from_the_last_window(settings: Params, source: Path) -> None:
    rows: list[pd.DataFrame] = []
    target = source.parent / "out.csv"
    answer = {"next_value": 1.5, "forecast": [1.5, 2.5], "low": [1.25, 2.0], "high": [1.75, 3.0]}
    assert forecasts.forecast_csv(asked(rows, **answer), settings, source, target) == 2
    assert rows[0].to_dict("list") == {"values": [[20, 40, 50]], "wind": [[3, 4, 5]], "from": [["N", "S", "N"]]}
    with target.open() as stream:
        assert list(csv.reader(stream)) == [
            HEADER,
            ["6", "1", "1.5", "1.25", "1.75", "lstm-1/abc"],
            ["7", "2", "2.5", "2", "3", "lstm-1/abc"],
        ]


def test_a_model_that_was_logged_before_there_were_intervals_leaves_them_empty(settings: Params, source: Path) -> None:
    target = source.parent / "out.csv"
    assert forecasts.forecast_csv(asked([], next_value=1.5), settings, source, target) == 1
    with target.open() as stream:
        assert list(csv.reader(stream)) == [HEADER, ["6", "1", "1.5", "", "", "lstm-1/abc"]]


def test_what_is_known_ahead_is_read_from_rows_after_the_last_value(settings: Params, source: Path) -> None:
    rows: list[pd.DataFrame] = []
    ahead, target = changed(settings, **{"data.known_ahead": ["from"]}), source.parent / "out.csv"
    with source.open("a") as stream:
        stream.write("6,N,,\n7,W,,8\n8,E,,\n")
    assert forecasts.forecast_csv(asked(rows, next_value=1.5, forecast=[1.5, 2.5]), ahead, source, target) == 2
    assert rows[0].to_dict("list") == {
        "values": [[20, 40, 50]],
        "wind": [[3, 4, 5]],
        "from": [["N", "S", "N", "N", "W"]],
    }
    assert pd.read_csv(target)["row"].tolist() == [6, 7]
    with pytest.raises(UserError) as told:
        far = changed(ahead, **{"series.window": 4, "series.horizon": 4})
        forecasts.forecast_csv(asked(rows, next_value=1.5), far, source, target)
    assert str(told.value) == (
        f"{source}: column 'from' has 3 rows after the last value of 'value'; expected 4 rows (series.horizon) with no"
        " value but what is known ahead (data.known_ahead)"
    )


def test_what_cannot_be_forecast_is_a_sentence(settings: Params, source: Path) -> None:
    def complaint(forecaster: Forecaster, options: Params, target: Path) -> str:
        with pytest.raises(UserError) as told:
            forecasts.forecast_csv(forecaster, options, source, target)
        return str(told.value)

    good, target = asked([], next_value=1.0), source.parent / "out.csv"
    assert complaint(good, settings, source).endswith("the forecasts need a file of their own; name another with --out")
    wide = changed(settings, **{"series.window": 6})
    assert complaint(good, wide, target) == f"{source}: has 5 rows with values; expected at least series.window, 6"

    def fails(table: pd.DataFrame) -> pd.DataFrame:
        raise ValueError("cannot reshape")

    told = complaint(Forecaster("gru-1/x", fails), settings, target)
    assert told.startswith("gru-1/x: cannot forecast from 3 rows of these columns (cannot reshape); set series.window")
    assert not target.exists()


def test_a_file_of_a_network_forecasts_in_the_unit_of_the_series(settings: Params, source: Path) -> None:
    folder = source.parent
    encoding = encoding_of(Scaler(30.0, 10.0), {"wind": Scaler(3.0, 1.0), "from": ("N", "S")})
    write_json(folder / "scaler.json", encoding.to_json())
    network = models.build_forecaster(plain(3, 4, output="linear"), 3, channels=4, horizon=2)
    models.save(network, folder / "lstm-1.keras")
    forecaster = forecasts.load_file(folder / "lstm-1.keras", settings, folder / "scaler.json")
    assert forecaster.version.startswith("lstm-1.keras/")
    forecasts.forecast_csv(forecaster, settings, source, folder / "out.csv")
    inputs = np.array([[[-1, 0, 1, 0], [1, 1, 0, 1], [2, 2, 1, 0]]], np.float32)
    expected = predicting.predict(network, inputs, 1)[0] * 10 + 30
    assert pd.read_csv(folder / "out.csv")["forecast"].tolist() == pytest.approx(expected.tolist(), abs=1e-4)
    with pytest.raises(UserError, match=r"reads 3 rows with the columns wind, from; set series.window, data"):
        other = changed(settings, **{"series.window": 4})
        forecasts.load_file(folder / "lstm-1.keras", other, folder / "scaler.json")


def test_a_file_of_a_finished_run_has_the_intervals_that_its_page_shows(settings: Params, source: Path) -> None:
    folder, ours = source.parent, changed(settings, **{"data.covariates": []})
    for each in ("models", "reports"):
        (folder / each).mkdir()
    encoding = folder / "scaler.json"
    write_json(encoding, encoding_of(Scaler(30.0, 10.0)).to_json())
    network = folder / "models/lstm-1.keras"
    models.save(models.build_forecaster(plain(3, 4, output="linear"), 3, channels=1, horizon=2), network)
    write_json(folder / "reports/thresholds.json", {"lstm-1": [0.2, 0.35]})
    forecaster = forecasts.load_file(network, ours, encoding)
    forecasts.forecast_csv(forecaster, ours, source, folder / "out.csv")
    table = pd.read_csv(folder / "out.csv")
    assert (table["high"] - table["forecast"]).tolist() == pytest.approx([2.0, 3.5], abs=1e-6)
    assert (table["forecast"] - table["low"]).tolist() == pytest.approx([2.0, 3.5], abs=1e-6)
    write_json(folder / "reports/thresholds.json", {"lstm-1": [0.2]})
    with pytest.raises(UserError, match=r"thresholds.json: has prediction intervals of 1 steps, .* forecasts 2; `dvc"):
        forecasts.load_file(network, ours, encoding)


def test_a_network_of_texts_forecasts_nothing(settings: Params, tmp_path: Path) -> None:
    write_json(tmp_path / "scaler.json", encoding_of(Scaler(0.0, 1.0)).to_json())
    models.save(models.build_classifier(plain(3, 4), 9, 3), tmp_path / "lstm-1.keras")
    with pytest.raises(UserError, match="not a network that forecasts a series; name another file"):
        forecasts.load_file(tmp_path / "lstm-1.keras", settings, tmp_path / "scaler.json")
    with pytest.raises(UserError, match="no such file; `dvc repro` makes"):
        forecasts.load_file(tmp_path / "gru-1.keras", settings, tmp_path / "scaler.json")
