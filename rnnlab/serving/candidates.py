"""Models that may become the champion: which is the best one, and what the rule judges it by."""

import math
import tempfile
import time
from collections.abc import Callable
from statistics import fmean, median
from typing import Any, NamedTuple

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

from rnnlab.project.errors import UserError, first_line
from rnnlab.project.sections.data import MOST_LABELS
from rnnlab.project.tasks import SERIES, SLICE, STEP, UNIT, Task, TaskName, answers, of_values
from rnnlab.serving.predictors import ABSENT
from rnnlab.serving.promotion_rule import LIMITS, Evidence
from rnnlab.tracking import logged_models, pipeline_runs
from rnnlab.tracking.records import PREDICTIONS
from rnnlab.tracking.runs import FINISHED, PARENT, search
from rnnlab.tracking.store import Store

OF_LABELS = ["id", "label", "predicted", "probability"]
# Of predictions of the test rows.
COLUMNS: dict[TaskName, list[str]] = {
    "text": OF_LABELS,
    "sequences": OF_LABELS,
    "series": ["row", STEP, "target", "predicted"],
}
# As long as the average review of IMDB.
TYPICAL_TEXT = " ".join(["the film was not as good as the book, but the actors made up for it."] * 15)
WARM_UP_CALLS, TIMED_CALLS = 3, 30


def candidate(store: Store, task: Task) -> tuple[str, str]:
    """Finds the run of the best model of the newest finished pipeline of a task.

    Returns:
        The run's id, and a remark if there is a newer result of another task; else "".

    Raises:
        UserError: there is no finished pipeline of the task, or its models were deleted.
    """
    finished = pipeline_runs.finished_pipelines(store)
    parent = next((run for run in finished if of_values(run.data.params).name == task.name), None)
    if parent is None:
        problem = f"no finished pipeline that {task.verb} to take a model from"
        raise UserError(f"{store.uri}: {problem}; `dvc repro` makes one, or set task in params.yaml, or name a run")
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
    last = finished[0]
    if parent is last:
        return chosen, ""
    other = of_values(last.data.params).verb
    return (
        chosen,
        f"the last result, {last.info.run_name}, {other}: taking {parent.info.run_name}, as task in params.yaml",
    )


def evidence(store: Store, run_id: str) -> Evidence:
    """Gathers what a model is judged by: its test predictions, and the time that it takes on this machine.

    Raises:
        UserError: the run does not exist, is not a finished model, lacks predictions, or its model fails.
    """
    client = MlflowClient(store.uri)
    run = model_run(client, run_id)
    task, figures = task_of(run), run.data.metrics
    rows = read_predictions(client, run_id, task)
    return Evidence(rows, _latency_ms(run, task), task, figures, _best_baseline(client, store, run, task))


def task_of(run: MlflowRun) -> Task:
    """Returns the task of a model's run; the first ones had no tag for it.

    Raises:
        UserError: there is no rule for its champions.
    """
    task = of_values(run.data.tags)
    if task.name not in LIMITS:
        raise UserError(f"run {run.info.run_id}: {task.verb}, and there is no rule for the champion of such models")
    return task


def _best_baseline(client: MlflowClient, store: Store, run: MlflowRun, task: Task) -> tuple[str, pd.DataFrame] | None:
    """Returns the baseline of the same result that is best on the test rows, and its predictions."""
    figure, sign = f"test_{task.measure.key}", 1 if task.measure.lower_is_better else -1
    siblings = search(client, store, f"tags.{PARENT} = '{run.data.tags.get(PARENT)}' and tags.kind = 'baseline'")
    scores = {each: sign * each.data.metrics[figure] for each in siblings if figure in each.data.metrics}
    if not scores:
        return None
    best = min(scores, key=scores.__getitem__)
    try:
        return best.data.tags["model"], read_predictions(client, best.info.run_id, task)
    except UserError:  # lost, and it is only compared with what is there
        return None


