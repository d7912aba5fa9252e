"""Runs of trainings that are under way, and what becomes of them when their process has died."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from mlflow import MlflowClient

from rnnlab.project.params import Run
from rnnlab.tracking import live_runs
from rnnlab.tracking.store import Store
from tests.support.logged import throw_away_store


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with throw_away_store(tmp_path_factory.mktemp("project")) as opened:
        yield opened


def ended_process() -> int:
    with subprocess.Popen((sys.executable, "-c", "")) as process:
        process.wait()
    return process.pid


def test_only_running_trainings_of_this_machine_whose_process_is_gone_are_closed(opened: Store) -> None:
    client, dead = MlflowClient(opened.uri), str(ended_process())
    facts = {
        "lost": ({"pid": dead}, "RUNNING"),
        "alive": ({"pid": str(os.getpid())}, "RUNNING"),
        "elsewhere": ({"pid": dead, "host": "another-machine"}, "RUNNING"),
        "failed": ({"pid": dead}, "FAILED"),
    }
    runs = {}
    for name, (tags, status) in facts.items():
        runs[name] = live_runs.start_live_run(opened, Run("lstm", 1), name, 1_000)
        for tag, value in tags.items():
            client.set_tag(runs[name], tag, value)
        client.update_run(runs[name], status=status)
    live_runs.mark_dead_live_runs(opened)
    found = {name: client.get_run(run_id).info.status for name, run_id in runs.items()}
    assert found == {"lost": "KILLED", "alive": "RUNNING", "elsewhere": "RUNNING", "failed": "FAILED"}


def test_another_attempt_replaces_the_one_before(opened: Store) -> None:
    client = MlflowClient(opened.uri)
    first = live_runs.start_live_run(opened, Run("rnn", 2), "the-same", 1_000)
    other = live_runs.start_live_run(opened, Run("rnn", 3), "another", 1_000)
    second = live_runs.start_live_run(opened, Run("rnn", 2), "the-same", 2_000)
    stages = {run_id: client.get_run(run_id).info.lifecycle_stage for run_id in (first, other, second)}
    assert stages == {first: "deleted", other: "active", second: "active"}
    run = client.get_run(second)
    assert (run.info.run_name, run.info.start_time, run.info.status) == ("rnn-2 (training)", 2_000, "RUNNING")
    assert (run.data.tags["kind"], run.data.tags["model"], run.data.tags["seed"]) == ("live", "rnn", "2")
    assert run.data.tags["pid"] == str(os.getpid())


@pytest.mark.parametrize("asked", ["true", "false"])
def test_what_the_machine_does_is_logged_only_when_asked_for(
    opened: Store, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", asked)
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "1")
    run_id = live_runs.start_live_run(opened, Run("gru", 1), "watched", 1_000)
    client, deadline = MlflowClient(opened.uri), time.monotonic() + (30 if asked == "true" else 1)
    with live_runs.system_metrics(run_id):
        while not client.get_run(run_id).data.metrics and time.monotonic() < deadline:
            time.sleep(0.1)
    assert bool(client.get_run(run_id).data.metrics) == (asked == "true")
