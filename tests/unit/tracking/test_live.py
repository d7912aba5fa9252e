import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from rnnlab.project.params import Params, Run
from rnnlab.tracking import live, store

RUN = Run("lstm", 1)
ROWS = [{"epoch": epoch, "loss": 1 / epoch, "val_loss": 2 / epoch} for epoch in (1, 2, 3)]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> store.Store:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_SYNC", "DVC_EXP_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setattr(live, "AFTER_SECONDS", 0.0)
    return store.connect()


def watched(settings: Params, fails: type[BaseException] | None = None) -> str | None:
    with live.watching(RUN, settings) as watcher:
        for row in ROWS:
            watcher.epoch(row)
        if fails:
            raise fails
    return watcher.run_id


def test_epochs_become_curves_of_a_run_that_is_not_finished(settings: Params, opened: store.Store) -> None:
    run_id = watched(settings)
    assert run_id
    client = MlflowClient(opened.uri)
    points = client.get_metric_history(run_id, "val_loss")
    assert sorted((point.step, point.value) for point in points) == [(1, 2.0), (2, 1.0), (3, pytest.approx(2 / 3))]
    assert client.get_run(run_id).info.status == "RUNNING"


def test_what_the_machine_does_is_logged_when_asked_for(
    settings: Params, opened: store.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "1")
    client = MlflowClient(opened.uri)
    with live.watching(RUN, settings) as watcher:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = client.get_run(watcher.run_id).data.metrics if watcher.run_id else {}
            if "system/cpu_utilization_percentage" in found:
                break
            time.sleep(0.2)
    assert 0 <= found["system/cpu_utilization_percentage"] <= 100
    assert found["system/system_memory_usage_megabytes"] > 0


@pytest.mark.parametrize(("failure", "status"), [(RuntimeError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_training_that_fails_says_so(
    settings: Params, opened: store.Store, failure: type[BaseException], status: str
) -> None:
    with pytest.raises(failure):
        watched(settings, failure)
    [run] = MlflowClient(opened.uri).search_runs([opened.experiment_id])
    assert run.info.status == status


def test_the_next_attempt_replaces_one_that_never_ended(settings: Params, opened: store.Store) -> None:
    first, second = watched(settings), watched(settings)
    [run] = MlflowClient(opened.uri).search_runs([opened.experiment_id])
    assert run.info.run_id == second != first


def test_a_training_of_other_parameters_replaces_nothing(settings: Params, opened: store.Store) -> None:
    model = settings.models["lstm"].model_copy(update={"units": 5})
    other = settings.model_copy(update={"models": {**settings.models, "lstm": model}})
    watched(settings)
    watched(other)
    assert len(MlflowClient(opened.uri).search_runs([opened.experiment_id])) == 2


def test_a_short_training_does_without(settings: Params, opened: store.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "AFTER_SECONDS", 30.0)
    assert watched(settings) is None
    assert MlflowClient(opened.uri).search_runs([opened.experiment_id]) == []


@pytest.mark.parametrize("mode", ["strict", "warn"])
def test_a_dead_server_never_fails_training(
    settings: Params,
    opened: store.Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    mode: str,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_SYNC", mode)
    assert watched(settings) is None
    assert "warning: no live curves in MLflow" in capsys.readouterr().err


def test_off_logs_nothing(settings: Params, opened: store.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SYNC", "off")
    assert watched(settings) is None
    assert MlflowClient(opened.uri).search_runs([opened.experiment_id]) == []
