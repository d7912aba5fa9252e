"""Results into MLflow: a parent run for the pipeline, a child for each model and seed."""

import json
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunStatus, RunTag
from mlflow.entities import Run as MlflowRun

from rnnlab.project import overrides
from rnnlab.project.params import NO_SEED, Params, Run
from rnnlab.tracking.links import MODELS_TABLE, TABLE, VIEWS
from rnnlab.tracking.live_runs import log_epochs, process_tags, search
from rnnlab.tracking.logged_models import log_model
from rnnlab.tracking.records import PREDICTIONS, Pipeline, Training
from rnnlab.tracking.store import Store

FINISHED = RunStatus.to_string(RunStatus.FINISHED)


def find_finished(store: Store, key: str) -> MlflowRun | None:
    """Finds the complete record of a result, if there is one."""
    client = MlflowClient(store.uri)
    found = search(client, store, f"tags.kind = 'pipeline' and tags.pipeline_key = '{key}'")
    return next((run for run in found if run.info.status == FINISHED), None)


def newest_pipeline(store: Store) -> tuple[str | None, list[MlflowRun]]:
    """Finds the last complete result: its run id, or None, and the runs of its networks, as they were trained."""
    client = MlflowClient(store.uri)
    finished = [run for run in search(client, store, "tags.kind = 'pipeline'") if run.info.status == FINISHED]
    if not finished:
        return None, []
    parent = max(finished, key=lambda run: run.info.end_time).info.run_id
    networks = search(client, store, f"tags.mlflow.parentRunId = '{parent}' and tags.kind = 'model'")
    return parent, sorted(networks, key=lambda run: run.info.start_time)


def keep_table(store: Store) -> None:
    """Writes down for MLflow's pages which rows and columns the table of models has; see `rnnlab.tracking.links`."""
    MlflowClient(store.uri).set_experiment_tag(store.experiment_id, f"{VIEWS}{TABLE}", json.dumps(MODELS_TABLE))


def log_pipeline(store: Store, pipeline: Pipeline) -> str:
    """Records a result; the parent is marked finished last, so a finished parent is a complete one.

    Returns:
        The parent's run id.
    """
    client = MlflowClient(store.uri)
    for attempt in search(client, store, f"tags.pipeline_key = '{pipeline.key}'"):
        client.delete_run(attempt.info.run_id)
    spans = [_span(training.timings) for training in pipeline.trainings.values()]
    tags = {
        **pipeline.tags,
        **process_tags(),
        "kind": "pipeline",
        "pipeline_key": pipeline.key,
        "mlflow.note.content": pipeline.note,
    }
    started = min(start for start, _ in spans)
    parent = client.create_run(store.experiment_id, started, tags, pipeline.name).info.run_id
    for run, training in pipeline.trainings.items():
        _log_training(client, store, parent, pipeline, run, training)
    for name in pipeline.settings.baselines:
        _log_baseline(client, store, parent, pipeline, name)
    figures = _summary_figures(pipeline)
    now = _now()
    client.log_batch(
        parent,
        metrics=[Metric(name, value, now, 0) for name, value in figures.items()],
        params=[Param(name, value) for name, value in flatten(pipeline.settings.model_dump(by_alias=True)).items()],
    )
    for artifact in pipeline.artifacts:
        if artifact.is_dir():
            client.log_artifacts(parent, str(artifact), artifact.name)
        else:
            client.log_artifact(parent, str(artifact))
    client.set_terminated(parent, FINISHED)
    return str(parent)


def _summary_figures(pipeline: Pipeline) -> dict[str, float]:
    """Figures of the parent: mean and spread of each model, and each pair's difference with its interval."""
    figures = {
        f"{name}.{figure}.{kind}": value
        for name, model in pipeline.summary.items()
        for kind in ("mean", "sd")
        for figure, value in model[kind].items()
    }
    for pair in pipeline.comparison["pairs"]:
        figures |= {f"{pair['first']}-{pair['second']}.{end}": value for end, value in pair["difference"].items()}
    return figures


def _log_baseline(client: MlflowClient, store: Store, parent: str, pipeline: Pipeline, name: str) -> None:
    """A child without curves or a model, so that the table of runs holds what the networks must beat."""
    tags = {**pipeline.tags, **process_tags(), "kind": "baseline", "model": name, "pipeline_key": pipeline.key}
    now = _now()
    run_id = client.create_run(store.experiment_id, now, {**tags, "mlflow.parentRunId": parent}, name).info.run_id
    figures = {f"test_{figure}": value for figure, value in pipeline.summary[name]["mean"].items()}
    figures["parameters"] = pipeline.summary[name]["parameters"]
    client.log_batch(
        run_id,
        metrics=[Metric(figure, value, now, 0) for figure, value in figures.items()],
        params=[Param("model", name)],
    )
    client.log_inputs(run_id, _datasets(pipeline))
    _log_predictions(client, run_id, pipeline, name, NO_SEED)
    client.set_terminated(run_id, FINISHED, now)


