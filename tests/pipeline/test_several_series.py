"""Several series in one file, from the CSV to forecasts of each."""

import csv
import math
from pathlib import Path

import pandas as pd
import pytest

from rnnlab.project.files import read_json
from tests.pipeline.conftest import SERIES, Project, change_params, shared

SIZES = {"north": 1.0, "east": 500.0}
ROWS = 150


def write(target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    with target.open("w", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(["shop", "day", "value"])
        for name, size in SIZES.items():
            wave = (math.sin(day / 3) + 0.1 * ((day * 7919) % 13) / 13 for day in range(ROWS))
            lines.writerows([name, day, f"{size * (3 + value):.4f}"] for day, value in enumerate(wave, start=1))


@pytest.fixture(scope="module")
def shops(blank: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    def make(folder: Path) -> None:
        project = blank.copy(folder)
        write(folder / "data/raw/shops.csv")
        columns = {"data.csv": "data/raw/shops.csv", "data.series_column": "shop", "data.time_column": "day"}
        change_params(folder, SERIES | columns | {"series.horizon": 2, "baselines": ["last_value", "linear", "ets"]})
        project.run_stages("lstm-1")

    return shared(tmp_path_factory, "shops", make)


def test_errors_are_multiples_of_each_series_naive_error(shops: Project) -> None:
    rows = pd.read_parquet(shops.folder / "data/predictions.parquet")
    assert set(rows["series"]) == set(SIZES)
    units = rows.drop_duplicates("series").set_index("series")["unit"]
    assert units["east"] / units["north"] == pytest.approx(500, rel=1e-3)
    errors = ((rows["predicted"] - rows["target"]) / rows["unit"])[rows["model"] == "last_value"]
    figures = read_json(shops.folder / "reports/metrics.json")["last_value"]["mean"]
    assert figures["mse"] == pytest.approx((errors**2).mean())
    assert figures["mase"] == pytest.approx(errors.abs().mean())
    by_series = {one["value"]: one["rows"] for one in read_json(shops.folder / "reports/comparison.json")["slices"]}
    assert by_series.keys() > set(SIZES)


def test_the_page_names_the_series(shops: Project) -> None:
    page = (shops.folder / "reports/index.html").read_text()
    assert "There are 2 series, north, east" in page
    assert "by series, with 95 % intervals" in page
    told = (shops.folder / "reports/comparison.md").read_text()
    assert "at each of which the windows of 2 series count as one" in told
    assert "Test errors in the unit of the naive error" in page


def test_each_series_is_forecast_in_its_unit(shops: Project, tmp_path: Path) -> None:
    [run] = shops.runs("tags.kind = 'model'")
    for way in (["--model", "models/lstm-1.keras"], ["--run", run.info.run_id]):
        target = tmp_path / "forecast.csv"
        shops.inside("rnnlab.cli.main", "predict", *way, "--csv", "data/raw/shops.csv", "--out", str(target))
        table = pd.read_csv(target)
        assert list(table)[:3] == ["series", "row", "steps_ahead"]
        assert table["series"].tolist() == ["north", "north", "east", "east"]
        assert table["row"].tolist() == [ROWS + 1, ROWS + 2, 2 * ROWS + 1, 2 * ROWS + 2]
        assert (table["low"] < table["forecast"]).all() and (table["forecast"] < table["high"]).all()
        north, east = (table[table["series"] == name]["forecast"] for name in SIZES)
        assert north.between(1, 5).all() and east.between(500, 2500).all()


def test_a_series_that_the_network_has_not_seen_is_refused(shops: Project, tmp_path: Path) -> None:
    source = tmp_path / "other.csv"
    source.write_text((shops.folder / "data/raw/shops.csv").read_text().replace("north", "west"))
    words = ("predict", "--model", "models/lstm-1.keras", "--csv", str(source), "--out", str(tmp_path / "out.csv"))
    told = shops.inside("rnnlab.cli.main", *words, expect=1).stderr
    assert "series 'west' is not among those of the training: north, east" in told
    assert not (tmp_path / "out.csv").exists()
