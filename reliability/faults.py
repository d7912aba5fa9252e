"""Full disks, read-only folders, dead servers, cut files: a clear word, nothing lost, and a rerun that mends it."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from reliability import projects
from reliability.ports import free_port
from reliability.report import Section

Digests = dict[str, str | None]
Done = subprocess.CompletedProcess[str]


class Outcome(NamedTuple):
    """What became of one fault.

    Attributes:
        fault: what was done.
        told: the last line that the user saw.
        clear: whether the failure was told without a traceback, or nothing failed.
        mended: whether a plain rerun gave the outputs of an undisturbed run.
    """

    fault: str
    told: str
    clear: bool
    mended: bool


Fault = Callable[[Path, Digests], Iterator[Outcome]]


def measure(quick: bool) -> Section:
    """Does each fault to a finished copy; a disk of its own is for root alone, and the short form has the first two."""
    faults: list[Fault] = [cut_files, two_at_once, dead_server, *([] if os.geteuid() else [full_disk, read_only])]
    faults = faults[:2] if quick else faults
    outcomes = []
    with tempfile.TemporaryDirectory() as place:
        folder = projects.make(Path(place))
        projects.must(folder, "dvc", "repro")
        expected = projects.digests(folder)
        for fault in tqdm(faults, desc="faults", disable=None):
            outcomes += list(fault(folder, expected))
    shown = [[o.fault, "yes" if o.clear else f"NO: {o.told}", "yes" if o.mended else "NO"] for o in outcomes]
    clear, mended = (sum(values) for values in zip(*((o.clear, o.mended) for o in outcomes), strict=True))
    sentence = (
        f"**{len(outcomes)} faults**: {clear} ended well or with a clear word, {mended} were mended by a plain rerun."
    )
    header = ("fault", "no traceback", "same outputs after `dvc repro`")
    return Section("Faults", sentence, header, shown, {"outcomes": [outcome._asdict() for outcome in outcomes]})


def _outcome(fault: str, done: Done, folder: Path, expected: Digests) -> Outcome:
    """Judges a run under a fault, and mends."""
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    clear = "Traceback" not in done.stdout + done.stderr
    again = projects.run(folder, "dvc", "repro")
    mended = again.returncode == 0 and projects.digests(folder) == expected
    return Outcome(fault, lines[-1] if lines else "", clear, mended)


def cut_files(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Cuts files between stages, and runs the stage that reads them."""
    readers = {
        "data/interim/rows.parquet": "tokenize_pad",
        "data/features/train/tokens.npy": "train@lstm-1",
        "data/features/vocabulary.json": "evaluate",
        "models/lstm-1.keras": "evaluate",
        "data/predictions.parquet": "compare",
        "reports/metrics.json": "plot",
    }
    commands = {stage.name: stage.command for stage in projects.stages(folder)}
    generator = random.Random(0)
    for path, reader in readers.items():
        whole = (folder / path).read_bytes()
        for part in (0, len(whole) // 2, generator.randrange(1, len(whole))):
            (folder / path).unlink()  # it may be a link into DVC's cache
            (folder / path).write_bytes(whole[:part])
            done = projects.run(folder, *commands[reader])
            yield _outcome(f"{path} cut to {part} bytes, {reader}", done, folder, expected)


def two_at_once(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Starts `dvc repro` twice at the same time, with everything to do."""
    for output in expected:
        projects.remove(folder / output)
    running = [
        subprocess.Popen(
            ("dvc", "repro", "--force"),
            cwd=folder,
            env=projects.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for number, process in enumerate(running, start=1):
        out, err = process.communicate()
        done = subprocess.CompletedProcess([], process.returncode, out, err)
        yield _outcome(f"two `dvc repro` at once, number {number}", done, folder, expected)


@contextmanager
def mlflow_server(folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs MLflow's server on the copy's own store."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder.parent / 'server.db'}"]
    quiet = projects.environment(MLFLOW_DISABLE_TELEMETRY="true", MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
    silent: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    with subprocess.Popen(command, cwd=folder.parent, env=quiet, **silent) as server:
        for _ in range(240):
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
                break
            time.sleep(0.5)
        try:
            yield server
        finally:
            os.killpg(server.pid, signal.SIGKILL)


def dead_server(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Kills MLflow's server while networks train, and starts it again afterwards."""
    port = free_port()
    address = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}
    with (
        mlflow_server(folder, port) as server,
        subprocess.Popen(
            ("dvc", "repro", "--force"),
            cwd=folder,
            env=projects.environment(**address),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as running,
    ):
        assert running.stdout
        for line in running.stdout:
            if "train@" in line:
                server.kill()
                break
        out, err = running.communicate()
    done = subprocess.CompletedProcess([], running.returncode, out, err)
    yield _outcome("MLflow's server killed while networks train", done, folder, expected)
    with mlflow_server(folder, port):
        done = projects.run(folder, "python", "-m", "stages.track", **address)
        yield _outcome("and started again: `stages.track`", done, folder, expected)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Copies the project onto a disk of its own that has little room left."""
    disk = folder.parent / "disk"
    disk.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs", str(disk)), check=True)
    try:
        subprocess.run(("cp", "-a", str(folder), str(disk / "project")), check=True)
        used = shutil.disk_usage(disk).used // 2**20 + 1
        subprocess.run(("mount", "-o", f"remount,size={used + megabytes}m", str(disk)), check=True)
        yield disk
    finally:
        subprocess.run(("umount", str(disk)), check=True)
        disk.rmdir()


def full_disk(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Runs everything with ever less room, then with enough."""
    for megabytes in (1, 2, 4):
        with small_disk(folder, megabytes) as disk:
            done = projects.run(disk / "project", "dvc", "repro", "--force")
            subprocess.run(("mount", "-o", "remount,size=2g", str(disk)), check=True)
            yield _outcome(f"{megabytes} MB of disk left", done, disk / "project", expected)


def read_only(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Runs stages on a disk that cannot be written."""
    with small_disk(folder, 100) as disk:
        project = disk / "project"
        for stage in projects.stages(folder):
            subprocess.run(("mount", "-o", "remount,ro", str(disk)), check=True)
            done = projects.run(project, *stage.command)
            subprocess.run(("mount", "-o", "remount,rw", str(disk)), check=True)
            yield _outcome(f"a folder that cannot be written, {stage.name}", done, project, expected)
