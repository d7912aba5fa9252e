"""Full disks, dead servers, cut files, moved projects: a clear message, no loss, and a rerun that repairs it."""

import gzip
import io
import os
import random
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.csv
import pyarrow.parquet as pq
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
    """Applies each fault to a finished copy; the short form has the first three, and only root can mount a disk."""
    faults: list[Fault] = [cut_files, changed_files, two_at_once, aborting_clients, moved_project, few_descriptors]
    faults += [dead_server, locked_store]
    faults += [odd_clocks] if shutil.which("faketime") else []
    faults += [other_language] if TURKISH.exists() else []
    faults += [] if os.geteuid() else [full_disk, read_only]
    outcomes = []
    with tempfile.TemporaryDirectory() as place:
        folder = projects.make(Path(place))
        projects.must(folder, "dvc", "repro")
        expected = projects.digests(folder)
        for fault in tqdm(faults[:3] if quick else faults, desc="faults", disable=None):
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


def _start(
    folder: Path, *before: str, command: Sequence[str] = ("dvc", "repro", "--force"), **variables: str
) -> "subprocess.Popen[str]":
    """Starts a command; by default one that runs every stage."""
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen((*before, *command), cwd=folder, env=projects.environment(**variables), **pipes)


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


def odd_clocks(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Runs everything before its files were made, before the first year that ZIP knows, and after 2038."""
    clocks = {"set back by a day": "-1d", "in 1970": "@1970-01-02 00:00:00", "in 2040": "@2040-01-02 00:00:00"}
    for name, moment in clocks.items():
        yield _outcome(f"a clock {name}", _end(_start(folder, "faketime", "-f", moment)), folder, expected)


def few_descriptors(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Runs everything with hardly any files open at once."""
    for number in (16, 32, 64):
        done = _end(_start(folder, "prlimit", f"--nofile={number}"))
        yield _outcome(f"{number} file descriptors", done, folder, expected)


TURKISH = Path("/usr/share/i18n/locales/tr_TR")  # of the package locales


def other_language(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Runs everything in Turkish, where the capital of i is not I."""
    with tempfile.TemporaryDirectory() as place:
        made = ("localedef", f"--inputfile={TURKISH}", "--charmap=UTF-8", f"{place}/tr_TR.UTF-8")
        subprocess.run(made, check=True)
        done = _end(_start(folder, LC_ALL="tr_TR.UTF-8", LANG="tr_TR.UTF-8", LOCPATH=place))
    yield _outcome("in Turkish", done, folder, expected)


CHANGES: dict[str, Callable[[Path], object]] = {
    "grew": lambda file: file.open("ab").write(b"one more,positive\n"),
    "shrank": lambda file: os.truncate(file, file.stat().st_size // 2),
    "was replaced": lambda file: shutil.copy2(file, f"{file}.new") and Path(f"{file}.new").replace(file),
    "vanished": lambda file: file.unlink(),
}


def changed_files(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Changes a CSV, packed or not, and a Parquet file while they are read, which has to be refused."""
    settings = (folder / "params.yaml").read_bytes()
    rows = [f"text {number} of many,{('negative', 'positive')[number % 2]}" for number in range(150_000)]
    written = "\n".join(["review,sentiment", *rows]).encode() + b"\n"
    table = pyarrow.csv.read_csv(io.BytesIO(written))
    for kind in ("csv", "csv.gz", "parquet"):
        source = folder / f"data/raw/it.{kind}"
        for name, change in CHANGES.items():
            if kind == "parquet":
                pq.write_table(table, source)
            else:
                source.write_bytes(gzip.compress(written, 1) if kind == "csv.gz" else written)
            clones.set_params(folder, {"data": {"csv": f"data/raw/it.{kind}"}})
            with _start(folder, command=(sys.executable, "-m", "stages.ingest")) as running:
                wait_until_open(source, running)
                change(source)
                done = _end(running)
            (folder / "params.yaml").write_bytes(settings)
            source.unlink(missing_ok=True)
            outcome = _outcome(f"a {kind} file {name} while it was read", done, folder, expected)
            yield outcome._replace(clear=outcome.clear and done.returncode == 1)


def wait_until_open(file: Path, running: "subprocess.Popen[str]") -> None:
    """Waits until a process has a file open, or has ended."""
    while running.poll() is None:
        with suppress(OSError):
            if any(link.samefile(file) for link in Path(f"/proc/{running.pid}/fd").iterdir()):
                return


def aborting_clients(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Posts to the demo and hangs up a thousand times, while others send half a request; then it has to answer."""
    port = free_port()
    text = b"text=the+film+was+good"
    head = b"POST /answer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    request = head + b"Content-Length: %d\r\n\r\n" % len(text) + text
    demo = _start(folder, command=("rnnlab", "demo", "--port", str(port)))
    assert demo.stdout
    demo.stdout.readline()
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    for client in slow:
        client.sendall(head)
    for number in range(1000):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", number % 2, 0))
            client.sendall(request)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/answer", text, timeout=60) as reply:
        answered = b"good" in reply.read()
    for client in slow:
        client.close()
    demo.terminate()
    done = _end(demo)
    outcome = _outcome("1,000 clients of the demo that hang up, 100 that are slow", done, folder, expected)
    yield outcome._replace(clear=outcome.clear and answered and done.returncode == -signal.SIGTERM)


# Characters that a shell, an address, a database's address, a line or a terminal reads as something else.
ODD_NAMES = ('it\'s 100%41 "odd" ?mode=ro#1 & $(co)', "line\nbreak \u202eleft")


def moved_project(folder: Path, expected: Digests) -> Iterator[Outcome]:
    """Copies a project, moves the copy and restores it: the same runs and champion, and nothing at the old place."""
    projects.must(folder, "git", "add", ".")
    projects.must(folder, "git", "commit", "--quiet", "--allow-empty", "--message", "a result")
    projects.must(folder, "rnnlab", "promote", "--force")
    copy, moved, restored = (folder.parent / name for name in (*ODD_NAMES, "restored"))
    ways: list[tuple[str, Path, Path, Callable[[], object]]] = [
        ("copied", folder, copy, lambda: shutil.copytree(folder, copy, symlinks=True)),
        ("moved", copy, moved, lambda: copy.rename(moved)),
        ("restored from a Git bundle", moved, restored, lambda: restore(moved, restored)),
    ]
    for way, before, now, move in ways:
        seen = what_users_see(before)
        move()
        at_old_place = projects.states(before)
        same = what_users_see(now) == seen
        settings = (now / "params.yaml").read_bytes()
        clones.set_params(now, {"intervals": {"margin": 0.02}})
        done = projects.run(now, "dvc", "repro")  # logs another result
        (now / "params.yaml").write_bytes(settings)
        outcome = _outcome(f"a project {way} to {now.name!r}", done, now, expected)
        kept = same and done.returncode == 0 and projects.states(before) == at_old_place
        yield outcome._replace(repaired=outcome.repaired and kept)
    for place in (moved, restored):
        shutil.rmtree(place)


def what_users_see(folder: Path) -> list[object]:
    """Returns the runs in a project's store, the table of its last result, and its champion with an answer of it."""
    with closing(sqlite3.connect(folder / "mlflow/mlflow.db")) as database:
        runs = database.execute("SELECT run_uuid, status FROM runs ORDER BY run_uuid").fetchall()
    return [runs, projects.must(folder, "rnnlab", "results"), projects.must(folder, "rnnlab", "predict", "a good film")]


def restore(folder: Path, target: Path) -> None:
    """Makes a project anew from a bundle, a DVC remote and its store, as docs/how-to/recover.md says."""
    bundle, remote = folder.parent / "project.bundle", folder.parent / "remote"
    projects.must(folder, "git", "bundle", "create", "--quiet", str(bundle), "--all")
    projects.must(folder, "dvc", "remote", "add", "--local", "--default", "team", str(remote))
    projects.must(folder, "dvc", "push", "--run-cache")
    projects.must(folder.parent, "git", "clone", "--quiet", str(bundle), str(target))
    projects.must(target, "dvc", "remote", "add", "--local", "--default", "team", str(remote))
    projects.must(target, "dvc", "pull", "--run-cache")
    for name in ("mlflow.db", "artifacts"):
        projects.must(target, "cp", "-R", str(folder / "mlflow" / name), "mlflow")


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
