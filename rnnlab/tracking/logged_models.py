"""Trained networks as models of MLflow: code and arrays in a folder, loaded without this repository."""

import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array

from rnnlab.features.sequences import read_scaler
from rnnlab.project import layout
from rnnlab.project.params import Params
from rnnlab.project.tasks import TaskName

NAME = "model"
TEXT = "Not good: a dull plot, though the songs were wonderful."
PACKAGES = (
    "mlflow", "tensorflow", "keras", "numpy", "pandas", "pyarrow", "pydantic", "ruamel.yaml", "filelock", "scipy",
)  # fmt: skip
_LABELS = Schema([ColSpec("string", "label"), ColSpec("double", "probability")])
_ALL = ParamSchema([ParamSpec("all", "boolean", default=False)])
SIGNATURES: dict[TaskName, ModelSignature] = {
    "text": ModelSignature(
        inputs=Schema([ColSpec("string", "text")]),
        outputs=_LABELS,
        params=_ALL,
    ),
    "series": ModelSignature(
        inputs=Schema([ColSpec(Array("double"), "values")]),
        outputs=Schema([ColSpec("double", "next_value")]),
    ),
    "sequences": ModelSignature(
        inputs=Schema([ColSpec(Array(Array("double")), "steps")]),
        outputs=_LABELS,
        params=_ALL,
    ),
}
EXAMPLES: dict[TaskName, Callable[[Params, Path], pd.DataFrame]] = {
    "text": lambda settings, encoding: pd.DataFrame(
        {"text": ["Not good: a dull plot, though the songs were wonderful."]}
    ),
    "series": lambda settings, encoding: pd.DataFrame({"values": [[0.0] * settings.series.window]}),
    "sequences": lambda settings, encoding: pd.DataFrame({"steps": [[read_scaler(encoding).mean] * 2]}),
}


def log_model(
    client: MlflowClient,
    experiment_id: str,
    run_id: str,
    settings: Params,
    network: Path,
    encoding: Path,
    labels: Sequence[str],
    thresholds: Sequence[float] | None,
) -> None:
    """Logs a network with all that turns inputs into its numbers and these into labels, as the output of a run.

    `mlflow.pyfunc.log_model` would start TensorFlow for each model to try its example; a folder that is made here and
    then uploaded comes to the same. The encoding is the vocabulary of texts, or the scaler of a series or of sequences.
    """
    model = client.create_logged_model(experiment_id, NAME, source_run_id=run_id, model_type="pyfunc")
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / NAME
        mlflow.pyfunc.save_model(
            folder,
            mlflow_model=Model(artifact_path=model.artifact_location, run_id=run_id, model_id=model.model_id),
            python_model=str(layout.PACKAGE / "serving" / "served_model.py"),
            artifacts={"network": str(network), "encoding": str(encoding)},
            code_paths=[str(layout.PACKAGE)],
            model_config={
                "task": settings.task,
                "tokenize_pad": settings.tokenize_pad.model_dump(),
                "labels": list(labels),
                "thresholds": thresholds,
            },
            signature=SIGNATURES[settings.task],
            input_example=EXAMPLES[settings.task](settings, encoding),
            pip_requirements=[f"{package}=={version(package)}" for package in PACKAGES],
        )
        client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
