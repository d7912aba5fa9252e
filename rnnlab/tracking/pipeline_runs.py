"""Results into MLflow: a parent run for the pipeline, a child for each model and seed."""

import json
import math
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.entities import Run as MlflowRun

from rnnlab.features.clean_rows import read_labels
from rnnlab.project import layout
from rnnlab.project.files import read_json
from rnnlab.project.params import NO_SEED, Run
from rnnlab.project.results import NOTHING, Result, epoch_seconds
from rnnlab.project.tasks import TaskName
from rnnlab.tracking import runs
from rnnlab.tracking.links import MODELS_TABLE, TABLE, VIEWS
from rnnlab.tracking.logged_models import log_model
from rnnlab.tracking.records import ENCODINGS, PREDICTIONS, Record
from rnnlab.tracking.runs import FINISHED, PARENT, search
from rnnlab.tracking.store import Store, now


def _labels(record: Record, chosen: list[float] | None) -> dict[str, Any]:
    return {"labels": list(read_labels(record.folder / layout.SUMMARY)), "thresholds": chosen}


# What a served network needs to know beside its network and encoding, from what the evaluate stage chose for it.
ANSWERS: dict[TaskName, Callable[[Record, list[float] | None], dict[str, Any]]] = {
    "text": _labels,
    "sequences": _labels,
    "series": lambda record, chosen: {
        "half_widths": chosen,
        "are_standardised": True,
        "coverage": record.settings.evaluate.coverage,
    },
}


def find_finished(store: Store, key: str) -> MlflowRun | None:
    """Finds the complete record of a result, if there is one."""
    client = MlflowClient(store.uri)
    attempts = search(client, store, f"tags.kind = 'pipeline' and tags.pipeline_key = '{key}'")
    return next((run for run in attempts if run.info.status == FINISHED), None)


def finished_pipelines(store: Store) -> list[MlflowRun]:
    """Finds the complete results, the newest first."""
    found = search(MlflowClient(store.uri), store, "tags.kind = 'pipeline'")
    finished = [run for run in found if run.info.status == FINISHED]
    return sorted(finished, key=lambda run: run.info.end_time, reverse=True)


def networks_of(store: Store, parent: str) -> list[MlflowRun]:
    """Finds the runs of a result's networks, as they were trained."""
    networks = search(MlflowClient(store.uri), store, f"tags.{PARENT} = '{parent}' and tags.kind = 'model'")
    return sorted(networks, key=lambda run: run.info.start_time)


def keep_table(store: Store) -> None:
    """Lets MLflow's pages know which rows and columns the table of models has; see `rnnlab.tracking.links`."""
    MlflowClient(store.uri).set_experiment_tag(store.experiment_id, f"{VIEWS}{TABLE}", json.dumps(MODELS_TABLE))


def log_pipeline(store: Store, result: Result, record: Record) -> str:
    """Records a result and returns the parent's run id; the parent is marked finished last, so it is complete then."""
    client = MlflowClient(store.uri)
    for attempt in search(client, store, f"tags.pipeline_key = '{record.key}'"):
        client.delete_run(attempt.info.run_id)
    started = min(_span(result.timings.get(run))[0] for run in result.runs)
    tags = {**_tags(record), **_converged(record), "kind": "pipeline", "mlflow.note.content": record.note}
    parent = str(client.create_run(store.experiment_id, started, tags, result.name).info.run_id)
    for run in result.runs:
        _log_training(client, store, parent, result, record, run)
    for name in result.baselines:
        _log_baseline(client, store, parent, result, record, name)
    params = runs.flatten(record.settings.model_dump(by_alias=True))
    runs.log_facts(client, parent, now(), _summary_figures(result), params)
    for artifact in record.artifacts:
        client.log_artifact(parent, str(record.folder / artifact))
    client.set_terminated(parent, FINISHED)
    return parent


def _tags(record: Record) -> dict[str, str]:
    return {**record.tags, **runs.process_tags(), "pipeline_key": record.key}


def _converged(record: Record, run: Run | None = None) -> dict[str, str]:
    """The tag that says whether a training, or the pipeline as a whole, had converged, and why not."""
    return {"converged": record.converged[run]} if run in record.converged else {}


def _summary_figures(result: Result) -> dict[str, float]:
    """Figures of the parent: mean and spread of each model, and each pair's difference with its interval."""
    figures = {
        f"{name}.{figure}.{kind}": value
        for name, model in result.metrics.items()
        for kind in ("mean", "sd")
        for figure, value in model[kind].items()
    }
    for pair in result.comparison["pairs"]:
        figures |= {f"{pair['first']}-{pair['second']}.{end}": value for end, value in pair["difference"].items()}
    return figures


def _log_baseline(client: MlflowClient, store: Store, parent: str, result: Result, record: Record, name: str) -> None:
    """Logs a child without curves or a model, so that the table of runs holds what the networks must beat."""
    tags, logged = {**_tags(record), "kind": "baseline", "model": name, PARENT: parent}, now()
    run_id = client.create_run(store.experiment_id, logged, tags, name).info.run_id
    scored = result.metrics[name]
    figures = runs.logged_figures(scored["mean"])
    figures |= {} if scored["parameters"] is None else {"parameters": scored["parameters"]}
    runs.log_facts(client, run_id, logged, figures, {"model": name})
    client.log_inputs(run_id, _datasets(record))
    _log_predictions(client, run_id, result, Run(name, NO_SEED))
    client.set_terminated(run_id, FINISHED, logged)


