"""A sweep in MLflow: one parent run, and one child run per trial."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunStatus, RunTag

from rnnlab.sweeps.trials import Outcome, Trial
from rnnlab.tracking.live_runs import log_epochs, process_tags, search
from rnnlab.tracking.pipeline_runs import flatten
from rnnlab.tracking.store import Store

FINISHED = RunStatus.to_string(RunStatus.FINISHED)


def open_sweep(store: Store, name: str, key: str) -> str:
    """Returns the parent run of a sweep, finished or not, or opens one.

    Args:
        store: an open store.
        name: of the sweep.
        key: the same for the same trials.
    """
    client = MlflowClient(store.uri)
    runs = search(client, store, f"tags.kind = 'sweep' and tags.sweep_key = '{key}'")
    if runs:
        return str(runs[0].info.run_id)
    tags = {**_tags(), "kind": "sweep", "sweep_key": key}
    return str(client.create_run(store.experiment_id, _now(), tags, name).info.run_id)


def logged_trials(store: Store, parent: str) -> set[str]:
    """Returns the keys of trials that are logged; runs that a killed process left incomplete are removed."""
    client = MlflowClient(store.uri)
    keys = set()
    token = None
    while True:
        page = client.search_runs(
            [store.experiment_id], f"tags.mlflow.parentRunId = '{parent}'", max_results=1000, page_token=token
        )
        for run in page:
            if run.info.status == FINISHED:
                keys.add(run.data.tags["trial_key"])
            else:
                client.delete_run(run.info.run_id)
        if not (token := page.token):
            return keys


def log_trial(store: Store, parent: str, trial: Trial, outcome: Outcome) -> None:
    """Logs a trial; its run is marked finished last."""
    client = MlflowClient(store.uri)
    settings, run = trial.settings, trial.run
    tags = {**_tags(), "kind": "trial", "trial_key": trial.key, "mlflow.parentRunId": parent}
    tags |= {"model": run.model, "seed": str(run.seed)}
    tags |= {"stopped": "true"} if outcome.stopped else {"network_sha256": outcome.network}
    child = client.create_run(store.experiment_id, _now(), tags, run.name).info.run_id
    log_epochs(child, [(_now(), row) for row in outcome.history])
    metrics = {f"test_{name}": value for name, value in outcome.test.items() if not isinstance(value, Mapping)}
    metrics |= {"best_val_loss": outcome.validation_loss, "best_epoch": outcome.best_epoch}
    metrics |= {} if outcome.stopped else {"parameters": outcome.parameters}
    values = {**settings.models[run.model].model_dump(), **settings.train.model_dump(exclude={"seeds"})}
    params = {"model": run.model, "seed": str(run.seed), **flatten(values)}
    client.log_batch(
        child,
        metrics=[Metric(name, float(value), _now(), 0) for name, value in metrics.items()],
        params=[Param(name, value) for name, value in params.items()],
    )
    client.set_terminated(child, FINISHED)


def close_sweep(store: Store, parent: str, page: str, failed: Sequence[str]) -> None:
    """Marks a sweep as finished; MLflow shows ``page`` as the description of its run."""
    client = MlflowClient(store.uri)
    client.log_batch(parent, tags=[RunTag("mlflow.note.content", page), RunTag("failed_trials", str(len(failed)))])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sweep.md"
        file.write_text(page, encoding="utf-8")
        client.log_artifact(parent, str(file))
    client.set_terminated(parent, FINISHED)


def _tags() -> dict[str, str]:
    return {**process_tags(), "mlflow.source.name": "rnnlab sweep"}


def _now() -> int:
    return time.time_ns() // 1_000_000
