"""Many writers, and a store that many have written to."""

import os
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from rnnlab.tracking import pipeline_runs, store
from tests.support import writers


@pytest.mark.weekly
def test_concurrent_writers_lose_and_double_nothing(tmp_path: Path) -> None:
    writers.race(writers.environment(tmp_path), tmp_path)
    writers.assert_nothing_is_lost_or_doubled(MlflowClient(f"sqlite:///{tmp_path / 'mlflow/mlflow.db'}"))


@pytest.mark.weekly
def test_a_thousand_runs_do_not_slow_a_writer_down(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name not in writers.environment(tmp_path)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    opened = store.connect()

    def seconds(batch: str) -> float:
        taken = []
        for number in range(5):
            start = time.process_time()
            pipeline_runs.log_pipeline(opened, *writers.result(f"{batch}-{number}", tmp_path))
            taken.append(time.process_time() - start)
        return sorted(taken)[2]

    seconds("warm-up")
    empty = seconds("empty")
    client = MlflowClient(opened.uri)
    for number in range(1000):
        tags = {"kind": "model", "pipeline_key": f"old-{number // 7}", "mlflow.parentRunId": f"parent-{number // 7}"}
        client.create_run(opened.experiment_id, tags=tags)
    assert seconds("full") < 1.3 * empty
