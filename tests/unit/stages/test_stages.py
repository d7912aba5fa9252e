"""Every stage but the last, one after another in this process, on data of a few seconds."""

import importlib
import json
import runpy
import sys
from collections.abc import Iterator
from contextlib import chdir
from datetime import datetime, tzinfo
from pathlib import Path

import pandas as pd
import pytest

from reliability.ports import free_port
from rnnlab.networks import models
from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json, write_json
from rnnlab.project.params import Params, Run
from tests.support import energy
from tests.support.results import changed

TINY = {
    "sample.rows": 300,
    "sample.distance": 6,
    "validate.min_rows_per_class": 5,
    "tokenize_pad.vocabulary_size": 80,
    "tokenize_pad.max_length": 24,
    "train.seeds": [1],
    "train.epochs": 2,
    "train.keep": "last",  # which are never those after the first epoch
    "train.engine": "stock",
    "compare": ["lstm", "rnn"],
    "models.rnn.units": 3,
    "models.lstm.units": 3,
    "explain.gradient_rows": 8,
    "explain.traced_rows": 1,
}
STAGES = Path(__file__).parents[3] / "stages"
# What an earlier run left behind whose seeds or models are no longer in the parameters.
LEFT_OVER = [f(Run("lstm", 9)) for f in (layout.network, layout.early, layout.history, layout.layers)]


def stage(name: str, *words: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [name, *words])
        importlib.import_module(f"stages.{name}").main()


def write_params(settings: Params) -> None:
    write_json(layout.PARAMS, settings.model_dump(mode="json", by_alias=True))  # JSON is YAML


@pytest.fixture(scope="module")
def tiny(settings: Params) -> Params:
    return changed(settings, **TINY)


@pytest.fixture(scope="module")
def finished(tiny: Params, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which the stages ran."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch, chdir(folder):
        patch.setenv("DVC_ROOT", str(folder))
        patch.setenv("MLFLOW_SYNC", "off")
        energy.install(patch)
        write_params(tiny)
        for left in (*LEFT_OVER, layout.FAILED_VALIDATION):
            left.parent.mkdir(parents=True, exist_ok=True)
            left.write_text("of an earlier run")
        for name in ("sample", "ingest", "validate", "tokenize_pad", "baseline", "size"):
            stage(name)
        for run in tiny.runs:
            stage("train", "--model", run.model, "--seed", str(run.seed))
        for name in ("evaluate", "compare", "plot", "report"):
            stage(name)
        yield folder


def test_the_sample_becomes_clean_rows_with_splits(finished: Path) -> None:
    rows, counted = pd.read_parquet(layout.ROWS), read_json(layout.SUMMARY)
    assert len(pd.read_csv(layout.SAMPLE_REVIEWS)) == counted["rows_read"] == 300
    assert len(rows) == counted["rows_kept"] > 250
    assert set(rows["split"]) == {"train", "validation", "test"}
    assert list(pd.read_csv(layout.REJECTED).columns) == ["row", "reason", "label", "text"]
    assert list(pd.read_csv(layout.SAMPLE_SERIES).columns) == ["value"]
    assert list(pd.read_csv(layout.SAMPLE_CLASSIC).columns) == ["symbols", "label"]


def test_a_passed_validation_is_written_and_replaces_a_failed_one(finished: Path) -> None:
    findings = read_json(layout.VALIDATION)
    assert len(findings) > 10
    assert not [finding for finding in findings if not finding["success"] and finding["severity"] == "critical"]
    assert f"{len(findings)} checks, 0 critical failures" in layout.VALIDATION_PAGE.read_text()
    assert not layout.FAILED_VALIDATION.exists()


def test_features_come_with_their_figures(finished: Path, tiny: Params) -> None:
    figures, words = read_json(layout.FEATURE_FIGURES), read_json(layout.VOCABULARY)
    rows = pd.read_parquet(layout.ROWS)["split"].value_counts()
    assert {split: figures[split]["rows"] for split in rows.index} == rows.to_dict()
    assert figures["vocabulary_size"] == len(words) <= tiny.tokenize_pad.vocabulary_size


def test_a_training_leaves_network_layers_history_and_times(finished: Path) -> None:
    for run in (Run("lstm", 1), Run("rnn", 1)):
        network = models.load(layout.network(run))
        described = read_json(layout.layers(run))
        assert sum(layer["parameters"] for layer in described) == network.count_params()
        early = models.load(layout.early(run))
        assert early.to_json() == network.to_json()
        assert (early.get_weights()[0] != network.get_weights()[0]).any()
        history = pd.read_csv(layout.history(run))
        assert set(history.columns) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}
        assert history["epoch"].tolist() == [1, 2]
        assert (history["loss"].round(6) == history["loss"]).all()
        times = read_json(layout.timings(run))
        assert times["started"] < times["ended"]
        assert len(times["epoch_seconds"]) == 2 and min(times["epoch_seconds"]) > 0
        assert times["mlflow_run"] is None
        assert (times["energy_kwh"], times["co2_grams"]) == (energy.KWH, energy.GRAMS)
    assert not list(layout.CHECKPOINTS.glob("*.npz"))


