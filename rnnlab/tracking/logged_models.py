"""Trained networks as models of MLflow: code and arrays in a folder, loaded without this repository."""

import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput
from mlflow.entities import Run as MlflowRun
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array

from rnnlab.features import series_encoding
from rnnlab.features.sequences import read_scaler
from rnnlab.features.series_encoding import Encoding, Scaler
from rnnlab.project import layout
from rnnlab.project.params import Params
from rnnlab.project.plugins import Plugin
from rnnlab.project.tasks import TaskName

Answers: TypeAlias = Mapping[str, Any]  # what a model needs to know to answer, beside its network and encoding
OLD_NAME = "model"  # of every model that was logged before each had its own
PACKAGES = (
    "mlflow", "tensorflow", "keras", "numpy", "pandas", "pyarrow", "pydantic", "ruamel.yaml", "filelock", "scipy",
)  # fmt: skip
# What a model takes and gives, an example of it, and what those who ask it must know.
Description = tuple[ModelSignature, pd.DataFrame, dict[str, Any]]
TEXT = "Not good: a dull plot, though the songs were wonderful."


def _classifier_signature(reads: ColSpec) -> ModelSignature:
    return ModelSignature(
        inputs=Schema([reads]),
        outputs=Schema([ColSpec("string", "label"), ColSpec("double", "probability")]),
        params=ParamSchema([ParamSpec("all", "boolean", default=False)]),
    )


TEXT_SIGNATURE = _classifier_signature(ColSpec("string", "text"))


def _series_signature(settings: Params, encoding: Encoding, has_intervals: bool) -> ModelSignature:
    words = {name for name, rule in encoding.covariates.items() if not isinstance(rule, Scaler)}
    columns = [ColSpec(Array("string" if name in words else "double"), name) for name in encoding.covariates]
    lists = [*(["forecast"] if settings.series.horizon > 1 else []), *(["low", "high"] if has_intervals else [])]
    series = [ColSpec("string", "series")] if encoding.has_names else []
    return ModelSignature(
        inputs=Schema([ColSpec(Array("double"), "values"), *series, *columns]),
        outputs=Schema([ColSpec("double", "next_value"), *(ColSpec(Array("double"), name) for name in lists)]),
    )


def _series_example(settings: Params, encoding: Encoding) -> pd.DataFrame:
    middles = {name: rule.mean if isinstance(rule, Scaler) else rule[0] for name, rule in encoding.covariates.items()}
    name, own = next(iter(encoding.series.items()))
    columns, options = {"values": own.scaler.mean, **middles}, settings.series
    rows = {name: options.window + options.horizon * (name in encoding.ahead) for name in columns}
    lists = pd.DataFrame({name: [[value] * rows[name]] for name, value in columns.items()})
    return lists.assign(series=[name]) if encoding.has_names else lists


def _describe_forecaster(settings: Params, encoding: Path, answers: Answers) -> Description:
    fitted = series_encoding.read(encoding)
    has_intervals = bool(answers.get("half_widths"))
    return _series_signature(settings, fitted, has_intervals), _series_example(settings, fitted), {}


def _describe_sequences(settings: Params, encoding: Path, answers: Answers) -> Description:
    scaler = read_scaler(encoding)
    signature = _classifier_signature(ColSpec(Array(Array("double")), "steps"))
    return signature, pd.DataFrame({"steps": [[scaler.mean] * 2]}), {"channels": list(scaler.channels)}


DESCRIBERS: dict[TaskName, Callable[[Params, Path, Answers], Description]] = {
    "text": lambda settings, encoding, answers: (TEXT_SIGNATURE, pd.DataFrame({"text": [TEXT]}), {}),
    "series": _describe_forecaster,
    "sequences": _describe_sequences,
}


def log_model(
    client: MlflowClient,
    experiment_id: str,
    run_id: str,
    params: Mapping[str, str],
    settings: Params,
    network: Path,
    encoding: Path,
    answers: Answers,
    cell: Plugin | None = None,
) -> str:
    """Logs a network with all that it needs to answer, as the output of a run and under its file's name.

    `mlflow.pyfunc.log_model` would start TensorFlow for each model to try its example; a folder that is made here and
    then uploaded comes to the same. The encoding is the vocabulary of texts, or the scalers and words of numbers; a
    ``cell`` that is not one of ours travels with the network, as a file or as a package to install.

    Returns:
        The model's id, under which its figures can be logged.
    """
    signature, example, facts = DESCRIBERS[settings.task](settings, encoding, answers)
    model = client.create_logged_model(
        experiment_id, network.stem, source_run_id=run_id, params=dict(params), model_type="pyfunc"
    )
    files = {"network": network, "encoding": encoding, **({"cell": cell.file} if cell and cell.file else {})}
    needed = [f"{package}=={version(package)}" for package in PACKAGES]
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "model"
        mlflow.pyfunc.save_model(
            folder,
            mlflow_model=Model(artifact_path=model.artifact_location, run_id=run_id, model_id=model.model_id),
            python_model=str(layout.PACKAGE / "serving" / "served_model.py"),
            artifacts={name: str(file) for name, file in files.items()},
            code_paths=[str(layout.PACKAGE)],
            model_config={
                "task": settings.task,
                "tokenize_pad": settings.tokenize_pad.model_dump(),
                **facts,
                **answers,
            },
            signature=signature,
            input_example=example,
            pip_requirements=[*needed, *([cell.requirement] if cell and cell.requirement else [])],
        )
        client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    return str(model.model_id)


def address(run: MlflowRun) -> str:
    """Returns where MLflow finds the model that a run logged, whatever its name; of old runs it may be among files."""
    made = run.outputs.model_outputs if run.outputs else []
    return f"models:/{made[0].model_id}" if made else f"runs:/{run.info.run_id}/{OLD_NAME}"
