"""A sweep in MLflow: one parent run, and a child for each trial, once."""

from collections.abc import Sequence

from mlflow import MlflowClient
from mlflow.entities import RunTag

from rnnlab.sweeps.trials import Outcome, Trial
from rnnlab.tracking import runs
from rnnlab.tracking.runs import FINISHED, PARENT
from rnnlab.tracking.store import Store, now


def open_sweep(store: Store, name: str, key: str, kind: str) -> str:
    """Finds the parent run of a sweep, finished or not, or opens one; ``key`` is the same for the same trials."""
    known = runs.search(MlflowClient(store.uri), store, f"tags.kind = '{kind}' and tags.sweep_key = '{key}'")
    return str(known[0].info.run_id) if known else _create(store, name, {"kind": kind, "sweep_key": key})


def logged_trials(store: Store, parent: str) -> set[str]:
    """Lists the keys of trials that are complete; what a writer left that was killed is removed."""
    client = MlflowClient(store.uri)
    children = runs.search(client, store, f"tags.{PARENT} = '{parent}'")
    for run in children:
        if run.info.status != FINISHED:
            client.delete_run(run.info.run_id)
    return {run.data.tags["trial_key"] for run in children if run.info.status == FINISHED}


def log_trial(store: Store, parent: str, trial: Trial, outcome: Outcome) -> None:
    """Records a trial; it is marked finished last."""
    client = MlflowClient(store.uri)
    run = trial.run
    tags = {"kind": "trial", "trial_key": trial.key, PARENT: parent, "model": run.model, "seed": str(run.seed)}
    tags |= {"match": trial.settings.match}
    tags |= {name: "true" for name in ("stopped", "diverged") if getattr(outcome, name)}
    tags |= {"network_sha256": outcome.network} if outcome.network else {}
    child = _create(store, run.name, tags)
    runs.log_epochs(child, [(now(), row) for row in outcome.history])
    figures = runs.logged_figures(outcome.test)
    if not outcome.diverged:
        figures |= {"best_val_loss": outcome.validation_loss, "best_epoch": outcome.best_epoch}
    figures |= {"parameters": outcome.parameters} if outcome.parameters else {}
    runs.log_facts(client, child, now(), figures, runs.training_params(trial.settings, run))
    client.set_terminated(child, FINISHED)


def close_sweep(store: Store, parent: str, page: str, failed: Sequence[str]) -> None:
    """Marks a sweep whose trials have all ended; ``page`` is shown on top of it."""
    client = MlflowClient(store.uri)
    client.log_batch(parent, tags=[RunTag("mlflow.note.content", page), RunTag("failed_trials", str(len(failed)))])
    client.log_text(parent, page, "sweep.md")
    client.set_terminated(parent, FINISHED)


def _create(store: Store, name: str, tags: dict[str, str]) -> str:
    tags = {**runs.process_tags(), "mlflow.source.name": "rnnlab", **tags}
    return str(MlflowClient(store.uri).create_run(store.experiment_id, now(), tags, name).info.run_id)
