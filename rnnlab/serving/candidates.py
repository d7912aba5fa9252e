"""Models that may become the champion: which is the best one, and what the rule judges it by."""

import math
import tempfile
import time
from statistics import fmean, median

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

from rnnlab.project.errors import UserError, first_line
from rnnlab.project.params import MOST_LABELS
from rnnlab.project.tasks import SLICE, TEXTS, Task, answers, of_values
from rnnlab.serving.predictors import ABSENT
from rnnlab.serving.promotion_rule import Evidence
from rnnlab.tracking import logged_models, pipeline_runs
from rnnlab.tracking.records import PREDICTIONS
from rnnlab.tracking.runs import FINISHED
from rnnlab.tracking.store import Store

COLUMNS = ["id", "label", "predicted", "probability"]
# As long as the average review of IMDB.
TYPICAL_TEXT = " ".join(["the film was not as good as the book, but the actors made up for it."] * 15)
WARM_UP_CALLS, TIMED_CALLS = 3, 30


def candidate(store: Store, task: Task = TEXTS) -> tuple[str, str]:
    """Finds the run of the best model of the newest finished pipeline of a task with labels.

    Returns:
        The run's id, and a remark if there is a newer result that has no champions; else "".

    Raises:
        UserError: there is no finished pipeline of the task, or its models were deleted.
    """
    parent, last = pipeline_runs.newest_pipeline(store, task.name), pipeline_runs.newest_pipeline(store)
    if parent is None or last is None:
        raise UserError(f"{store.uri}: no finished pipeline on {task.item}s to take a model of; `dvc repro` makes one")
    runs = pipeline_runs.networks_of(store, parent.info.run_id)
    if not runs:
        raise UserError(f"run {parent.info.run_id}: the models of this pipeline were deleted; name another model's run")
    # Never by test figures: the best of several on the test rows is partly the luckiest, and the rule, which uses the
    # same rows, would judge it by figures that are too good.
    by_model: dict[str, list[float]] = {}
    for run in runs:
        by_model.setdefault(run.data.tags["model"], []).append(validation_loss(run))
    best = min(by_model, key=lambda model: fmean(by_model[model]))
    chosen = str(min((run for run in runs if run.data.tags["model"] == best), key=validation_loss).info.run_id)
    if parent.info.run_id == last.info.run_id:
        return chosen, ""
    return chosen, f"the last result, {last.info.run_name}, is not of {task.item}s: taking {parent.info.run_name}"


def evidence(store: Store, run_id: str) -> Evidence:
    """Gathers what a model is judged by: its test predictions, and the time that it takes on this machine.

    Raises:
        UserError: the run does not exist, is not a finished model with labels, lacks predictions, or its model fails.
    """
    client = MlflowClient(store.uri)
    run = model_run(client, run_id)
    return Evidence(read_predictions(client, run_id), _latency_ms(run))


def model_run(client: MlflowClient, run_id: str) -> MlflowRun:
    """Finds the finished run of a model that gives labels.

    Raises:
        UserError: no run has this id, or it is of another kind.
    """
    run = _run(client, run_id)
    kind = run.data.tags.get("kind", "unknown")
    if kind != "model":
        raise UserError(
            f"run {run_id}: its kind is {kind}, so it holds no trained model; name a run with the tag kind = model, "
            "or none for the best of the newest pipeline"
        )
    if run.info.lifecycle_stage == "deleted":
        raise UserError(f"run {run_id}: deleted in MLflow; restore it there, or name another run")
    if run.info.status != FINISHED:
        raise UserError(f"run {run_id}: not logged completely; `python -m stages.track` logs it again")
    _check_task(run)
    return run


def read_predictions(client: MlflowClient, run_id: str) -> pd.DataFrame:
    """Reads a model's test predictions: the columns ``id``, ``label``, ``predicted`` and ``probability``.

    Raises:
        UserError: the run does not exist, has no predictions, or they are damaged.
    """
    _run(client, run_id)
    if PREDICTIONS not in {artifact.path for artifact in client.list_artifacts(run_id)}:
        raise UserError(
            f"run {run_id}: no {PREDICTIONS}, it was logged before models kept them; "
            "delete the parent run in MLflow and run `python -m stages.track` to log it again"
        )
    with tempfile.TemporaryDirectory() as folder:
        source = client.download_artifacts(run_id, PREDICTIONS, folder)
        try:
            rows = pd.read_parquet(source)
            slices = [name for name in rows.columns if name.startswith(SLICE)]
            rows = rows.assign(predicted=answers(rows))[[*COLUMNS, *slices]]
        except (KeyError, ValueError, OSError) as damage:
            raise UserError(f"run {run_id}: {PREDICTIONS} cannot be read ({damage}); rerun the pipeline") from None
    in_range = rows["label"].between(0, MOST_LABELS) & rows["predicted"].between(0, MOST_LABELS)
    in_range &= rows["probability"].between(0, 1)
    if rows.empty or not rows["id"].is_unique or not in_range.all():
        raise UserError(
            f"run {run_id}: {PREDICTIONS} is empty, repeats an id, or holds values that are not "
            "labels or probabilities; rerun the pipeline"
        )
    return rows


def validation_loss(run: MlflowRun) -> float:
    """The best validation loss of a training, infinite where it has none."""
    loss = float(run.data.metrics.get("best_val_loss", math.inf))
    return math.inf if math.isnan(loss) else loss


def _latency_ms(run: MlflowRun) -> float:
    """Median milliseconds for one text or sequence, with the model loaded as MLflow serves it."""
    seconds = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            model = mlflow.pyfunc.load_model(logged_models.address(run), dst_path=folder)
            is_text = of_values(run.data.tags) is TEXTS  # else the example will do: all sequences are padded alike
            row = pd.DataFrame({"text": [TYPICAL_TEXT]}) if is_text else model.input_example
        for _ in range(WARM_UP_CALLS + TIMED_CALLS):
            start = time.perf_counter()
            answer = model.predict(row)
            seconds.append(time.perf_counter() - start)
        sound = bool(answer["probability"].between(0, 1).all())
    except Exception as failure:  # whatever the code that was logged with the model, or MLflow, raises
        problem = f"run {run.info.run_id}: its model cannot be loaded or used ({first_line(failure)})"
        raise UserError(f"{problem}; rerun the pipeline") from failure
    if not sound:
        told = f"run {run.info.run_id}: its model returns something other than a probability"
        raise UserError(f"{told}; rerun the pipeline")
    return 1000 * median(seconds[WARM_UP_CALLS:])


def _run(client: MlflowClient, run_id: str) -> MlflowRun:
    try:
        return client.get_run(run_id)
    except MlflowException as failure:
        if failure.error_code not in ABSENT:
            raise
        raise UserError(f"run {run_id}: no such run in {client.tracking_uri}; MLflow's page lists them") from None


def _check_task(run: MlflowRun) -> None:
    task = of_values(run.data.tags)
    if not task.has_labels:
        problem = f"{task.verb}, but the rule for the champion judges labels only"
        raise UserError(f"run {run.info.run_id}: {problem}; name the run of a model that gives labels")