def model_run(client: MlflowClient, run_id: str) -> MlflowRun:
    """Finds the finished run of a model.

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
    return run


def read_predictions(client: MlflowClient, run_id: str, task: Task) -> pd.DataFrame:
    """Reads a model's test predictions: the columns in `COLUMNS`, and those of slices and of several series.

    Raises:
        UserError: the run does not exist, has no predictions, or they are damaged or of another task.
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
            slices = [name for name in rows.columns if name.startswith(SLICE) or name in (SERIES, UNIT)]
            if task.has_labels:
                rows = rows.assign(predicted=answers(rows))
            rows = rows[[*COLUMNS[task.name], *slices]]
        except (KeyError, ValueError, OSError) as damage:
            raise UserError(f"run {run_id}: {PREDICTIONS} cannot be read ({damage}); rerun the pipeline") from None
    key = [name for name in (task.row, STEP) if name in rows]
    if rows.empty or rows.duplicated(key).any() or not SOUND[task.name](rows):
        raise UserError(
            f"run {run_id}: {PREDICTIONS} is empty, repeats a test row, or holds values that no model of this task "
            "predicts; rerun the pipeline"
        )
    return rows


def _are_labels(rows: pd.DataFrame) -> bool:
    in_range = rows["label"].between(0, MOST_LABELS) & rows["predicted"].between(0, MOST_LABELS)
    return bool((in_range & rows["probability"].between(0, 1)).all())


def _are_values(rows: pd.DataFrame) -> bool:
    return bool(np.isfinite(rows[["target", "predicted"]].to_numpy(np.float64)).all())


SOUND: dict[TaskName, Callable[[pd.DataFrame], bool]] = {
    "text": _are_labels,
    "sequences": _are_labels,
    "series": _are_values,
}


def validation_loss(run: MlflowRun) -> float:
    """The best validation loss of a training, infinite where it has none."""
    loss = float(run.data.metrics.get("best_val_loss", math.inf))
    return math.inf if math.isnan(loss) else loss


class Question(NamedTuple):
    """What a model is asked while its time is taken.

    Attributes:
        ask: makes the question, from the model and the folder that it is in.
        is_sound: whether the answer is one.
        answer: what it should be, in words.
    """

    ask: Callable[[Any, str], pd.DataFrame]
    is_sound: Callable[[pd.DataFrame], bool]
    answer: str


def _is_probability(answer: pd.DataFrame) -> bool:
    return bool(answer["probability"].between(0, 1).all())


QUESTIONS: dict[TaskName, Question] = {
    "text": Question(lambda model, folder: pd.DataFrame({"text": [TYPICAL_TEXT]}), _is_probability, "a probability"),
    # All sequences are padded alike, so that the example will do.
    "sequences": Question(
        lambda model, folder: model.metadata.load_input_example(folder), _is_probability, "a probability"
    ),
    "series": Question(
        lambda model, folder: model.metadata.load_input_example(folder),
        lambda answer: bool(np.isfinite(answer["next_value"]).all()),
        "a number",
    ),
}


def _latency_ms(run: MlflowRun, task: Task) -> float:
    """Median milliseconds for one text or forecast, with the model loaded as MLflow serves it."""
    question, seconds = QUESTIONS[task.name], []
    try:
        with tempfile.TemporaryDirectory() as folder:
            model = mlflow.pyfunc.load_model(logged_models.address(run), dst_path=folder)
            asked = question.ask(model, folder)
        for _ in range(WARM_UP_CALLS + TIMED_CALLS):
            start = time.perf_counter()
            answer = model.predict(asked)
            seconds.append(time.perf_counter() - start)
        is_sound = question.is_sound(answer)
    except Exception as failure:  # whatever the code that was logged with the model, or MLflow, raises
        problem = f"run {run.info.run_id}: its model cannot be loaded or used ({first_line(failure)})"
        raise UserError(f"{problem}; rerun the pipeline") from failure
    if not is_sound:
        told = f"run {run.info.run_id}: its model returns something other than {question.answer}"
        raise UserError(f"{told}; rerun the pipeline")
    return 1000 * median(seconds[WARM_UP_CALLS:])


def _run(client: MlflowClient, run_id: str) -> MlflowRun:
    try:
        return client.get_run(run_id)
    except MlflowException as failure:
        if failure.error_code not in ABSENT:
            raise
        raise UserError(f"run {run_id}: no such run in {client.tracking_uri}; MLflow's page lists them") from None
