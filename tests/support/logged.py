"""A store with runs in it as the track stage logs them, of models that were never trained."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient

from rnnlab.tracking import store
from rnnlab.tracking.logged_models import TEXT_SIGNATURE
from rnnlab.tracking.records import PREDICTIONS
from rnnlab.tracking.store import Store

SERVED = """
import time

import mlflow
import pandas as pd


class Served(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: pd.DataFrame, params=None):
        time.sleep(context.model_config["seconds"])
        return pd.DataFrame({name: [value] for name, value in context.model_config["answer"].items()})


mlflow.models.set_model(Served())
"""
TAGS = {"kind": "model", "task": "text", "model": "lstm", "seed": "1", "data": "data/sample/reviews.csv"}


@contextmanager
def throw_away_store(folder: Path) -> Iterator[Store]:
    """Opens the store of a project that is in the folder."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "DVC_EXP_NAME"):
            patch.delenv(name, raising=False)
        patch.setenv("DVC_ROOT", str(folder))
        yield store.connect()


def predictions(wrong: int, rows: int = 40) -> pd.DataFrame:
    """The first rows are wrong, the others right."""
    label = pd.Series([row % 2 for row in range(rows)], dtype="int8")
    positive = (label == 1) ^ (label.index < wrong)
    probability = positive.map({True: 0.9, False: 0.1}).astype("float32")
    return pd.DataFrame({"id": [f"r{row}" for row in range(rows)], "label": label, "probability": probability})


def forecasts(error: float, steps: int = 40) -> pd.DataFrame:
    """Forecasts one step ahead that are all wrong by as much, up and down in turn."""
    target = pd.Series([float(step % 7) for step in range(steps)])
    missed = pd.Series([error if step % 2 else -error for step in range(steps)])
    return pd.DataFrame({"row": range(100, 100 + steps), "step": 1, "target": target, "predicted": target + missed})


def log_run(
    opened: Store,
    folder: Path,
    rows: pd.DataFrame | None,
    *,
    seconds: float = 0.0,
    probability: float | None = 0.9,
    mase: float | None = None,
    **tags: str,
) -> str:
    """Logs a run as the track stage does, with a model that always answers the same; None logs no model.

    The model of a series answers the probability as a value.
    """
    client = MlflowClient(opened.uri)
    tags = {**TAGS, "mlflow.source.git.commit": "c0ffee", **tags}
    run_id = str(client.create_run(opened.experiment_id, tags=tags).info.run_id)
    client.log_metric(run_id, "best_val_loss", 0.25)
    if mase is not None:
        client.log_metric(run_id, "test_mase", mase)
    if rows is not None:
        rows.to_parquet(folder / PREDICTIONS)
        client.log_artifact(run_id, str(folder / PREDICTIONS))
    if probability is not None:
        is_series = tags["task"] == "series"
        answer = {"next_value": probability} if is_series else {"label": "positive", "probability": probability}
        script = folder / "served.py"
        script.write_text(SERVED)
        with mlflow.start_run(run_id=run_id):
            mlflow.pyfunc.log_model(
                name="model",
                python_model=str(script),
                model_config={"seconds": seconds, "answer": answer},
                signature=None if is_series else TEXT_SIGNATURE,
                input_example=pd.DataFrame({"values": [[1.0, 2.0]]}) if is_series else None,
                pip_requirements=[],
            )
    client.set_terminated(run_id)
    return run_id


def pipeline(opened: Store, *losses: tuple[str, int, float], status: str = "FINISHED", task: str = "text") -> list[str]:
    """A parent with a child for each model, seed and best validation loss; returns the children."""
    client = MlflowClient(opened.uri)
    parent = client.create_run(opened.experiment_id, tags={"kind": "pipeline"}).info.run_id
    client.log_param(parent, "task", task)
    children = []
    for model, seed, loss in losses:
        tags = {**TAGS, "task": task, "model": model, "seed": str(seed), "mlflow.parentRunId": parent}
        child = client.create_run(opened.experiment_id, tags=tags).info.run_id
        client.log_metric(child, "best_val_loss", loss)
        client.log_metric(child, "test_accuracy", loss)  # the worst models have the best test figures
        children.append(child)
    baseline = {"kind": "baseline", "model": "tfidf", "mlflow.parentRunId": parent}
    client.create_run(opened.experiment_id, tags=baseline)
    if status == "FINISHED":
        client.set_terminated(parent)
    return children
