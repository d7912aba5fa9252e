"""What reaches MLflow, and what happens when it cannot."""

import json
import socket
import sqlite3
from contextlib import closing

import pandas as pd
import pytest
from mlflow import MlflowClient, pyfunc, set_tracking_uri

from rnnlab.tracking import logged_models
from tests.pipeline.conftest import Project


@pytest.fixture(scope="module")
def client(finished: Project) -> MlflowClient:
    uri = f"sqlite:///{finished.folder / 'mlflow/mlflow.db'}"
    set_tracking_uri(uri)
    return MlflowClient(uri)


def test_one_parent_with_a_child_for_each_model_and_seed(finished: Project) -> None:
    [parent] = finished.runs("tags.kind = 'pipeline'")
    children = finished.runs("tags.kind = 'model'")
    assert {run.info.run_name for run in children} == {"rnn-1", "rnn-2", "lstm-1", "lstm-2"}
    baselines = finished.runs("tags.kind = 'baseline'")
    assert {run.info.run_name for run in baselines} == {"majority", "tfidf", "nbsvm"}
    assert all(0.3 < run.data.metrics["test_accuracy"] <= 1 for run in baselines)
    children += baselines
    assert {run.info.status for run in [parent, *children]} == {"FINISHED"}
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert not finished.runs("tags.kind = 'live'")
    commit = finished.run("git", "rev-list", "--max-parents=0", "HEAD").stdout.strip()
    for run in [parent, *children]:
        assert run.data.tags["mlflow.source.git.commit"] == commit
        assert run.data.tags["mlflow.source.name"]
        assert run.data.tags["dvc_lock"]
    assert parent.data.params["models.lstm.units"] == "4"
    assert "lstm.accuracy.mean" in parent.data.metrics
    ends = [parent.data.metrics[f"lstm-rnn.{end}"] for end in ("low", "mean", "high")]
    assert ends == sorted(ends)
    assert "95 % interval" in parent.data.tags["mlflow.note.content"]
    told = json.loads((finished.folder / "reports/comparison.json").read_text())["convergence"]
    late = [f"{len(one['reasons'])} of 2 seeds of {name}" for name, one in told.items() if one["reasons"]]
    assert sorted(parent.data.tags["converged"].removeprefix("no: ").split(", ")) == sorted(late or ["yes"])


def test_children_hold_curves_with_real_times(finished: Project, client: MlflowClient) -> None:
    for run in finished.runs("tags.kind = 'model'"):
        history = pd.read_csv(finished.folder / f"reports/history/{run.info.run_name}.csv")
        for figure in ("loss", "accuracy", "val_loss", "val_accuracy"):
            points = sorted(client.get_metric_history(run.info.run_id, figure), key=lambda point: point.step)
            assert [point.step for point in points] == [1, 2]
            assert [point.value for point in points] == pytest.approx(history[figure].tolist(), abs=1e-5)
            assert run.info.start_time <= points[0].timestamp <= points[1].timestamp <= run.info.end_time
        best = history["val_loss"].idxmin()
        assert run.data.metrics["best_val_loss"] == pytest.approx(history["val_loss"][best], abs=1e-5)
        assert run.data.metrics["best_epoch"] == history["epoch"][best]
        assert ("best epoch 2 of 2" in run.data.tags["converged"]) == (history["epoch"][best] == 2)
        assert run.data.metrics["seconds_per_epoch"] > 0
        assert run.data.params["cell"] in ("simple_rnn", "lstm")


def test_the_logged_model_predicts_from_text_what_evaluate_did(finished: Project, client: MlflowClient) -> None:
    [run] = [run for run in finished.runs("tags.kind = 'model'") if run.info.run_name == "lstm-1"]
    reviews = pd.read_parquet(finished.folder / "data/interim/rows.parquet")
    predictions = pd.read_parquet(finished.folder / "data/predictions.parquet")
    wanted = predictions[(predictions["model"] == "lstm") & (predictions["seed"] == 1)].set_index("id")["probability"]
    texts = reviews[reviews["id"].isin(wanted.index)].set_index("id")["text"]
    answer = pyfunc.load_model(logged_models.address(run)).predict(pd.DataFrame({"text": texts.tolist()}))
    certain = wanted[texts.index].where(wanted[texts.index] >= 0.5, 1 - wanted[texts.index])
    assert answer["probability"].tolist() == pytest.approx(certain.tolist(), abs=1e-5)
    assert set(answer["label"]) <= {"negative", "positive"}


def test_the_parent_holds_figures_and_reports(finished: Project, client: MlflowClient) -> None:
    [parent] = finished.runs("tags.kind = 'pipeline'")
    top = {artifact.path for artifact in client.list_artifacts(parent.info.run_id)}
    assert top >= {
        "figures",
        "explanations",
        "metrics.json",
        "comparison.md",
        "validation.md",
        "params.yaml",
        "dvc.lock",
    }
    figures = {artifact.path for artifact in client.list_artifacts(parent.info.run_id, "figures")}
    assert "figures/training_curves.png" in figures


def test_a_second_track_logs_nothing(project: Project) -> None:
    before = len(project.runs())
    assert "already in MLflow as workspace-" in project.inside("stages.track").stdout
    assert len(project.runs()) == before


def test_an_unfinished_earlier_attempt_is_replaced(project: Project) -> None:
    client = MlflowClient(f"sqlite:///{project.folder / 'mlflow/mlflow.db'}")
    [parent] = project.runs("tags.kind = 'pipeline'")
    client.update_run(parent.info.run_id, status="RUNNING")
    assert "logged to MLflow" in project.inside("stages.track").stdout
    [again] = project.runs("tags.kind = 'pipeline'")
    assert again.info.run_id != parent.info.run_id
    assert again.info.status == "FINISHED"
    assert len(project.runs("tags.kind = 'model'")) == 4


@pytest.mark.parametrize(("mode", "status"), [("strict", 1), ("warn", 0), ("off", 0)])
def test_a_dead_server_fails_only_when_strict(project: Project, mode: str, status: int) -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{unused.getsockname()[1]}"
    variables = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_SYNC": mode}
    done = project.inside("stages.track", expect=status, **variables)
    assert "Traceback" not in done.stderr
    assert (f"{uri}: MLflow cannot log this run" in done.stderr) == (mode != "off")


def test_a_locked_database_is_told_apart_by_mode(project: Project) -> None:
    database = project.folder / "mlflow/mlflow.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        done = project.inside("stages.track", expect=1, MLFLOW_SYNC="strict")
        assert "locked" in done.stderr
        assert "Traceback" not in done.stderr


def test_an_unknown_mode_is_refused(project: Project) -> None:
    done = project.inside("stages.track", expect=1, MLFLOW_SYNC="maybe")
    assert done.stderr == "error: MLFLOW_SYNC is 'maybe'; set it to strict, warn or off\n"
