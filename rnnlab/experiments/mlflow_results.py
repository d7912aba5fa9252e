"""Results that MLflow keeps, read back: a pipeline, or one model of it with one seed."""

import functools
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from rnnlab.experiments import results
from rnnlab.experiments.results import Files
from rnnlab.project import layout
from rnnlab.project.dataframes import parse_parquet
from rnnlab.project.errors import UserError
from rnnlab.project.params import NO_SEED, Run
from rnnlab.project.results import Result
from rnnlab.tracking.records import PREDICTIONS
from rnnlab.tracking.runs import FINISHED, PARENT, search
from rnnlab.tracking.store import Store

KINDS = ("pipeline", "model", "baseline")  # of runs that hold results


def find(store: Store, name: str) -> Result | None:
    """Reads the run that has a name, or whose id begins with these 8 digits or more; None if there is none.

    Raises:
        UserError: several runs fit, or the one that fits holds no result.
    """
    client = MlflowClient(store.uri)
    matching = _matching(client, store, name)
    if not matching:
        return None
    runs = [run for run in matching if run.data.tags.get("kind") in KINDS and run.info.status == FINISHED]
    if not runs:
        raise UserError(f"{name}: this MLflow run is no finished result; name a pipeline's run or one of its models'")
    if len(runs) > 1:
        some = ", ".join(_label(run) for run in runs[:5])
        more = f" and {len(runs) - 5} more" if len(runs) > 5 else ""
        raise UserError(f"{name}: {len(runs)} MLflow runs have this name; name one by its id: {some}{more}")
    return _read(client, store, runs[0])


def names(store: Store) -> list[str]:
    """Lists the names of runs that hold results, the newest first."""
    runs = search(MlflowClient(store.uri), store, "")
    return [run.info.run_name for run in runs if run.data.tags.get("kind") in KINDS]


def _matching(client: MlflowClient, store: Store, name: str) -> list[MlflowRun]:
    conditions = [f"attributes.run_name = {quote}{name}{quote}" for quote in "'\"" if quote not in name][:1]
    if re.fullmatch(r"[0-9a-f]{8,32}", name):
        conditions.insert(0, f"attributes.run_id LIKE '{name}%'")
    return next((runs for condition in conditions if (runs := search(client, store, condition))), [])


def _label(run: MlflowRun) -> str:
    return f"{run.info.run_id[:8]} (of {run.data.tags.get('dvc_experiment') or 'the workspace'})"


def _read(client: MlflowClient, store: Store, run: MlflowRun) -> Result:
    """Reads a finished run; a model's parameters and data are those of its pipeline."""
    tags, run_id = run.data.tags, run.info.run_id
    is_pipeline = tags["kind"] == "pipeline"
    name = f"{run.info.run_name} ({run_id[:8]})"
    pipeline = run_id if is_pipeline else tags.get(PARENT, "")
    models = search(client, store, f"tags.{PARENT} = '{run_id}'") if is_pipeline else [run]
    files = _files(client, pipeline, models)
    if not is_pipeline:
        figures = json.dumps({tags["model"]: _figures(run)}).encode()
        shared, files = files, lambda path: figures if path == layout.METRICS else shared(path)
    what = "a pipeline" if is_pipeline else ", seed ".join(tags[key] for key in ("model", "seed") if key in tags)
    result = results.read(files, name, f"MLflow run of {what}")
    experiment = tags.get("dvc_experiment")
    hint = f"; DVC may have them, name its experiment {experiment} instead" if experiment else ""
    return result._replace(
        values=result.values if is_pipeline else _narrowed(result.values, run),
        baseline=tags.get("mlflow.source.git.commit", ""),
        lost=f"MLflow has no {PREDICTIONS} of {name}{hint}",
    )


def _files(client: MlflowClient, pipeline: str, models: Sequence[MlflowRun]) -> Files:
    """Returns what MLflow keeps of a pipeline's files: some with its own run, the others with those of its models.

    The run id of the pipeline is "" where nobody knows; the models may be some of its models only.
    """
    tagged = [(run, run.data.tags) for run in models]
    trainings = {Run(tags["model"], int(tags["seed"])): run for run, tags in tagged if "seed" in tags}
    histories = {layout.history(training): run.info.run_id for training, run in trainings.items()}
    timings = {layout.timings(training): run for training, run in trainings.items()}

    @functools.cache
    def listed(run_id: str) -> set[str]:
        return {info.path for info in client.list_artifacts(run_id)} if run_id else set()

    def artifact(run_id: str, name: str) -> bytes | None:
        if name not in listed(run_id):
            return None
        with tempfile.TemporaryDirectory() as folder:
            return Path(client.download_artifacts(run_id, name, folder)).read_bytes()

    def content(path: Path) -> bytes | None:
        if path == layout.PREDICTIONS:
            return _joined({run: artifact(run.info.run_id, PREDICTIONS) for run in models})
        if path in timings:
            return _timings(timings[path])
        return artifact(histories.get(path, pipeline), path.name)

    return content


def _timings(run: MlflowRun) -> bytes | None:
    """Returns the timings of a training with a single epoch, the median: MLflow keeps no other."""
    seconds = run.data.metrics.get("seconds_per_epoch")
    return json.dumps({"epoch_seconds": [seconds]}).encode() if seconds else None


def _joined(predictions: Mapping[MlflowRun, bytes | None]) -> bytes | None:
    """Joins the predictions of models to the table that the evaluate stage writes."""
    known = {run: parse_parquet(content) for run, content in predictions.items() if content}
    tagged = [(table, run.data.tags) for run, table in known.items()]
    tables = [table.assign(model=tags["model"], seed=int(tags.get("seed", NO_SEED))) for table, tags in tagged]
    return pd.concat(tables, ignore_index=True).to_parquet(index=False) if tables else None


def _narrowed(values: Mapping[str, Any], run: MlflowRun) -> dict[str, Any]:
    """Returns the parameters as if the pipeline had run this model alone."""
    model, seed = run.data.tags["model"], run.data.tags.get("seed")
    models = {"compare": [model] if seed else [], "baselines": [] if seed else [model], "ensemble": []}
    return {**values, **models, "train": {**values["train"], "seeds": [int(seed)] if seed else []}}


def _figures(run: MlflowRun) -> dict[str, Any]:
    """Returns the figures of a model as reports/metrics.json has them."""
    figures = run.data.metrics
    mean = {name.removeprefix("test_"): value for name, value in figures.items() if name.startswith("test_")}
    parameters = int(figures["parameters"]) if "parameters" in figures else None
    return {"mean": mean, "per_seed": {}, "parameters": parameters}
