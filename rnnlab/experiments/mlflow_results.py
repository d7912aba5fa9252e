"""Results that MLflow keeps, read back: a whole pipeline, or one model of it with one seed."""

import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from rnnlab.experiments.comparison import Result
from rnnlab.project import yaml_files
from rnnlab.project.errors import UserError
from rnnlab.project.params import NO_SEED, Run
from rnnlab.tracking.live_runs import search
from rnnlab.tracking.records import PREDICTIONS
from rnnlab.tracking.store import Store

RESULTS = ("pipeline", "model", "baseline")


def find(store: Store, name: str) -> Result | None:
    """Reads the run that has a name, or whose id begins with it; None if there is none.

    Args:
        store: that holds the runs.
        name: of a run, its id, or the first 8 digits of its id or more.

    Raises:
        UserError: several runs fit, or the one that fits holds no result.
    """
    client = MlflowClient(store.uri)
    found = _matching(client, store, name)
    if not found:
        return None
    runs = [run for run in found if run.data.tags.get("kind") in RESULTS and run.info.status == "FINISHED"]
    if not runs:
        raise UserError(f"{name}: this MLflow run is no finished result; name a pipeline's run or one of its models'")
    if len(runs) > 1:
        some = ", ".join(_label(run) for run in runs[:5])
        more = f" and {len(runs) - 5} more" if len(runs) > 5 else ""
        raise UserError(f"{name}: {len(runs)} MLflow runs have this name; name one by its id: {some}{more}")
    with tempfile.TemporaryDirectory() as folder:
        return _read(client, store, runs[0], Path(folder))


def names(store: Store) -> list[str]:
    """Lists the names of runs that hold results, the newest first."""
    runs = search(MlflowClient(store.uri), store, "")
    return [run.info.run_name for run in runs if run.data.tags.get("kind") in RESULTS]


def _matching(client: MlflowClient, store: Store, name: str) -> list[MlflowRun]:
    conditions = [f"attributes.run_name = {quote}{name}{quote}" for quote in "'\"" if quote not in name][:1]
    if re.fullmatch(r"[0-9a-f]{8,32}", name):
        conditions.insert(0, f"attributes.run_id LIKE '{name}%'")
    return next((runs for condition in conditions if (runs := search(client, store, condition))), [])


def _label(run: MlflowRun) -> str:
    origin = run.data.tags.get("dvc_experiment")
    return f"{run.info.run_id[:8]} ({f'of {origin}' if origin else 'of the workspace'})"


def _read(client: MlflowClient, store: Store, run: MlflowRun, folder: Path) -> Result:
    """Reads a finished run; a model's parameters and data are those of its pipeline."""
    tags, run_id = run.data.tags, run.info.run_id
    whole = tags["kind"] == "pipeline"
    name = f"{run.info.run_name} ({run_id[:8]})"
    pipeline = run_id if whole else tags.get("mlflow.parentRunId", "")
    files = {path: _text(client, pipeline, path, folder) for path in ("params.yaml", "dvc.lock", "metrics.json")}
    if not files["params.yaml"] or (whole and not files["metrics.json"]):
        raise UserError(f"{name}: MLflow has lost params.yaml or metrics.json of its pipeline; name another run")
    values, stages = (yaml_files.load(files[path]) or {} for path in ("params.yaml", "dvc.lock"))
    models = search(client, store, f"tags.mlflow.parentRunId = '{run_id}'") if whole else [run]
    return Result(
        name=name,
        kind=f"MLflow run of {'a pipeline' if whole else _what(run)}",
        commit=tags.get("mlflow.source.git.commit", "")[:10],
        values=values if whole else _narrowed(values, run),
        metrics=json.loads(files["metrics.json"]) if whole else {tags["model"]: _figures(run)},
        seconds=_seconds(models),
        stages=stages.get("stages", {}),
        predictions=_predictions(client, models, folder),
        lost=_lost(name, tags.get("dvc_experiment", "")),
        histories=_histories(client, models, folder),
    )


def _lost(name: str, experiment: str) -> str:
    hint = f"; DVC may have them, name its experiment {experiment} instead" if experiment else ""
    return f"MLflow has no {PREDICTIONS} of {name}{hint}"


def _text(client: MlflowClient, run_id: str, path: str, folder: Path) -> str:
    file = _download(client, run_id, path, folder) if run_id else None
    return file.read_text(encoding="utf-8") if file else ""


def _download(client: MlflowClient, run_id: str, path: str, folder: Path) -> Path | None:
    """Fetches an artifact, None where the run has none of that name."""
    if path not in {info.path for info in client.list_artifacts(run_id)}:
        return None
    own = folder / run_id
    own.mkdir(exist_ok=True)
    return Path(client.download_artifacts(run_id, path, str(own)))


def _what(run: MlflowRun) -> str:
    seed = run.data.tags.get("seed")
    return f"{run.data.tags['model']}, seed {seed}" if seed else run.data.tags["model"]


def _narrowed(values: Mapping[str, Any], run: MlflowRun) -> dict[str, Any]:
    """Parameters as if the pipeline had run this model alone."""
    model, seed = run.data.tags["model"], run.data.tags.get("seed")
    own = {"compare": [model] if seed else [], "baselines": [] if seed else [model], "ensemble": []}
    return {**values, **own, "train": {**values["train"], "seeds": [int(seed)] if seed else []}}


def _figures(run: MlflowRun) -> dict[str, Any]:
    """Figures of a model as reports/metrics.json has them."""
    figures = run.data.metrics
    mean = {name.removeprefix("test_"): value for name, value in figures.items() if name.startswith("test_")}
    return {"mean": mean, "per_seed": {}, "parameters": int(figures["parameters"])}


def _seconds(models: Iterable[MlflowRun]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for run in models:
        if "seconds_per_epoch" in run.data.metrics:
            found.setdefault(run.data.tags["model"], []).append(run.data.metrics["seconds_per_epoch"])
    return {model: median(every) for model, every in found.items()}


def _histories(client: MlflowClient, models: Iterable[MlflowRun], folder: Path) -> dict[Run, pd.DataFrame]:
    """Reads the epochs of each training that has them."""
    found = {}
    for run in models:
        if "seed" in run.data.tags:
            training = Run(run.data.tags["model"], int(run.data.tags["seed"]))
            file = _download(client, run.info.run_id, f"{training.name}.csv", folder)
            if file:
                found[training] = pd.read_csv(file)
    return found


def _predictions(client: MlflowClient, models: Iterable[MlflowRun], folder: Path) -> pd.DataFrame | None:
    """Joins the predictions of models to the table that the evaluate stage writes."""
    tables = []
    for run in models:
        file = _download(client, run.info.run_id, PREDICTIONS, folder)
        if file:
            seed = int(run.data.tags.get("seed", NO_SEED))
            tables.append(pd.read_parquet(file).assign(model=run.data.tags["model"], seed=seed))
    return pd.concat(tables, ignore_index=True) if tables else None
