"""Two MLflow stores to copy between, the second behind a server, and what is in them."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput, Metric, Param
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from reliability.ports import free_port
from rnnlab.tracking.champion import HISTORY
from rnnlab.tracking.transfer.copies import COMPLETE, FROM, STORE

# A model as a file of code, as the pipeline logs them, that reads an artifact.
CODE = """
from pathlib import Path
import mlflow, pandas as pd

class Words(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.good = Path(context.artifacts["good"]).read_text().split()

    def predict(self, context, model_input, params=None):
        found = [sum(word in self.good for word in text.split()) for text in model_input["text"]]
        return pd.DataFrame({"found": found})

mlflow.models.set_model(Words())
"""
SIGNATURE = ModelSignature(Schema([ColSpec("string", "text")]), Schema([ColSpec("long", "found")]))
START = 1_700_000_000_000


class Stores(NamedTuple):
    source: str
    server: str
    database: str


@contextmanager
def bare_environment(folder: Path) -> Iterator[None]:
    """Leaves nothing of MLflow's settings but those of tests; the folder is the project's."""
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
            patch.delenv(name)
        patch.setenv("DVC_ROOT", str(folder))
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        yield
        mlflow.set_tracking_uri(before)


@contextmanager
def serve_stores(folder: Path) -> Iterator[Stores]:
    """Runs the server of the second store; the first is made by whoever writes to it."""
    source, database = (f"sqlite:///{folder / name}" for name in ("source.db", "target.db"))
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", database, "--serve-artifacts", "--artifacts-destination", str(folder / "kept")]
    others = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment = {**others, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", server, folder / "server.log")
        yield Stores(source, f"http://127.0.0.1:{port}", database)
    finally:
        server.terminate()
        server.wait(30)


def wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(address, timeout=5)
        except OSError:
            assert server.poll() is None, log.read_text()
            time.sleep(0.5)
        else:
            return
    raise AssertionError(log.read_text())


def fill(uri: str, name: str, folder: Path) -> None:
    """A pipeline with a model, an evaluation below the model that begins before it, and odd runs; two versions."""
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri)
    place = client.create_experiment(name, (folder / "artifacts").as_uri(), {"mlflow.note.content": "what it is"})
    parent = run(client, place, "parent", START, kind="pipeline", **{"mlflow.note.content": "# a note"})
    client.log_text(parent, "<b>figures</b>", "figures/report.html")
    child = run(client, place, "child", START + 5, kind="model", **{"mlflow.parentRunId": parent})
    dataset = Dataset("reviews", "abc123", "local", '{"uri": "reviews.csv"}', '{"columns": 2}', '{"rows": 3}')
    client.log_inputs(child, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
    model_id = log_model(child, folder)
    points = [Metric("loss", 1 / step, START + step, step) for step in range(1, 4)]
    client.log_batch(child, [*points, Metric("accuracy", 0.75, START + 9, 0, model_id, "reviews", "abc123")])
    below = run(client, place, "evaluation", START + 1, **{"mlflow.parentRunId": child})
    client.log_inputs(below, models=[LoggedModelInput(model_id)])
    client.log_metric(below, "recall", 0.5, START + 7, 2, model_id=model_id)
    run(client, place, "going", START + 3)
    gone = run(client, place, "gone", START)
    client.set_terminated(parent, "FINISHED", START + 100)
    client.set_terminated(child, "FINISHED", START + 90)
    client.set_terminated(below, "FAILED", START + 80)
    client.set_tag(child, COMPLETE, f"FINISHED {START + 90}")  # as in a store that holds copies itself
    client.delete_run(gone)
    for number in (1, 2):
        mlflow.register_model(f"runs:/{child}/model", f"{name}-model", tags={"passed": str(number)})
    client.create_model_version(f"{name}-model", f"{client.get_run(child).info.artifact_uri}/extra", child)
    client.update_model_version(f"{name}-model", "2", "the second")
    client.delete_model_version(f"{name}-model", "1")
    client.set_registered_model_alias(f"{name}-model", "champion", "2")
    client.set_registered_model_tag(f"{name}-model", HISTORY, "1 2")


def make_small(uri: str, name: str, folder: Path) -> MlflowClient:
    """An experiment of one run; returns its store."""
    client = MlflowClient(uri)
    run(client, client.create_experiment(name, folder.as_uri()), "only", START)
    return client


def run(client: MlflowClient, place: str, name: str, started: int, **tags: str) -> str:
    user = {"mlflow.user": "anna", "mlflow.source.name": "dvc repro", "mlflow.source.type": "LOCAL"}
    made = str(client.create_run(place, started, {**user, **tags}, name).info.run_id)
    client.log_batch(made, [Metric("odd", float("nan"), started, 0)], [Param("units", "64"), Param("empty", "")])
    client.log_text(made, "a,b\n", "extra/table.csv")
    return made


def log_model(run_id: str, folder: Path) -> str:
    (folder / "model.py").write_text(CODE)
    (folder / "good.txt").write_text("good fine")
    with mlflow.start_run(run_id=run_id):
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(folder / "model.py"),
            artifacts={"good": str(folder / "good.txt")},
            signature=SIGNATURE,
            pip_requirements=["mlflow"],
            params={"units": "64"},
            tags={"colour": "blue"},
            model_type="words",
        )
    return str(logged.model_id)


def content(client: MlflowClient, name: str) -> dict[str, Any]:
    """All that a store says of an experiment, with names where it has ids of its own."""
    place = client.get_experiment_by_name(name)
    runs = [client.get_run(found.info.run_id) for found in client.search_runs([place.experiment_id])]
    models = list(client.search_logged_models([place.experiment_id]))
    names = {found.info.run_id: found.info.run_name for found in runs} | {found.model_id: "model" for found in models}
    assert len(set(names.values())) == len(names)
    return {
        "tags": place.tags,
        "runs": {found.info.run_name: run_content(client, found, names) for found in runs},
        "models": [model_content(client, found, names) for found in models],
    }


def run_content(client: MlflowClient, found: Any, names: dict[str, str]) -> dict[str, Any]:
    info, data = found.info, found.data
    tags = own(data.tags)
    if "mlflow.parentRunId" in tags:
        tags["mlflow.parentRunId"] = names[tags["mlflow.parentRunId"]]
    with TemporaryDirectory() as folder:
        files = tree(Path(client.download_artifacts(info.run_id, "", folder)))
    return {
        "info": (info.status, info.start_time, info.end_time, info.user_id, info.lifecycle_stage),
        "tags": tags,
        "params": data.params,
        "latest": {key: repr(value) for key, value in data.metrics.items()},
        "metrics": {
            key: [(at.step, at.timestamp, repr(at.value)) for at in client.get_metric_history(info.run_id, key)]
            for key in data.metrics
        },
        "datasets": [made.to_dictionary() for made in found.inputs.dataset_inputs],
        "used": [names[used.model_id] for used in found.inputs.model_inputs],
        "made": [(names[made.model_id], made.step) for made in found.outputs.model_outputs],
        "files": files,
    }


def model_content(client: MlflowClient, found: Any, names: dict[str, str]) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        local = mlflow.artifacts.download_artifacts(
            found.artifact_location, dst_path=folder, tracking_uri=client.tracking_uri
        )
        files = tree(Path(local))
    mlmodel = files.pop("MLmodel").decode()
    for unique, name in {found.artifact_location: "place", found.model_id: "model", **names}.items():
        mlmodel = mlmodel.replace(unique, name)
    measured = {
        (at.key, at.value, at.timestamp, at.step, names[at.run_id], at.dataset_name, at.dataset_digest)
        for at in found.metrics
    }
    return {
        "info": (found.name, found.model_type, str(found.status), names[found.source_run_id]),
        "tags": own(found.tags),
        "params": found.params,
        "metrics": measured,
        "mlmodel": mlmodel,
        "files": files,
    }


def own(tags: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in (FROM, STORE, COMPLETE, "mlflow.modelVersions")}


def tree(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
