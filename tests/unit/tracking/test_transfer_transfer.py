import http.server
import threading
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from rnnlab.project.errors import UserError
from rnnlab.tracking.transfer import transfer as module
from rnnlab.tracking.transfer.transfer import transfer
from tests.support.transfers import Stores, make_small

pytestmark = pytest.mark.usefixtures("bare_mlflow")


def test_a_store_is_not_copied_to_itself(stores: Stores, tmp_path: Path) -> None:
    make_small(stores.source, "itself", tmp_path)
    transfer(stores.source, stores.server, "itself")
    for uri in (stores.database, stores.server, f"{stores.server}/"):
        with pytest.raises(UserError, match=r"serves .* itself"):
            transfer(uri, stores.server, "itself")


def test_only_one_transfer_runs_at_a_time(stores: Stores, tmp_path: Path) -> None:
    make_small(stores.source, "twice", tmp_path)

    def second(_: str) -> None:
        with pytest.raises(UserError, match="another transfer"):
            transfer(stores.source, stores.server, "twice")

    assert transfer(stores.source, stores.server, "twice", second).runs_copied == 1


def test_a_dead_target_is_one_sentence_without_the_password(stores: Stores, tmp_path: Path) -> None:
    make_small(stores.source, "dead", tmp_path)
    with pytest.raises(UserError) as mistake:
        transfer(stores.source, "http://anna:secret@127.0.0.1:9", "dead")
    assert str(mistake.value).startswith("http://127.0.0.1:9: the transfer stopped (")
    assert "secret" not in str(mistake.value) and "\n" not in str(mistake.value)


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_say_how_to_give_them(stores: Stores, tmp_path: Path, status: int) -> None:
    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status)

        def log_message(self, *_: Any) -> None:
            pass

    make_small(stores.source, f"credentials {status}", tmp_path)
    with http.server.HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(UserError, match="MLFLOW_TRACKING_USERNAME"):
            transfer(stores.source, f"http://127.0.0.1:{server.server_port}", f"credentials {status}")
        server.shutdown()


def test_a_server_that_keeps_files_on_its_own_disk_is_refused(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small(stores.source, "disk", tmp_path)
    place = MlflowClient(stores.database).create_experiment("disk", "file:///srv/artifacts")
    monkeypatch.setattr(module, "THIS_MACHINE", ())
    with pytest.raises(UserError, match="--serve-artifacts"):
        transfer(stores.source, stores.server, "disk")
    assert MlflowClient(stores.server).search_runs([place]) == []


def test_a_wrong_source_or_target_is_named(stores: Stores, tmp_path: Path) -> None:
    make_small(stores.source, "something", tmp_path)
    missing = tmp_path / "missing.db"
    with pytest.raises(UserError, match=r"missing\.db: no such store"):
        transfer(f"sqlite:///{missing}", stores.server)
    assert not missing.exists()
    with pytest.raises(UserError, match="no experiment 'nothing'"):
        transfer(stores.source, stores.server, "nothing")
    with pytest.raises(UserError, match="not a server"):
        transfer(stores.source, stores.database)
    missing.write_text("no database")
    with pytest.raises(UserError, match="cannot be read"):
        transfer(f"sqlite:///{missing}", stores.server)
