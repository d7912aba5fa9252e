"""Full disks, read-only folders, dead servers, cut files: a clear message, no loss, and a rerun that repairs it."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from reliability import clones, projects
from reliability.ports import free_port
from reliability.report import Section

Digests = dict[str, str | None]
Done = subprocess.CompletedProcess[str]


class Outcome(NamedTuple):
    """The effect of one fault.

    Attributes:
        fault: what was done.
        message: the last line that the user saw.
        clear: whether nothing failed, or the failure was reported without a traceback.
        repaired: whether a plain rerun made the outputs of an undisturbed run.
    """

    fault: str
    message: str
    clear: bool
    repaired: bool


Fault = Callable[[Path, Digests], Iterator[Outcome]]


def measure(quick: bool) -> Section:
    """Applies each fault to a finished copy; the short form has the first two, and only root can mount a disk."""
    faults: list[Fault] = [cut_files, two_at_once, dead_server, locked_store]
    faults += [set_back_clock] if shutil.which("faketime") else []
    faults += [] if os.geteuid() else [full_disk, read_only]
    outcomes = []
    with tempfile.TemporaryDirectory() as place:
        folder = projects.make(Path(place))
        projects.must(folder, "dvc", "repro")
        expected = projects.digests(folder)
        for fault in tqdm(faults[:2] if quick else faults, desc="faults", disable=None):
            outcomes += list(fault(folder, expected))
    shown = [
        [o.fault, o.message.replace("|", "/")[:160], "yes" if o.clear else "NO", "yes" if o.repaired else "NO"]
        for o in outcomes
    ]
    clear, repaired = (sum(values) for values in zip(*((o.clear, o.repaired) for o in outcomes), strict=True))
    sentence = (
        f"**{len(outcomes)} faults**: {clear} did no harm or ended with a clear message, {repaired} were repaired by a"
        " plain rerun."
    )
    header = ("fault", "last word", "no traceback", "same outputs after `dvc repro`")
    raw = {"outcomes": [outcome._asdict() for outcome in outcomes]}
    return Section("Faults", sentence, header, shown, raw, all(o.clear and o.repaired for o in outcomes))


def _outcome(fault: str, done: Done, folder: Path, expected: Digests) -> Outcome:
    """Judges a run under a fault, and runs everything again without it."""
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    clear = "Traceback" not in done.stdout + done.stderr
    again = projects.run(folder, "dvc", "repro")
    repaired = again.returncode == 0 and projects.digests(folder) == expected
    message = lines[-1].replace(f"{folder}/", "").replace(f"{folder.parent}/", "") if lines else ""
    return Outcome(fault, message, clear, repaired)


def cut_files(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Cuts each file that a stage reads from another, or the largest file of a folder, and runs the stage."""
    generator = random.Random(0)
    stages = projects.stages(folder)
    made = [Path(output) for stage in stages for output in stage.outputs]
    for stage in stages:
        inputs = [Path(path) for path in stage.inputs]
        for source in [folder / path for path in inputs if any(path in (out, *out.parents) for out in made)]:
            files = [part for part in (source, *source.rglob("*")) if part.is_file()]
            file = max(files, key=lambda part: part.stat().st_size)
            content = file.read_bytes()
            file.unlink()  # it may be a link into DVC's cache
            # Without the line break at its end: only DVC, by its hash, can see that a table lacks lines.
            file.write_bytes(content[: generator.randrange(len(content))].rstrip(b"\n"))
            cut = f"{file.relative_to(folder)} cut to {file.stat().st_size} of {len(content)} bytes, {stage.name}"
            yield _outcome(cut, projects.run(folder, *stage.command), folder, expected)


def _start(folder: Path, *before: str, **variables: str) -> "subprocess.Popen[str]":
    """Starts a `dvc repro` that runs every stage."""
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(
        (*before, "dvc", "repro", "--force"), cwd=folder, env=projects.environment(**variables), **pipes
    )


def _end(running: "subprocess.Popen[str]") -> Done:
    out, err = running.communicate()
    return subprocess.CompletedProcess([], running.returncode, out, err)


def two_at_once(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Starts `dvc repro` twice at the same time, without any output there."""
    for output in expected:
        projects.remove(folder / output)
    ends = [_end(running) for running in [_start(folder), _start(folder)]]
    for number, done in enumerate(ends, start=1):
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
    address = f"http://127.0.0.1:{port}"
    with mlflow_server(folder, port) as server, _start(folder, MLFLOW_TRACKING_URI=address) as running:
        assert running.stdout
        for line in running.stdout:
            if "epoch 1 " in line:
                os.killpg(server.pid, signal.SIGKILL)
                break
        done = _end(running)
    yield _outcome("MLflow's server killed while networks train", done, folder, expected)
    with mlflow_server(folder, port):
        done = projects.run(folder, "python", "-m", "stages.track", MLFLOW_TRACKING_URI=address)
        outcome = _outcome("and started again: `stages.track`", done, folder, expected)
        finished, _ = projects.counted_runs(address)
        yield outcome._replace(repaired=outcome.repaired and finished == 1)


def locked_store(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Holds the lock of MLflow's database while everything runs."""
    with closing(sqlite3.connect(folder / "mlflow/mlflow.db")) as database:
        database.execute("BEGIN EXCLUSIVE")
        done = _end(_start(folder))
    yield _outcome("MLflow's database locked by another program", done, folder, expected)


def set_back_clock(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Runs everything with a clock that is a day before the existing files."""
    yield _outcome("a clock set back by a day", _end(_start(folder, "faketime", "-f", "-1d")), folder, expected)


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """Copies the project onto a separate disk that has little room left."""
    disk = folder.parent / "disk"
    disk.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs", str(disk)), check=True)
    try:
        subprocess.run(("cp", "-a", str(folder), str(disk / "project")), check=True)
        size = shutil.disk_usage(disk).used // 2**10 + kilobytes
        subprocess.run(("mount", "-o", f"remount,size={size}k", str(disk)), check=True)
        yield disk
    finally:
        subprocess.run(("umount", str(disk)), check=True)
        disk.rmdir()


def full_disk(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Runs everything with more and more room, always too little for other texts, then with enough."""
    for kilobytes in (4, 64, 128, 256, 512, 1024):
        with small_disk(folder, kilobytes) as disk:
            settings = (disk / "project/params.yaml").read_bytes()
            clones.set_params(disk / "project", {"sample": {"seed": 7}})
            done = projects.run(disk / "project", "dvc", "repro")
            subprocess.run(("mount", "-o", "remount,size=2g", str(disk)), check=True)
            (disk / "project/params.yaml").write_bytes(settings)
            yield _outcome(f"{kilobytes} kB of disk left", done, disk / "project", expected)


def read_only(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Runs stages on a disk that cannot be written."""
    with small_disk(folder, 100 * 1024) as disk:
        project = disk / "project"
        for stage in projects.stages(folder):
            subprocess.run(("mount", "-o", "remount,ro", str(disk)), check=True)
            done = projects.run(project, *stage.command)
            subprocess.run(("mount", "-o", "remount,rw", str(disk)), check=True)
            yield _outcome(f"a folder that cannot be written, {stage.name}", done, project, expected)
