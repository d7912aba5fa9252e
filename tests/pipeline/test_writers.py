"""Many writers, and a store that many have written to."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from rnnlab import params, store, tracking
from rnnlab.params import Params, Run
from rnnlab.results import Pipeline, Training

ROOT = Path(__file__).parents[2]
WRITERS = 4
# WRITER_ROUNDS=50 for a campaign.
ROUNDS = int(os.environ.get("WRITER_ROUNDS", "2"))


def result(key: str, folder: Path) -> Pipeline:
    """A small result of one network; its file is never loaded."""
    values = params.read(ROOT / "params.yaml").model_dump(by_alias=True)
    values |= {"compare": ["rnn"], "train": values["train"] | {"seeds": [1]}, "baselines": []}
    settings = Params.model_validate(values)
    network, vocabulary, history = folder / "rnn-1.keras", folder / "vocabulary.json", folder / "rnn-1.csv"
    network.write_bytes(b"weights" * 1000)
    vocabulary.write_text("[]")
    history.write_text("epoch,loss\n1,0.5\n")
    figures = {"accuracy": 0.5, "f1": 0.5, "roc_auc": 0.5, "log_loss": 0.7, "ece": 0.1}
    rows = [{"epoch": epoch, "loss": 0.5, "val_loss": 0.6, "val_accuracy": 0.7} for epoch in (1, 2, 3)]
    timings = {"started": "2026-01-01T10:00:00+00:00", "ended": "2026-01-01T10:01:00+00:00", "epoch_seconds": [1, 1, 1]}
    predictions = {"id": ["a", "b"], "label": [0, 1], "model": "rnn", "seed": 1, "probability": [0.1, 0.9]}
    return Pipeline(
        key=key,
        name=f"workspace-{key}",
        settings=settings,
        trainings={Run("rnn", 1): Training(rows, figures, 10, timings, network, history)},
        summary={"rnn": {"mean": figures, "sd": figures}},
        tags={"data": "reviews.csv", "data_version": "0123abcd"},
        comparison={"pairs": []},
        note="a table",
        artifacts=[history],
        encoding=vocabulary,
        predictions=pd.DataFrame(predictions),
        datasets={"train": ("0123abcd", 2)},
    )


def write(name: str, folder: Path) -> None:
    """Logs results as the track stage does: unless they are there already."""
    opened = store.connect()
    for number in range(ROUNDS):
        # Each writer has results of its own, and one that all of them have.
        for key in (f"{name}-{number}", f"shared-{number}"):
            with store.lock():
                if not tracking.find_finished(opened, key):
                    tracking.log_pipeline(opened, result(key, folder))


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    ours = ("MLFLOW_", "DVC_", "GIT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"DVC_ROOT": str(tmp_path)}


def test_concurrent_writers_lose_and_double_nothing(environment: Mapping[str, str], tmp_path: Path) -> None:
    writers = []
    for number in range(WRITERS):
        (tmp_path / str(number)).mkdir()
        script = (
            f"from tests.pipeline import test_writers as t; t.write('{number}', t.Path('{tmp_path / str(number)}'))"
        )
        command = (sys.executable, "-c", script)
        writers.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True))
    ends = [(writer.communicate()[1], writer.returncode) for writer in writers]
    assert [status for _, status in ends] == [0] * WRITERS, ends
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow/mlflow.db'}")
    [experiment] = client.search_experiments(filter_string=f"name = '{store.EXPERIMENT}'")
    runs = client.search_runs([experiment.experiment_id], max_results=5000)
    parents = {run.info.run_id: run.data.tags["pipeline_key"] for run in runs if run.data.tags["kind"] == "pipeline"}
    wanted = [f"{writer}-{number}" for writer in (*range(WRITERS), "shared") for number in range(ROUNDS)]
    assert sorted(parents.values()) == sorted(wanted)
    children = [run for run in runs if run.data.tags["kind"] == "model"]
    assert sorted(run.data.tags["mlflow.parentRunId"] for run in children) == sorted(parents)
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert all(len(client.get_metric_history(run.info.run_id, "val_loss")) == 3 for run in children)


def test_a_thousand_runs_do_not_slow_a_writer_down(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name not in environment]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    opened = store.connect()

    def seconds(batch: str) -> float:
        taken = []
        for number in range(5):
            start = time.process_time()
            tracking.log_pipeline(opened, result(f"{batch}-{number}", tmp_path))
            taken.append(time.process_time() - start)
        return sorted(taken)[2]

    seconds("warm-up")
    empty = seconds("empty")
    client = MlflowClient(opened.uri)
    for number in range(1000):
        tags = {"kind": "model", "pipeline_key": f"old-{number // 7}", "mlflow.parentRunId": f"parent-{number // 7}"}
        client.create_run(opened.experiment_id, tags=tags)
    assert seconds("full") < 1.3 * empty
