"""A result that was never run, logged for real and read back from MLflow."""

import json
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from rnnlab.experiments import results
from rnnlab.project import layout
from rnnlab.project.params import NO_SEED, Params, Run
from rnnlab.project.results import Result
from rnnlab.tracking import live_runs, logged_models, pipeline_runs
from rnnlab.tracking.records import ENCODINGS, PREDICTIONS, Record
from rnnlab.tracking.store import Store
from tests.support.logged import throw_away_store
from tests.support.results import SERIES, changed, lay_out

DATASETS = {"train": ("0123abcd", 30), "validation": ("4567abcd", 4), "test": ("89ababcd", 6)}
START = "2026-01-02T03:04:05+00:00"
START_MS = 1_767_323_045_000
TASKS = {"text": {"train.seeds": [1, 2]}, "series": SERIES | {"train.seeds": [1, 2], "compare": ["lstm"]}}


class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context: Any, model_input: list[str], params: Any = None) -> list[str]:
        return model_input


class Logged(NamedTuple):
    """A result, and its runs as MLflow has them."""

    client: MlflowClient
    store: Store
    result: Result
    record: Record
    parent: MlflowRun
    children: dict[str, MlflowRun]

    def predictions(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.client.download_artifacts(self.children[name].info.run_id, PREDICTIONS))


def recorded(settings: Params, **changes: Any) -> Record:
    facts: dict[str, Any] = {
        "key": "key-of-it",
        "settings": settings,
        "tags": {"data": settings.data.csv, "mlflow.source.git.commit": "c0ffee"},
        "note": "what came of it",
        "artifacts": [layout.METRICS, layout.PARAMS],
        "datasets": DATASETS,
    }
    return Record(**facts | changes)


