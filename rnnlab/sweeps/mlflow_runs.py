"""A sweep in MLflow: one parent run, and a child for each trial, once."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import RunTag

from rnnlab.sweeps.trials import Outcome, Trial
from rnnlab.tracking.runs import (
    FINISHED,
    PARENT,
    log_epochs,
    log_facts,
    logged_figures,
    process_tags,
    search,
    training_params,
)
from rnnlab.tracking.store import Store, now


def open_sweep(store: Store, name: str, key: str) -> str:
    """Finds the parent run of a sweep, finished or not, or opens one.

    Args:
        store: an open store.
        name: of the sweep.
        key: the same for the same trials.
    """
    client = MlflowClient(store.uri)
    known = search(client, store, f"tags.kind = 'sweep' and tags.sweep_key = '{key}'")
    if known:
        return str(known[0].info.run_id)
    tags = {**_tags(), "kind": "sweep", "sweep_key": key}
    return str(client.create_run(store.experiment_id, now(), tags, name).info.run_id)


def logged_trials(store: Store, parent: str) -> set[str]:
    """Lists the keys of trials that are complete; what a writer left that was killed is removed."""
    client = MlflowClient(store.uri)
    runs = search(client, store, f"tags.{PARENT} = '{parent}'")
    for run in runs:
        if run.info.status != FINISHED:
            client.delete_run(run.info.run_id)
    return {run.data.tags["trial_key"] for run in runs if run.info.status == FINISHED}


def log_trial(store: Store, parent: str, trial: Trial, outcome: Outcome) -> None:
    """Records a trial; it is marked finished last."""
    client = MlflowClient(store.uri)
    settings, run = trial.settings, trial.run
    tags = {**_tags(), "kind": "trial", "trial_key": trial.key, PARENT: parent}
    tags |= {"model": run.model, "seed": str(run.seed)}
    tags |= {"stopped": "true"} if outcome.stopped else {"network_sha256": outcome.network}
    child = client.create_run(store.experiment_id, now(), tags, run.name).info.run_id
    log_epochs(child, [(now(), row) for row in outcome.history])
    figures = logged_figures(outcome.test)
    figures |= {"best_val_loss": outcome.validation_loss, "best_epoch": outcome.best_epoch}
    figures |= {} if outcome.stopped else {"parameters": outcome.parameters}
    log_facts(client, child, now(), figures, training_params(settings, run))
    client.set_terminated(child, FINISHED)


def close_sweep(store: Store, parent: str, page: str, failed: Sequence[str]) -> None:
    """Marks a sweep whose trials have all ended; ``page`` is shown on top of it."""
    client = MlflowClient(store.uri)
    client.log_batch(parent, tags=[RunTag("mlflow.note.content", page), RunTag("failed_trials", str(len(failed)))])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sweep.md"
        file.write_text(page, encoding="utf-8")
        client.log_artifact(parent, str(file))
    client.set_terminated(parent, FINISHED)


def _tags() -> dict[str, str]:
    return {**process_tags(), "mlflow.source.name": "rnnlab sweep"}
