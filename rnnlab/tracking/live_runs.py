"""MLflow runs of trainings under way; `rnnlab.tracking.pipeline_runs` adopts those of finished ones."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow import MlflowClient
from mlflow.environment_variables import MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from rnnlab.project.params import Run
from rnnlab.tracking.runs import process_tags, search
from rnnlab.tracking.store import Store


def start_live_run(store: Store, run: Run, key: str, started: int) -> str:
    """Opens a run for a training that began at ``started`` (ms since 1970); unended attempts at it are removed."""
    client = MlflowClient(store.uri)
    for stale in search(client, store, f"tags.kind = 'live' and tags.training_key = '{key}'"):
        client.delete_run(stale.info.run_id)
    tags = {"kind": "live", "training_key": key, "model": run.model, "seed": str(run.seed), **process_tags()}
    return str(client.create_run(store.experiment_id, started, tags, f"{run.name} (training)").info.run_id)


@contextmanager
def system_metrics(run_id: str) -> Iterator[None]:
    """Logs what the machine is doing, if ``MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING`` asks for it."""
    if not MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING.get():
        yield
        return
    monitor = SystemMetricsMonitor(run_id)
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()


def end_live_run(run_id: str, status: str) -> None:
    """Marks a live run whose training did not finish."""
    MlflowClient().set_terminated(run_id, status)


def mark_dead_live_runs(store: Store) -> None:
    """Closes runs of killed trainings, which cannot do so themselves and would look like running for ever."""
    client = MlflowClient(store.uri)
    for live in search(client, store, f"tags.kind = 'live' and tags.host = '{platform.node()}'"):
        if live.info.status == "RUNNING" and not _is_alive(int(live.data.tags["pid"])):
            client.set_terminated(live.info.run_id, "KILLED")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