def test_every_model_is_scored_on_the_test_rows(finished: Path) -> None:
    predictions, metrics = pd.read_parquet(layout.PREDICTIONS), read_json(layout.METRICS)
    assert set(metrics) == {"lstm", "rnn", "majority", "tfidf", "nbsvm"} == set(predictions["model"])
    tests = read_json(layout.FEATURE_FIGURES)["test"]["rows"]
    assert set(predictions.groupby("model").size()) == {tests}
    lstm = predictions[predictions["model"] == "lstm"]
    hits = (lstm["probability"] >= 0.5) == (lstm["label"] == 1)
    assert metrics["lstm"]["mean"]["accuracy"] == pytest.approx(hits.mean(), abs=1e-6)
    assert read_json(layout.THRESHOLDS) == {}  # none were asked for: the likeliest label counts
    assert set(read_json(layout.BASELINE_TIMINGS)) == {"majority", "tfidf", "nbsvm"}
    explained = {"gradient_norms.csv", "traces.csv", "states.csv", "mistakes.csv", "calibration.csv"}
    assert explained <= {file.name for file in layout.EXPLANATIONS.iterdir()}


def test_networks_are_explained_at_three_moments_and_unit_by_unit(finished: Path) -> None:
    norms = pd.read_csv(layout.EXPLANATIONS / "gradient_norms.csv")
    nearest = norms[norms["distance"] == 0].pivot(index="model", columns="moment", values="norm")
    assert list(nearest.columns) == ["after", "before", "early"]
    assert (nearest.nunique(axis=1) == 3).all() and (nearest > 0).all(axis=None)
    states = pd.read_csv(layout.EXPLANATIONS / "states.csv").set_index(["model", "quantity"])
    assert set(states.index) == {
        *(("lstm", name) for name in ("hidden", "cell", "forget", "input")),
        ("rnn", "hidden"),
    }
    units = states[["unit_1", "unit_2", "unit_3"]]
    assert units.notna().all(axis=None) and units.abs().max(axis=None) <= 1
    assert list(states.columns)[-1] == "unit_3"
    traces = pd.read_csv(layout.EXPLANATIONS / "traces.csv")
    read = traces[traces["model"] == "rnn"]["word"].tolist()
    assert states.loc[("rnn", "hidden"), "word"].tolist() == read[-24:]  # tokenize_pad.max_length


def test_models_are_compared_in_pairs(finished: Path) -> None:
    pairs = [(pair["first"], pair["second"]) for pair in read_json(layout.COMPARISON)["pairs"]]
    assert ("rnn", "lstm") in pairs
    assert "lstm" in layout.COMPARISON_PAGE.read_text()
    assert {"rnn", "lstm", "diff", "low", "high", "unsettled"} < set(read_json(layout.GLANCE))


def test_pictures_tables_and_the_page_are_of_these_trainings(finished: Path) -> None:
    assert "training_curves.png" in {file.name for file in layout.FIGURES.iterdir()}
    table = pd.read_csv(layout.HISTORY_TABLE)
    assert len(table) == 4 and set(table["model"]) == {"lstm", "rnn"}
    assert "Unnamed: 0" not in table.columns
    lengths = pd.read_csv(layout.LENGTHS_TABLE)
    assert lengths.equals(lengths.round(6)) and not lengths.equals(lengths.round(5))
    assert set(lengths["model"]) >= {"lstm", "rnn"} and lengths["rows"].sum() > 0
    assert "lstm" in layout.PAGE.read_text()


def test_what_earlier_runs_left_behind_is_gone(finished: Path) -> None:
    assert [left for left in LEFT_OVER if left.exists()] == []


def test_the_page_comes_out_the_same_without_what_is_left_behind(finished: Path) -> None:
    page, left = layout.PAGE.read_text(), layout.history(Run("lstm", 9))
    left.write_text("of an earlier run")
    stage("report")
    assert layout.PAGE.read_text() == page
    assert not left.exists()