def _log_training(
    client: MlflowClient, store: Store, parent: str, pipeline: Pipeline, run: Run, training: Training
) -> None:
    started, ended = _span(training.timings)
    live = _adoptable(client, store, training.timings)
    run_id = live or client.create_run(store.experiment_id, started, run_name=run.name).info.run_id
    known = {point.step for point in client.get_metric_history(run_id, "val_loss")} if live else set()
    times = _epoch_times(training, started)
    log_epochs(
        run_id, [(when, row) for when, row in zip(times, training.history, strict=True) if row["epoch"] not in known]
    )
    best = min(training.history, key=lambda row: row["val_loss"])
    figures = {f"test_{name}": value for name, value in training.metrics.items() if not isinstance(value, Mapping)}
    figures |= {"best_val_loss": best["val_loss"], "best_epoch": best["epoch"], "parameters": training.parameters}
    seconds = (training.timings or {}).get("epoch_seconds")
    if seconds:
        figures["seconds_per_epoch"] = sorted(seconds)[len(seconds) // 2]
    tags = {
        **pipeline.tags,
        **process_tags(),
        "kind": "model",
        "task": pipeline.settings.task,
        "model": run.model,
        "seed": str(run.seed),
        "pipeline_key": pipeline.key,
        "mlflow.parentRunId": parent,
        "mlflow.runName": run.name,
        "mlflow.note.content": _note(pipeline, run, training),
    }
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, ended, 0) for name, value in figures.items()],
        params=[Param(name, value) for name, value in _training_params(pipeline.settings, run).items()],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )
    client.log_inputs(run_id, _datasets(pipeline))
    client.log_artifact(run_id, str(training.history_file))
    _log_predictions(client, run_id, pipeline, run.model, run.seed)
    log_model(client, store.experiment_id, run_id, pipeline.settings, training.network, pipeline.encoding)
    client.set_terminated(run_id, FINISHED, ended)


def _log_predictions(client: MlflowClient, run_id: str, pipeline: Pipeline, model: str, seed: int) -> None:
    """Logs the answer to each test row, from which two runs can be compared row by row."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / PREDICTIONS
        pipeline.predictions_of(model, seed).to_parquet(target, index=False)
        client.log_artifact(run_id, str(target))


def _datasets(pipeline: Pipeline) -> list[DatasetInput]:
    """What a training read and was tested on, by the hashes that DVC has of it."""
    source = json.dumps({"uri": pipeline.settings.data.csv})
    name = Path(pipeline.settings.data.csv).name
    return [
        DatasetInput(
            Dataset(f"{name} {split}", digest, "local", source, profile=json.dumps({"rows": rows})),
            [InputTag("mlflow.data.context", split)],
        )
        for split, (digest, rows) in pipeline.datasets.items()
    ]


def _note(pipeline: Pipeline, run: Run, training: Training) -> str:
    """Says in Markdown what a run is, to somebody who does not know the project."""
    settings, figures = pipeline.settings, training.metrics
    told = ("accuracy", "f1", "roc_auc", "log_loss", "ece") if settings.task == "text" else ("mse", "mae", "r2")
    lines = [
        f"**{run.model}**, a {settings.models[run.model].cell} network with {training.parameters:,} weights, seed"
        f" {run.seed}, trained on `{settings.data.csv}` for {len(training.history)} epochs.",
        "",
        "| test figure | value |",
        "| --- | --- |",
        *(f"| {name} | {figures[name]:.4f} |" for name in told),
        "",
        "The same data, budget and seeds as its siblings: the parent run has the comparison, with intervals.",
    ]
    return "\n".join(lines)


def _training_params(settings: Params, run: Run) -> dict[str, str]:
    """Only what can tell two trainings apart, under names short enough for the table's columns."""
    shared = settings.train.model_dump(exclude={"seeds"})
    own = settings.models[run.model].model_dump()
    encoding = (settings.series if settings.task == "series" else settings.tokenize_pad).model_dump()
    return {"model": run.model, "seed": str(run.seed), **flatten({**own, **shared, **encoding})}


def flatten(values: Mapping[str, Any]) -> dict[str, str]:
    """Turns nested mappings into dotted keys with text values."""
    flat = overrides.flatten(values)
    return {key: str(list(value) if isinstance(value, tuple) else value) for key, value in flat.items()}


def _adoptable(client: MlflowClient, store: Store, timings: Mapping[str, Any] | None) -> str | None:
    """The live run of this very training, when it is in this store and no record has it yet."""
    run_id = (timings or {}).get("mlflow_run")
    if not run_id:
        return None
    found = search(client, store, f"tags.kind = 'live' and attributes.run_id = '{run_id}'")
    return run_id if found else None


def _span(timings: Mapping[str, Any] | None) -> tuple[int, int]:
    if not timings:
        return _now(), _now()
    start, end = (int(datetime.fromisoformat(timings[key]).timestamp() * 1000) for key in ("started", "ended"))
    return start, end


def _epoch_times(training: Training, started: int) -> list[int]:
    seconds = (training.timings or {}).get("epoch_seconds") or [0.0] * len(training.history)
    total = 0.0
    return [started + int(1000 * (total := total + epoch)) for epoch in seconds]


def _now() -> int:
    return time.time_ns() // 1_000_000
