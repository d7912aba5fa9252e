"""The one MLflow store that every run lands in, however it was started."""

import os
import re
import sys
import time
import warnings
from hashlib import md5
from pathlib import Path
from typing import Literal, NamedTuple, cast

from filelock import FileLock

from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.git import project_root
from rnnlab.tracking.relocation import relocate

SyncMode = Literal["strict", "warn", "off"]
EXPERIMENT = "rnn-vs-lstm"
# Others may be waiting too: on a busy machine each takes up to a minute to log to a server, in no order.
LOCK_SECONDS = 900


class Store(NamedTuple):
    """An open store, and the experiment in it that all runs belong to."""

    uri: str
    experiment_id: str


def sync_mode() -> SyncMode:
    """Reads ``MLFLOW_SYNC``: strict fails without MLflow, warn (the default) goes on, off does not try.

    Raises:
        UserError: it is set to something else.
    """
    mode = os.environ.get("MLFLOW_SYNC") or "warn"
    if mode not in ("strict", "warn", "off"):
        raise UserError(f"MLFLOW_SYNC is {mode!r}; set it to strict, warn or off")
    return cast(SyncMode, mode)


def now() -> int:
    """The time as MLflow counts it, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def folder() -> Path:
    """The folder of the local store, in the main workspace."""
    return project_root() / layout.STORE


def local_uri() -> str:
    """The project's own SQLite database.

    A path with characters that mean something in an address is named relative to the working directory, where they
    hardly ever are: MLflow and SQLAlchemy disagree on how to write them.
    """
    database = folder() / "mlflow.db"
    if re.search(r"[%?#\s]", str(database)):
        database = Path(os.path.relpath(database))
    return f"sqlite:///{database}"


def tracking_uri() -> str:
    """``MLFLOW_TRACKING_URI``, or the project's own SQLite database."""
    return os.environ.get("MLFLOW_TRACKING_URI") or local_uri()


def lock() -> FileLock:
    """A lock between all processes of this project that use the same store.

    Two that create the database at once corrupt it. Each server has a lock of its own: while one hangs, whoever uses
    another store goes on.
    """
    folder().mkdir(exist_ok=True)
    uri = tracking_uri()
    name = f"server-{md5(uri.encode(), usedforsecurity=False).hexdigest()[:8]}" if _is_server(uri) else "store"
    return FileLock(folder() / f"{name}.lock", timeout=LOCK_SECONDS)


def quieten(timeout: int = 15) -> None:
    """Turns MLflow's telemetry off, hides its set-up messages, and lets it give up on a dead server within seconds.

    By default it waits for minutes; here one request may take ``timeout`` seconds. Variables that are set already stay
    as they are, except for telemetry.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    for name, value in {
        "MLFLOW_LOGGING_LEVEL": "ERROR",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(timeout),
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }.items():
        os.environ.setdefault(name, value)


def connect() -> Store:
    """Opens the store, creating database and experiment where they are missing.

    Imports MLflow, see `quieten`.

    Raises:
        Exception: whatever MLflow or its database raise when the store cannot be used.
    """
    quieten()
    import mlflow

    uri = tracking_uri()
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    mlflow.set_tracking_uri(uri)
    if _is_server(uri):  # one that hangs must not hold up all who wait for the lock
        mlflow.MlflowClient(uri).get_experiment_by_name(name)
    with lock(), warnings.catch_warnings():
        # Even the client creates a missing database, with a warning about MLflow's migrations.
        warnings.simplefilter("ignore")
        client = mlflow.MlflowClient(uri)
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            artifacts = (folder() / "artifacts").as_uri() if uri.startswith("sqlite:") else None
            return Store(uri, client.create_experiment(name, artifact_location=artifacts))
        _follow_move(uri, experiment.artifact_location)
        if experiment.lifecycle_stage == "deleted":
            client.restore_experiment(experiment.experiment_id)
        return Store(uri, str(experiment.experiment_id))


def remedy(uri: str, failure: Exception) -> str:
    """Says what to do about a store that `connect`, or a client of it, failed with."""
    from mlflow.exceptions import RestException

    if not _is_server(uri):
        return "make sure that its disk has room and that you may write there"
    if isinstance(failure, RestException) or re.search(r"too many \d+ error responses|error code \d+", str(failure)):
        return "the server answers: its log says why it fails"
    return "start it or set MLFLOW_TRACKING_URI"


def _is_server(uri: str) -> bool:
    return uri.startswith(("http:", "https:"))


def _follow_move(uri: str, artifacts: str) -> None:
    """Corrects the places of files where the project was moved or copied since."""
    here = (folder() / "artifacts").as_uri()
    if uri != local_uri() or artifacts == here or not artifacts.endswith("/mlflow/artifacts"):
        return
    relocate(folder() / "mlflow.db", artifacts, here)
    before = artifacts.removesuffix("/mlflow/artifacts")
    print(f"this project was at {before}; its MLflow store now keeps files here", file=sys.stderr)
