import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import Timeout
from mlflow import MlflowClient

from rnnlab.project.errors import UserError
from rnnlab.tracking import store


def test_the_store_is_in_the_main_workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert store.tracking_uri() == f"sqlite:///{tmp_path}/mlflow/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert store.tracking_uri() == "http://127.0.0.1:5000"


def test_the_mode_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_SYNC", raising=False)
    assert store.sync_mode() == "warn"
    monkeypatch.setenv("MLFLOW_SYNC", "strict")
    assert store.sync_mode() == "strict"
    monkeypatch.setenv("MLFLOW_SYNC", "always")
    with pytest.raises(UserError, match="strict, warn or off"):
        store.sync_mode()


@pytest.mark.weekly
def test_concurrent_first_uses_make_one_experiment(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    command = (sys.executable, "-c", "from rnnlab.tracking import store; print(store.connect().experiment_id)")
    users = [
        subprocess.Popen(
            command, env=environment | {"DVC_ROOT": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    answers = [user.communicate(timeout=120) for user in users]
    assert [user.returncode for user in users] == [0, 0], answers
    assert len({out for out, _ in answers}) == 1
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow/mlflow.db")
    [experiment] = client.search_experiments(filter_string="name = 'rnn-vs-lstm'")
    assert experiment.artifact_location == (tmp_path / "mlflow/artifacts").as_uri()


def test_a_deleted_experiment_is_brought_back_with_its_files_beside_the_database(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    opened = store.connect()
    MlflowClient(opened.uri).delete_experiment(opened.experiment_id)
    assert store.connect() == opened
    experiment = MlflowClient(opened.uri).get_experiment(opened.experiment_id)
    assert experiment.lifecycle_stage == "active"
    assert experiment.artifact_location == (tmp_path / "mlflow/artifacts").as_uri()


def test_mlflow_is_told_to_be_quiet_and_to_give_up_soon_but_not_against_the_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("MLFLOW_LOGGING_LEVEL", "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_LOGGING_LEVEL", "DEBUG")
    store.quieten(40)
    assert [os.environ[name] for name in names] == ["DEBUG", "2", "40"]
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A project of its own, and an MLflow that asks a server once."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "3")
    return monkeypatch


def failure() -> Exception:
    with pytest.raises(Exception) as raised:
        store.connect()
    assert isinstance(raised.value, Exception)
    return raised.value


def test_nobody_waits_for_those_who_wait_for_a_server(impatient: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stopped:
        impatient.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{stopped.getsockname()[1]}")
        impatient.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "300")
        waiting = threading.Thread(target=failure)
        waiting.start()
        asked, _ = stopped.accept()
        with store.lock().acquire(timeout=0):
            assert waiting.is_alive()
        asked.close()
        waiting.join()


class Full(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(500, "no space left on device")

    do_POST = do_GET


@pytest.fixture
def full_server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Full) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_server_that_answers_need_not_be_started(impatient: pytest.MonkeyPatch, full_server: str) -> None:
    impatient.setenv("MLFLOW_TRACKING_URI", full_server)
    assert store.remedy(store.tracking_uri(), failure()) == "the server answers: its log says why it fails"


def test_a_server_that_is_not_there_is_to_be_started(impatient: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    impatient.setenv("MLFLOW_TRACKING_URI", address)
    assert store.remedy(store.tracking_uri(), failure()) == "start it or set MLFLOW_TRACKING_URI"


def test_a_database_in_a_file_is_not_to_be_started(impatient: pytest.MonkeyPatch) -> None:
    impatient.delenv("MLFLOW_TRACKING_URI", raising=False)
    full = OSError("(sqlite3.OperationalError) database or disk is full")
    assert store.remedy(store.tracking_uri(), full) == "make sure that its disk has room and that you may write there"


def test_a_server_that_hangs_holds_up_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    (tmp_path / "mlflow").mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5001")
    with store.lock():
        with pytest.raises(Timeout):
            store.lock().acquire(timeout=0)
        for other in ("http://127.0.0.1:5002", ""):
            monkeypatch.setenv("MLFLOW_TRACKING_URI", other)
            with store.lock().acquire(timeout=0):
                pass
