"""What all runs in MLflow have in common: how they are searched, and what is logged of a training."""

import getpass
import os
import platform
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunStatus, RunTag
from mlflow.entities import Run as MlflowRun

from rnnlab.project import overrides
from rnnlab.project.params import Params, Run
from rnnlab.project.results import NOTHING
from rnnlab.tracking.store import Store

FINISHED = RunStatus.to_string(RunStatus.FINISHED)
PARENT = "mlflow.parentRunId"
PAGE = 1000  # runs
Texts = Mapping[str, str]


def search(client: MlflowClient, store: Store, condition: str) -> list[MlflowRun]:
    """Finds all runs of the experiment that meet a condition in MLflow's words."""
    return every_page(client.search_runs, [store.experiment_id], condition, max_results=PAGE)


def every_page(find: Callable[..., Any], *conditions: Any, **options: Any) -> list[Any]:
    """Calls a search of MLflow for all of its pages."""
    entries: list[Any] = []
    page = find(*conditions, page_token=None, **options)
    while page.token:
        entries += page
        page = find(*conditions, page_token=page.token, **options)
    return [*entries, *page]


def process_tags() -> dict[str, str]:
    """Returns the tags that say who logs, from which process."""
    return {
        "host": platform.node(),
        "pid": str(os.getpid()),
        "mlflow.user": getpass.getuser(),
        "mlflow.source.name": "dvc repro",
        "mlflow.source.type": "LOCAL",
    }


def log_epochs(run_id: str, rows: Iterable[tuple[int, Mapping[str, float]]]) -> None:
    """Logs finished epochs: milliseconds since 1970 and a row of the history each."""
    cells = [(at, row["epoch"], *cell) for at, row in rows for cell in row.items() if cell[0] != "epoch"]
    points = [Metric(name, value, at, int(epoch)) for at, epoch, name, value in cells]
    MlflowClient().log_batch(run_id, metrics=points)


def log_facts(
    client: MlflowClient,
    run_id: str,
    when: int,
    figures: Mapping[str, float],
    params: Texts,
    tags: Texts = NOTHING,
    links: Mapping[str, Texts] = NOTHING,
) -> None:
    """Logs single figures, as of ``when`` (milliseconds since 1970), parameters and tags of a run.

    ``links`` has the model and the dataset that some figures are of: arguments of MLflow's ``Metric``, by figure.
    """
    client.log_batch(
        run_id,
        metrics=[Metric(name, float(value), when, 0, **links.get(name, {})) for name, value in figures.items()],
        params=[Param(name, value) for name, value in params.items()],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )


def logged_figures(figures: Mapping[str, Any]) -> dict[str, float]:
    """Names the test figures of a model as MLflow has them; tables among them are left out."""
    return {f"test_{name}": value for name, value in figures.items() if not isinstance(value, Mapping)}


def training_params(settings: Params, run: Run) -> dict[str, str]:
    """Returns the parameters in which trainings can differ, under names short enough for the table's columns."""
    options = settings.options_of(run.model)
    shared = {key: value for part in options.values() for key, value in part.items()}
    return {"model": run.model, "seed": str(run.seed), **flatten(shared)}


def flatten(values: Mapping[str, Any]) -> dict[str, str]:
    """Turns nested mappings into dotted keys with text values."""
    flat = overrides.flatten(values)
    return {key: str(list(value) if isinstance(value, tuple) else value) for key, value in flat.items()}
