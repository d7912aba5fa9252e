"""Trained networks as models of MLflow: code and arrays in a folder, loaded without this repository."""

import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput
from mlflow.entities import Run as MlflowRun
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array

from rnnlab.project import layout
from rnnlab.project.params import Params
from rnnlab.project.tasks import TaskName

OLD_NAME = "model"  # of every model that was logged before each had its own
PACKAGES = (
    "mlflow", "tensorflow", "keras", "numpy", "pandas", "pyarrow", "pydantic", "ruamel.yaml", "filelock", "scipy",
)  # fmt: skip
SIGNATURES: dict[TaskName, ModelSignature] = {
    "text": ModelSignature(
        inputs=Schema([ColSpec("string", "text")]),
        outputs=Schema([ColSpec("string", "label"), ColSpec("double", "probability")]),
        params=ParamSchema([ParamSpec("all", "boolean", default=False)]),
    ),
    "series": ModelSignature(
        inputs=Schema([ColSpec(Array("double"), "values")]),
        outputs=Schema([ColSpec("double", "next_value")]),
    ),
}
EXAMPLES: dict[TaskName, Callable[[Params], pd.DataFrame]] = {
    "text": lambda settings: pd.DataFrame({"text": ["Not good: a dull plot, though the songs were wonderful."]}),
    "series": lambda settings: pd.DataFrame({"values": [[0.0] * settings.series.window]}),
}


def log_model(
    client: MlflowClient,
    experiment_id: str,
    run_id: str,
    params: Mapping[str, str],
    settings: Params,
    network: Path,
    encoding: Path,
    answers: Mapping[str, Any],
) -> str:
    """Logs a network with all that it needs to answer, as the output of a run and under its file's name.

    `mlflow.pyfunc.log_model` would start TensorFlow for each model to try its example; a folder that is made here and
    then uploaded comes to the same. The encoding is the vocabulary of texts, or the scaler of a series.

    Returns:
        The model's id, under which its figures can be logged.
    """
    model = client.create_logged_model(
        experiment_id, network.stem, source_run_id=run_id, params=dict(params), model_type="pyfunc"
    )
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "model"
        mlflow.pyfunc.save_model(
            folder,
            mlflow_model=Model(artifact_path=model.artifact_location, run_id=run_id, model_id=model.model_id),
            python_model=str(layout.PACKAGE / "serving" / "served_model.py"),
            artifacts={"network": str(network), "encoding": str(encoding)},
            code_paths=[str(layout.PACKAGE)],
            model_config={
                "task": settings.task,
                "tokenize_pad": settings.tokenize_pad.model_dump(),
                **answers,
            },
            signature=SIGNATURES[settings.task],
            input_example=EXAMPLES[settings.task](settings),
            pip_requirements=[f"{package}=={version(package)}" for package in PACKAGES],
        )
        client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    return str(model.model_id)


def address(run: MlflowRun) -> str:
    """Returns where MLflow finds the model that a run logged, whatever its name; of old runs it may be among files."""
    made = run.outputs.model_outputs if run.outputs else []
    return f"models:/{made[0].model_id}" if made else f"runs:/{run.info.run_id}/{OLD_NAME}"
