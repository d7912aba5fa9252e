"""Two machines that share a Git server and a DVC remote: a folder, and a real SFTP server."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from tests.pipeline.conftest import Project, stages_run


@pytest.fixture(scope="module")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """An SSH server that gives out a folder to the owner of one key: its address, and the file of the key."""
    folder = tmp_path_factory.mktemp("ssh")
    (folder / "served").mkdir()
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(folder / "key")
    (folder / "key").chmod(0o600)
    (folder / "known").write_bytes(key.export_public_key())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    loop, ready = asyncio.new_event_loop(), threading.Event()

    def serve() -> None:
        asyncio.set_event_loop(loop)
        listening = asyncssh.listen(
            "127.0.0.1",
            port,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            authorized_client_keys=str(folder / "known"),
            sftp_factory=lambda connection: asyncssh.SFTPServer(connection, chroot=str(folder / "served").encode()),
        )
        loop.run_until_complete(listening)
        ready.set()
        loop.run_forever()

    threading.Thread(target=serve, daemon=True).start()
    assert ready.wait(30)
    yield f"ssh://somebody@127.0.0.1:{port}/store", folder / "key"
    loop.call_soon_threadsafe(loop.stop)


@pytest.mark.parametrize("kind", ["folder", "ssh"])
def test_another_machine_pulls_and_runs_nothing(
    kind: str, project: Project, tmp_path: Path, sftp: tuple[str, Path]
) -> None:
    origin = tmp_path / "origin.git"
    project.run("git", "init", "-q", "--bare", "-b", "main", str(origin))
    project.run("git", "remote", "add", "origin", str(origin))
    address, key = (str(tmp_path / "store"), None) if kind == "folder" else sftp
    project.run("dvc", "remote", "add", "--default", "team", address)
    project.commit("a remote")
    if key:
        project.run("dvc", "remote", "modify", "--local", "team", "keyfile", str(key))
    project.run("dvc", "exp", "run", "--temp", "--name", "wide", "-S", "models.lstm.units=6")
    project.run("git", "push", "-q", "origin", "main")
    project.run("dvc", "push")
    project.run("dvc", "exp", "push", "origin", "wide")

    there = Project(tmp_path / "there")
    project.run("git", "clone", "-q", str(origin), str(there.folder))
    if key:
        there.run("dvc", "remote", "modify", "--local", "team", "keyfile", str(key))
    there.run("dvc", "pull")
    assert (there.folder / "models/lstm-1.keras").is_file()
    assert not stages_run(there.run("dvc", "repro"))
    assert there.run("dvc", "status", "--quiet", expect=None).returncode == 0
    there.run("dvc", "exp", "pull", "origin", "wide")
    assert "wide" in there.run("dvc", "exp", "list", "--all-commits").stdout
    shown = there.run("dvc", "metrics", "diff", "main", "wide", "--json").stdout
    assert '"lstm"' in shown
    there.run("dvc", "exp", "apply", "wide")
    assert not stages_run(there.run("dvc", "repro"))
