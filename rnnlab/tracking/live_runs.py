"""MLflow runs of trainings under way: opened, fed and closed here, adopted by `rnnlab.tracking.pipeline_runs` afterwards."""

import getpass
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.entities import Run as MlflowRun
from mlflow.environment_variables import MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from rnnlab.project.params import Run
from rnnlab.tracking.store import Store


def start_live_run(store: Store, run: Run, key: str, started: int) -> str:
    """Opens a run for a training that began at ``started`` (ms since 1970); unended attempts at it are removed."""
    client = MlflowClient(store.uri)
    for stale in search(client, store, f"tags.kind = 'live' and tags.training_key = '{key}'"):
        client.delete_run(stale.info.run_id)
    tags = {"kind": "live", "training_key": key, "model": run.model, "seed": str(run.seed), **process_tags()}
    return str(client.create_run(store.experiment_id, started, tags, f"{run.name} (training)").info.run_id)


def log_epochs(run_id: str, rows: Iterable[tuple[int, Mapping[str, float]]]) -> None:
    """Logs finished epochs: milliseconds since 1970 and a row of the history each."""
    points = [
        Metric(name, value, timestamp, int(row["epoch"]))
        for timestamp, row in rows
        for name, value in row.items()
        if name != "epoch"
    ]
    MlflowClient().log_batch(run_id, metrics=points)


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


def process_tags() -> dict[str, str]:
    """Tells who logs, from which process."""
    return {
        "host": platform.node(),
        "pid": str(os.getpid()),
        "mlflow.user": getpass.getuser(),
        "mlflow.source.name": "dvc repro",
        "mlflow.source.type": "LOCAL",
    }


def search(client: MlflowClient, store: Store, condition: str) -> list[MlflowRun]:
    """Finds runs of the experiment by a condition in MLflow's words."""
    return list(client.search_runs([store.experiment_id], condition, max_results=1000))