def _log_training(client: MlflowClient, store: Store, parent: str, result: Result, record: Record, run: Run) -> None:
    timings = result.timings.get(run)
    started, ended = _span(timings)
    live = _adoptable(client, store, timings)
    run_id = live or client.create_run(store.experiment_id, started, run_name=run.name).info.run_id
    known = {point.step for point in client.get_metric_history(run_id, "val_loss")} if live else set()
    history: list[dict[str, float]] = result.histories[run].to_dict("records")
    times = _epoch_times(timings, len(history), started)
    runs.log_epochs(run_id, [(at, row) for at, row in zip(times, history, strict=True) if row["epoch"] not in known])
    tags = {**_tags(record), "kind": "model", "task": result.task.name, "model": run.model, "seed": str(run.seed)}
    tags |= {
        **_converged(record, run),
        PARENT: parent,
        "mlflow.runName": run.name,
        "mlflow.note.content": _note(result, record, run),
    }
    settings = record.settings.with_units(result.units)
    options = {"text": settings.tokenize_pad, "series": settings.series, "sequences": settings.sequences}
    encoding_options = options[settings.task].model_dump()
    params = {**runs.training_params(settings, run), **runs.flatten(encoding_options)}
    network, encoding = record.folder / layout.network(run), record.folder / ENCODINGS[result.task.name]
    answers = ANSWERS[result.task.name](record, read_json(record.folder / layout.THRESHOLDS).get(run.name))
    cell = settings.cell_of(run.model, record.folder)
    model_id = log_model(client, store.experiment_id, run_id, params, settings, network, encoding, answers, cell)
    figures, datasets = _figures(result, run, history), _datasets(record)
    runs.log_facts(client, run_id, ended, figures, params, tags, _links(figures, model_id, datasets))
    client.log_inputs(run_id, datasets)
    client.log_artifact(run_id, str(record.folder / layout.history(run)))
    _log_predictions(client, run_id, result, run)
    client.set_terminated(run_id, FINISHED, ended)


def _figures(result: Result, run: Run, history: list[dict[str, float]]) -> dict[str, float]:
    scored = result.metrics[run.model]
    best = min(history, key=lambda row: row["val_loss"])
    figures = runs.logged_figures(scored["per_seed"][str(run.seed)])
    figures |= {"best_val_loss": best["val_loss"], "best_epoch": best["epoch"], "parameters": scored["parameters"]}
    timing = result.timings.get(run, NOTHING)
    seconds = epoch_seconds({run: timing}) if timing else {}
    figures |= {"seconds_per_epoch": seconds[run.model]} if seconds else {}
    return figures | {name: timing[name] for name in ("energy_kwh", "co2_grams") if name in timing}


def _links(figures: Mapping[str, float], model_id: str, datasets: list[DatasetInput]) -> dict[str, dict[str, str]]:
    """Says of which model and on which data figures are, so that MLflow's page of models can sort and draw them."""
    by_split = {each.tags[0].value: each.dataset for each in datasets}
    links = {}
    for name, value in figures.items():
        split = "test" if name.startswith("test_") else "validation" if name.startswith("best_") else ""
        data = by_split.get(split)
        of_data = {"dataset_name": data.name, "dataset_digest": data.digest} if data else {}
        if math.isfinite(value):  # of a model, MLflow would show any other as 0 or as a large number
            links[name] = {"model_id": model_id, **of_data}
    return links


def _log_predictions(client: MlflowClient, run_id: str, result: Result, run: Run) -> None:
    """Logs the answer to each test row, from which two runs can be compared row by row."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / PREDICTIONS
        result.predictions_of(*run).to_parquet(target, index=False)
        client.log_artifact(run_id, str(target))


def _datasets(record: Record) -> list[DatasetInput]:
    """Returns what a training read and was tested on, by the hashes that DVC has of it."""
    csv, inputs = record.settings.data.csv, []
    for split, (digest, rows) in record.datasets.items():
        source, profile = json.dumps({"uri": csv}), json.dumps({"rows": rows})
        dataset = Dataset(f"{Path(csv).name} {split}", digest, "local", source, profile=profile)
        inputs.append(DatasetInput(dataset, [InputTag("mlflow.data.context", split)]))
    return inputs


def _note(result: Result, record: Record, run: Run) -> str:
    """Says in Markdown what a run is, to somebody who does not know the project."""
    settings, scored = record.settings, result.metrics[run.model]
    figures = scored["per_seed"][str(run.seed)]
    rows = "".join(f"| {name} | {figures[name]:.4f} |\n" for name in result.task.figures if name in figures)
    return (
        f"**{run.model}**, a {settings.models[run.model].cell} network with {scored['parameters']:,} weights, seed"
        f" {run.seed}, trained on `{settings.data.csv}` for {len(result.histories[run])} epochs.\n\n"
        f"| test figure | value |\n| --- | --- |\n{rows}\n"
        "The same data, budget and seeds as its siblings: the parent run has the comparison, with intervals."
    )


def _adoptable(client: MlflowClient, store: Store, timings: Mapping[str, Any] | None) -> str | None:
    """Finds the live run of this very training, when it is in this store and no record has it yet."""
    run_id = (timings or {}).get("mlflow_run")
    condition = f"tags.kind = 'live' and attributes.run_id = '{run_id}'"
    return run_id if run_id and search(client, store, condition) else None


def _span(timings: Mapping[str, Any] | None) -> tuple[int, int]:
    """Returns when a training began and ended, in milliseconds since 1970; now where nobody knows."""
    if not timings:
        return now(), now()
    start, end = (int(datetime.fromisoformat(timings[key]).timestamp() * 1000) for key in ("started", "ended"))
    return start, end


def _epoch_times(timings: Mapping[str, Any] | None, epochs: int, started: int) -> list[int]:
    seconds = (timings or {}).get("epoch_seconds") or [0.0] * epochs
    return [started + int(1000 * total) for total in accumulate(seconds)]
