"""Several series in one file, from the CSV to forecasts of each."""

import csv
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from rnnlab.project.files import read_json
from tests.pipeline.conftest import SERIES, Project, change_params, shared

SIZES = {"north": 1.0, "east": 500.0}
ROWS = 150


def write(target: Path, names: Sequence[str]) -> None:
    target.parent.mkdir(exist_ok=True)
    with target.open("w", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(["shop", "day", "value"])
        for name in names:
            wave = (math.sin(day / 3) + 0.1 * ((day * 7919) % 13) / 13 for day in range(ROWS))
            lines.writerows([name, day, f"{SIZES[name] * (3 + value):.4f}"] for day, value in enumerate(wave, start=1))


def train(blank: Project, names: Sequence[str], folder: Path) -> None:
    project = blank.copy(folder)
    write(folder / "data/raw/shops.csv", names)
    columns = {"data.csv": "data/raw/shops.csv", "data.series_column": "shop", "data.time_column": "day"}
    change_params(folder, SERIES | columns | {"series.horizon": 2, "baselines": ["last_value", "linear", "ets"]})
    project.run_stages("lstm-1")


@pytest.fixture(scope="module")
def shops(blank: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return shared(tmp_path_factory, "shops", partial(train, blank, list(SIZES)))


@pytest.fixture(scope="module")
def one_shop(blank: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return shared(tmp_path_factory, "one_shop", partial(train, blank, ["east"]))


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


def test_a_single_series_with_a_name_is_told_of_as_several_are(one_shop: Project) -> None:
    rows = pd.read_parquet(one_shop.folder / "data/predictions.parquet")
    assert set(rows["series"]) == {"east"}
    errors = ((rows["predicted"] - rows["target"]) / rows["unit"])[rows["model"] == "last_value"]
    figures = read_json(one_shop.folder / "reports/metrics.json")["last_value"]["mean"]
    assert figures["mse"] == pytest.approx((errors**2).mean())
    assert figures["mae"] == pytest.approx(figures["mase"])  # and not hundreds, in the unit of the data
    page = (one_shop.folder / "reports/index.html").read_text()
    assert "Test errors in the unit of the naive error" in page and "There is one series, east" in page
    assert "windows of" not in (one_shop.folder / "reports/comparison.md").read_text()


def test_of_a_single_series_another_is_refused(one_shop: Project, tmp_path: Path) -> None:
    [run] = one_shop.runs("tags.kind = 'model'")
    source = tmp_path / "other.csv"
    source.write_text((one_shop.folder / "data/raw/shops.csv").read_text().replace("east", "west"))
    for way in (["--model", "models/lstm-1.keras"], ["--run", run.info.run_id]):
        words = ("predict", *way, "--csv", str(source), "--out", str(tmp_path / "out.csv"))
        told = one_shop.inside("rnnlab.cli.main", *words, expect=1).stderr
        assert "series 'west' is not among those of the training: east" in told
