"""Two machines that share a Git server and a DVC remote: a folder, and a real SFTP server."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from reliability.ports import free_port
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
    port = free_port()
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


def know(project: Project, address: str, key: Path) -> None:
    """Tells a clone of the remote, but not Git: the experiment's commit is to stay the newest."""
    project.run("dvc", "remote", "add", "--local", "--default", "team", address)
    project.run("dvc", "remote", "modify", "--local", "team", "keyfile", str(key))


@pytest.mark.weekly
def test_another_machine_pulls_from_a_server_and_runs_nothing(
    resampled: Project, tmp_path: Path, sftp: tuple[str, Path]
) -> None:
    project = resampled.copy(tmp_path / "here")
    address, key = sftp
    origin = tmp_path / "origin.git"
    project.run("git", "init", "-q", "--bare", "-b", "main", str(origin))
    project.run("git", "remote", "add", "origin", str(origin))
    know(project, address, key)
    project.run("git", "push", "-q", "origin", "main")
    project.run("dvc", "push")
    project.run("dvc", "exp", "push", "origin", "resampled")

    there = Project(tmp_path / "there")
    project.run("git", "clone", "-q", str(origin), str(there.folder))
    know(there, address, key)
    there.run("dvc", "pull")
    assert (there.folder / "models/lstm-1.keras").is_file()
    assert not stages_run(there.run("dvc", "repro").stdout)
    assert there.run("dvc", "status", "--quiet", expect=None).returncode == 0
    there.run("dvc", "exp", "pull", "origin", "resampled")
    assert "resampled" in there.run("dvc", "exp", "list", "--all-commits").stdout
    assert "intervals.margin" in there.run("dvc", "params", "diff", "main", "resampled").stdout
    there.run("dvc", "exp", "apply", "resampled")
    assert not stages_run(there.run("dvc", "repro").stdout)


def test_a_folder_is_a_remote_too(project: Project, tmp_path: Path) -> None:
    project.run("dvc", "remote", "add", "--default", "team", str(tmp_path / "store"))
    project.commit("a remote")
    project.run("dvc", "push")
    there = Project(tmp_path / "there")
    project.run("git", "clone", "-q", str(project.folder), str(there.folder))
    there.run("dvc", "pull")
    assert not stages_run(there.run("dvc", "repro").stdout)