def test_another_model_than_those_of_the_parameters_is_refused(finished: Path) -> None:
    with pytest.raises(UserError, match=r"--model lstn: no such model; params\.yaml has gru, lstm, rnn"):
        stage("train", "--model", "lstn", "--seed", "1")


class Clock(datetime):
    """Stands still, unlike the machine's own."""

    year_told = 1979

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Clock":
        return cls(cls.year_told, 12, 31, tzinfo=tz)


@pytest.mark.parametrize(("year", "sentence"), [(1979, "this machine's clock says 1979"), (1980, "no such model")])
def test_a_clock_that_was_never_set_is_refused(
    finished: Path, monkeypatch: pytest.MonkeyPatch, year: int, sentence: str
) -> None:
    monkeypatch.setattr(Clock, "year_told", year)
    monkeypatch.setattr("stages.train.datetime", Clock)
    with pytest.raises(UserError, match=sentence):
        stage("train", "--model", "lstn", "--seed", "1")


def test_sizes_are_measured_only_where_time_is_matched(tiny: Params, tmp_path: Path) -> None:
    with chdir(tmp_path):  # where there are no rows to measure with
        write_params(changed(tiny, match="parameters"))
        stage("size")
        units = {name: read_json(layout.size(name))["units"] for name in ("lstm", "rnn")}
        assert units["rnn"] > units["lstm"] == 3
        write_params(changed(tiny, match="time", **{"models.lstm.train": {"threads": 2}}))
        with pytest.raises(UserError, match=r"match: time needs the same train\.threads for all models"):
            stage("size")


def test_data_that_fail_a_critical_check_stop_here(
    finished: Path, tiny: Params, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with chdir(tmp_path):
        for file in (layout.ROWS, layout.REJECTED, layout.SUMMARY):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes((finished / file).read_bytes())
        write_params(changed(tiny, validate__min_rows_per_class=10_000))
        with pytest.raises(UserError, match=r"critical check; see reports/validation-failed\.html"):
            stage("validate")
        assert "critical" in layout.FAILED_VALIDATION.read_text()
        assert not layout.VALIDATION.exists()
        assert "critical" in capsys.readouterr().err


def test_figures_of_data_are_json_that_others_can_read(finished: Path) -> None:
    assert json.loads(layout.SUMMARY.read_text())["splits"]["test"]["negative"] > 0


def test_with_mlflow_switched_off_nothing_is_logged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_SYNC", "off")
    stage("track")
    assert capsys.readouterr().out == "MLFLOW_SYNC=off: nothing logged\n"


def test_an_mlflow_that_is_not_there_stops_only_those_who_insist(
    tiny: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    variables = {"DVC_ROOT": str(tmp_path), "MLFLOW_TRACKING_URI": uri, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    names = ("ingest", "tokenize_pad", "train@lstm-1", "train@rnn-1", "evaluate", "compare")
    with chdir(tmp_path):
        write_params(tiny)
        write_json(layout.LOCK, {"stages": {name: {"outs": []} for name in names}})
        monkeypatch.setenv("MLFLOW_SYNC", "strict")
        with pytest.raises(
            UserError, match=f"{uri}: MLflow cannot log this run .*; start it or set MLFLOW_TRACKING_URI"
        ):
            stage("track")
        monkeypatch.setenv("MLFLOW_SYNC", "warn")
        stage("track")
    shown = capsys.readouterr().err
    assert shown.startswith(f"warning: {uri}: MLflow cannot log this run (")
    assert shown.endswith("; start it or set MLFLOW_TRACKING_URI, then run `python -m stages.track`\n")


@pytest.mark.filterwarnings("ignore:.*found in sys.modules")
@pytest.mark.parametrize("name", sorted(file.stem for file in STAGES.glob("[!_]*.py")))
def test_a_mistake_ends_each_stage_with_a_sentence_and_a_status(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # where there are no parameters
    monkeypatch.setenv("MLFLOW_SYNC", "always")
    monkeypatch.setattr(sys, "argv", [name, *(["--model", "lstm", "--seed", "1"] if name == "train" else [])])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"stages.{name}", run_name="__main__")
    shown = capsys.readouterr().err
    assert ended.value.code == 1
    assert shown.startswith("error: MLFLOW_SYNC is " if name == "track" else "error: params.yaml: no such file")
    assert shown.count("\n") == 1