def logged(opened: Store, result: Result, record: Record) -> Logged:
    client = MlflowClient(opened.uri)
    parent = client.get_run(pipeline_runs.log_pipeline(opened, result, record))
    children = client.search_runs([opened.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    return Logged(client, opened, result, record, parent, {run.info.run_name: run for run in children})


def experiment(opened: Store, name: str) -> Store:
    """Opens an experiment of its own, beside the one of the store."""
    client = MlflowClient(opened.uri)
    known = client.get_experiment(opened.experiment_id).artifact_location
    return Store(opened.uri, client.create_experiment(name, artifact_location=f"{known}/{name}"))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with throw_away_store(tmp_path_factory.mktemp("project")) as opened:
        yield opened


@pytest.fixture(scope="module", params=TASKS)
def written(
    request: pytest.FixtureRequest, opened: Store, settings: Params, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Logged]:
    ours = changed(settings, **TASKS[request.param])
    with chdir(tmp_path_factory.mktemp(request.param)):
        lay_out(ours)
        for run in ours.runs:
            layout.network(run).parent.mkdir(exist_ok=True)
            layout.network(run).write_bytes(run.name.encode())
        encoding = ENCODINGS[ours.task]
        encoding.parent.mkdir(parents=True, exist_ok=True)
        encoding.write_text('{"mean": 0.0, "scale": 1.0}')
        result = results.read_workspace()._replace(name="it")
        timing = {"started": START, "ended": "2026-01-02T03:05:05+00:00", "epoch_seconds": [2.0, 1.0, 1.5]}
        result = result._replace(timings={ours.runs[0]: {**timing, "energy_kwh": 0.0012, "co2_grams": 0.45}})
        mlflow.set_tracking_uri(opened.uri)
        converged = {ours.runs[0]: "no: best epoch 12 of 12", None: "no: 1 of 2 seeds of it"}
        yield logged(experiment(opened, request.param), result, recorded(ours, converged=converged))


def test_every_training_and_baseline_is_a_finished_child(written: Logged) -> None:
    assert set(written.children) == {*(run.name for run in written.result.runs), *written.result.baselines}
    assert {run.info.status for run in (written.parent, *written.children.values())} == {"FINISHED"}
    assert {run.data.tags["mlflow.source.git.commit"] for run in written.children.values()} == {"c0ffee"}
    kinds = {name: run.data.tags["kind"] for name, run in written.children.items()}
    assert kinds == {
        **{run.name: "model" for run in written.result.runs},
        **dict.fromkeys(written.result.baselines, "baseline"),
    }


def test_a_training_and_the_pipeline_say_whether_they_had_converged_where_that_is_known(written: Logged) -> None:
    first = written.result.runs[0].name
    assert written.parent.data.tags["converged"] == "no: 1 of 2 seeds of it"
    told = {name: run.data.tags["converged"] for name, run in written.children.items() if "converged" in run.data.tags}
    assert told == {first: "no: best epoch 12 of 12"}


def test_each_child_has_its_own_predictions(written: Logged) -> None:
    table = written.result.predictions
    assert table is not None
    runs = {run.name: run for run in written.result.runs} | {
        name: Run(name, NO_SEED) for name in written.result.baselines
    }
    for name, (model, seed) in runs.items():
        rows = table[(table["model"] == model) & (table["seed"] == seed)].drop(columns=["model", "seed"])
        pd.testing.assert_frame_equal(written.predictions(name), rows.reset_index(drop=True))
    assert len(runs) >= 3


def test_each_child_names_the_data_that_it_read(written: Logged) -> None:
    assert written.children
    for run in written.children.values():
        inputs = {each.tags[0].value: each.dataset for each in run.inputs.dataset_inputs}
        assert {split: (one.digest, json.loads(one.profile)["rows"]) for split, one in inputs.items()} == DATASETS
        assert {one.name.partition(" ")[0] for one in inputs.values()} == {Path(written.record.settings.data.csv).name}


def test_a_training_has_the_parameters_of_its_model_and_of_its_task(written: Logged) -> None:
    settings = written.record.settings
    params = written.children["lstm-1"].data.params
    assert (params["model"], params["seed"], params["cell"]) == ("lstm", "1", "lstm")
    assert params["learning_rate"] == str(settings.training_of("lstm").learning_rate)
    asked = settings.series if settings.task == "series" else settings.tokenize_pad
    other = settings.tokenize_pad if settings.task == "series" else settings.series
    assert set(asked.model_dump()) <= set(params)
    assert not set(other.model_dump()) & set(params)


def test_a_training_has_its_own_scores_and_its_best_epoch(written: Logged) -> None:
    scores = written.result.metrics["lstm"]["per_seed"]["1"]
    figures = written.children["lstm-1"].data.metrics
    name = written.result.measure.key
    assert figures[f"test_{name}"] == pytest.approx(scores[name])
    history = written.result.histories[Run("lstm", 1)]
    assert figures["best_val_loss"] == pytest.approx(history["val_loss"].min())
    assert figures["best_epoch"] == history["epoch"][history["val_loss"].idxmin()]
    assert figures["parameters"] == 1234
    assert (
        f"seed 1, trained on `{written.record.settings.data.csv}`"
        in (written.children["lstm-1"].data.tags["mlflow.note.content"])
    )


def test_a_baseline_has_its_scores_and_no_curve(written: Logged) -> None:
    for name in written.result.baselines:
        figures = written.children[name].data.metrics
        key = written.result.measure.key
        assert figures[f"test_{key}"] == pytest.approx(written.result.metrics[name]["mean"][key])
        assert "loss" not in figures
        assert written.children[name].data.params == {"model": name}
    assert written.result.baselines


def test_curves_are_drawn_over_the_time_that_the_training_took(written: Logged) -> None:
    run = written.result.runs[0]
    child = written.children[run.name]
    points = sorted(written.client.get_metric_history(child.info.run_id, "val_loss"), key=lambda point: point.step)
    history = written.result.histories[run]
    assert [point.step for point in points] == history["epoch"].tolist()
    assert [point.value for point in points] == pytest.approx(history["val_loss"].tolist())
    assert [point.timestamp - START_MS for point in points] == [2000, 3000, 4500]
    assert (child.info.start_time, child.info.end_time) == (START_MS, START_MS + 60_000)
    assert child.data.metrics["seconds_per_epoch"] == 1.5
    assert (child.data.metrics["energy_kwh"], child.data.metrics["co2_grams"]) == (0.0012, 0.45)


def test_a_training_whose_timings_are_lost_is_logged_all_the_same(written: Logged) -> None:
    lost = [run for run in written.result.runs if run not in written.result.timings]
    for run in lost:
        child = written.children[run.name]
        assert not {"seconds_per_epoch", "energy_kwh", "co2_grams"} & child.data.metrics.keys()
        assert child.info.start_time > START_MS
        points = written.client.get_metric_history(child.info.run_id, "loss")
        assert len(points) == len(written.result.histories[run])
    assert len(lost) == len(written.result.runs) - 1


def test_the_parent_has_means_differences_and_files(written: Logged) -> None:
    parent, result = written.parent, written.result
    assert parent.info.run_name == "it"
    assert parent.info.start_time == START_MS
    assert parent.data.tags["kind"] == "pipeline"
    assert parent.data.tags["mlflow.note.content"] == "what came of it"
    key = result.measure.key
    assert parent.data.metrics[f"lstm.{key}.mean"] == pytest.approx(result.metrics["lstm"]["mean"][key])
    assert parent.data.metrics[f"lstm.{key}.sd"] == pytest.approx(result.metrics["lstm"]["sd"][key])
    [pair, *_] = result.comparison["pairs"]
    named = f"{pair['first']}-{pair['second']}.low"
    assert parent.data.metrics[named] == pytest.approx(pair["difference"]["low"])
    assert parent.data.params["models.lstm.units"] == str(written.record.settings.models["lstm"].units)
    files = {artifact.path for artifact in written.client.list_artifacts(parent.info.run_id)}
    assert files == {"metrics.json", "params.yaml"}


def test_a_training_has_its_history_and_its_network(written: Logged) -> None:
    for run in written.result.runs:
        child = written.children[run.name]
        files = {artifact.path for artifact in written.client.list_artifacts(child.info.run_id)}
        assert files >= {layout.history(run).name, PREDICTIONS}
        [model] = child.outputs.model_outputs
        folder = Path(mlflow.artifacts.download_artifacts(f"models:/{model.model_id}"))
        [network] = folder.glob("artifacts/*.keras")
        assert network.read_bytes() == run.name.encode()
    assert written.result.runs


def test_each_network_is_a_model_of_its_own_with_figures_by_data(written: Logged) -> None:
    models = {model.name: model for model in written.client.search_logged_models([written.store.experiment_id])}
    assert set(models) == {run.name for run in written.result.runs}
    data = {each.dataset.name: each.dataset.digest for each in written.children["lstm-1"].inputs.dataset_inputs}
    for name, model in models.items():
        child = written.children[name]
        assert model.source_run_id == child.info.run_id
        assert model.params == child.data.params
        figures = {figure.key: figure for figure in model.metrics}
        assert {key: figure.value for key, figure in figures.items()} == {
            key: value for key, value in child.data.metrics.items() if key in figures
        }
        on = {key: (figure.dataset_name, figure.dataset_digest) for key, figure in figures.items()}
        csv = Path(written.record.settings.data.csv).name
        assert on[f"test_{written.result.measure.key}"] == (f"{csv} test", DATASETS["test"][0])
        assert on["best_val_loss"] == on["best_epoch"] == (f"{csv} validation", DATASETS["validation"][0])
        assert on["parameters"] == (None, None)
        assert {pair for pair in on.values() if pair != (None, None)} <= set(data.items())


def test_models_are_sorted_by_a_figure_on_the_test_rows(written: Logged) -> None:
    figure = f"test_{written.result.measure.key}"
    csv = Path(written.record.settings.data.csv).name
    order = {
        "field_name": f"metrics.{figure}",
        "ascending": True,
        "dataset_name": f"{csv} test",
        "dataset_digest": DATASETS["test"][0],
    }
    found = written.client.search_logged_models([written.store.experiment_id], order_by=[order])
    values = [written.children[model.name].data.metrics[figure] for model in found]
    assert len(values) == len(written.result.runs) and values == sorted(values)


def test_a_figure_that_is_no_number_is_of_no_model(written: Logged) -> None:
    """MLflow would show it as 0."""
    links = pipeline_runs._links({"test_roc_auc": float("nan"), "test_mse": float("inf"), "test_f1": 0.5}, "m-1", [])
    assert links == {"test_f1": {"model_id": "m-1"}}


def test_a_model_is_found_whatever_its_name(written: Logged, tmp_path: Path) -> None:
    child = written.children["lstm-1"]
    assert logged_models.address(child) == f"models:/{child.outputs.model_outputs[0].model_id}"
    run_id = written.client.create_run(written.store.experiment_id, tags={"kind": "old"}).info.run_id
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=Echo(), pip_requirements=[])
    written.client.log_artifacts(run_id, str(tmp_path / "model"), "model")  # as MLflow 2 kept models
    old = written.client.get_run(run_id)
    assert mlflow.pyfunc.load_model(logged_models.address(old)).predict(["said"]) == ["said"]


def test_a_finished_result_is_found_by_its_key(written: Logged) -> None:
    found = pipeline_runs.find_finished(written.store, "key-of-it")
    assert found is not None and found.info.run_id == written.parent.info.run_id
    assert pipeline_runs.find_finished(written.store, "another") is None
    newest = pipeline_runs.finished_pipelines(written.store)[0]
    assert newest.info.run_id == written.parent.info.run_id
    networks = pipeline_runs.networks_of(written.store, newest.info.run_id)
    assert {run.info.run_name for run in networks} == {run.name for run in written.result.runs}


def test_a_result_is_logged_anew_in_place_of_what_a_killed_writer_left(written: Logged) -> None:
    store = experiment(written.store, f"{written.result.task.name}-again")
    run = written.result.runs[0]
    live = live_runs.start_live_run(store, run, "killed", START_MS)  # gone with the first record, which took it over
    result = written.result._replace(timings={run: {**written.result.timings[run], "mlflow_run": live}})
    first, second = (logged(store, result, written.record) for _ in range(2))
    runs = written.client.search_runs([store.experiment_id], max_results=100)
    assert {run.info.run_id for run in runs} == {
        second.parent.info.run_id,
        *(run.info.run_id for run in second.children.values()),
    }
    assert first.parent.info.run_id != second.parent.info.run_id
    assert first.children[run.name].info.run_id == live


def test_the_live_run_of_a_training_becomes_its_record(written: Logged) -> None:
    store = experiment(written.store, f"{written.result.task.name}-live")
    run = written.result.runs[0]
    live = live_runs.start_live_run(store, run, "training-key", START_MS)
    written.client.log_metric(live, "val_loss", 9.0, START_MS + 7, 1)
    timing = {**written.result.timings[run], "mlflow_run": live}
    adopted = logged(store, written.result._replace(timings={run: timing}), written.record)
    assert adopted.children[run.name].info.run_id == live
    assert adopted.children[run.name].data.tags["kind"] == "model"
    points = written.client.get_metric_history(live, "val_loss")
    assert sorted(point.step for point in points) == written.result.histories[run]["epoch"].tolist()
    assert [point.value for point in points if point.step == 1] == [9.0]  # what was seen live stays


def test_an_empty_store_has_no_finished_result(opened: Store) -> None:
    assert pipeline_runs.finished_pipelines(experiment(opened, "empty")) == []
