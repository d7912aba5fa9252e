"""A forecaster on its way out: promoted, asked, served, all as a user would."""

import json
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from tests.pipeline.conftest import SERIES, Project, shared
from tests.support.served import ask, serving

NAME = "wave"


def rnnlab(project: Project, *words: str, expect: int = 0) -> str:
    done = project.inside("rnnlab.cli.main", *words, expect=expect)
    return str(done.stderr if expect else done.stdout)


def loosened(finished: Project, folder: Path) -> None:
    project = finished.copy(folder)
    # What two epochs have taught is next to nothing.
    project.set_params(promote__name=NAME, promote__max_mase=1000.0, promote__max_latency_ms=10_000.0)
    told = rnnlab(project, "promote")
    (folder.parent / "told.txt").write_text(told)


@pytest.fixture(scope="module")
def promoted(finished_series: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The finished series with a champion."""
    return shared(tmp_path_factory, "promoted-series", partial(loosened, finished_series))


def test_it_is_promoted_by_a_rule_on_its_errors(promoted: Project, tmp_path: Path) -> None:
    told = (promoted.folder.parent / "told.txt").read_text()
    assert "passed  mase: its mean absolute error is " in told
    assert "passed  latency: one forecast takes " in told
    assert "not met baseline: the best baseline is l" in told
    assert f"is the champion now, as {NAME} version 1" in told
    strict = promoted.copy(tmp_path / "strict")
    strict.set_params(promote__name="strict", promote__max_mase=0.01)
    assert "is refused by the rule on mase; the champion stays: none" in rnnlab(strict, "promote", expect=1)


def intervals(project: Project) -> float:
    """The half-width of the intervals a step ahead, in the unit of the series."""
    [half_width] = json.loads((project.folder / "reports/thresholds.json").read_text())["lstm-1"]
    [own] = json.loads((project.folder / "data/features/train/scaler.json").read_text())["series"]
    return float(half_width * own["scale"])


def test_the_champion_a_run_and_a_file_forecast_the_same_with_intervals(promoted: Project, tmp_path: Path) -> None:
    source, answers = promoted.folder / "data/sample/series.csv", {}
    [run] = promoted.runs("tags.kind = 'model'")
    ways = {"champion": [], "run": ["--run", run.info.run_id], "file": ["--model", "models/lstm-1.keras"]}
    for way, flags in ways.items():
        target = tmp_path / f"{way}.csv"
        rnnlab(promoted, "predict", *flags, "--csv", str(source), "--out", str(target))
        answers[way] = pd.read_csv(target)
    assert answers["champion"]["model_version"].tolist() == [f"{NAME}/1"]
    figures = ["forecast", "low", "high"]
    for way in ("run", "file"):
        assert answers[way].loc[0, figures].tolist() == pytest.approx(answers["champion"].loc[0, figures].tolist())
    forecast, low, high = answers["champion"].loc[0, figures]
    assert (high - forecast, forecast - low) == pytest.approx((intervals(promoted),) * 2)


def test_the_served_champion_answers_with_intervals(promoted: Project, tmp_path: Path) -> None:
    series = pd.read_csv(promoted.folder / "data/sample/series.csv")["value"]
    target = tmp_path / "out.csv"
    rnnlab(promoted, "predict", "--csv", str(promoted.folder / "data/sample/series.csv"), "--out", str(target))
    expected = pd.read_csv(target).loc[0]
    window = SERIES["series.window"]
    store = f"sqlite:///{promoted.folder / 'mlflow/mlflow.db'}"
    with serving(f"models:/{NAME}@champion", store, promoted.environment) as address:
        rows = [series.tolist()[-window:], series.tolist()[:window]]
        first, second = ask(address, ["values"], [[values] for values in rows])
    assert first.keys() == {"next_value", "low", "high"}
    found = (first["next_value"], *first["low"], *first["high"])
    assert found == pytest.approx((expected["forecast"], expected["low"], expected["high"]), abs=1e-5)
    assert second["high"][0] - second["next_value"] == pytest.approx(intervals(promoted))


def test_texts_are_not_what_it_reads(promoted: Project) -> None:
    assert f"{NAME}/1 does not read texts; name a model of the text task" in rnnlab(
        promoted, "predict", "a film", expect=1
    )
