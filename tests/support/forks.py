"""Commands of the project in forks of one process that has imported the slow packages: TensorFlow, MLflow, pandas, DVC.

`folder` holds stand-ins for ``python``, ``rnnlab`` and ``dvc``. What each of them runs is read from the caller's folder
as ever; what is there already are packages of others alone. Where something differs that a fork could not take over,
such as a limit of memory or a variable that is read at an import, the stand-in runs the real command.
"""

import atexit
import contextlib
import functools
import importlib
import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

from tests.support import stand_in

SLOW = (
    *("keras", "pandas", "pyarrow.parquet", "scipy.stats", "sklearn.linear_model", "matplotlib.figure"),
    *("great_expectations", "mlflow.keras", "mlflow.store.tracking.sqlalchemy_store", "statsmodels.tsa.api"),
    *("dvc.cli", "dvc.repo.reproduce", "dvc.repo.experiments", "dvc.commands.repro"),
)
COMMANDS = ("python", "rnnlab", "dvc")


@functools.cache
def folder() -> Path:
    """Starts the process, which ends with this one; returns a folder to put first in a PATH, with no PYTHON… set."""
    place = Path(tempfile.mkdtemp(prefix="forks-"))
    address = place / "socket"
    facts = stand_in.facts({name: value for name, value in os.environ.items() if not name.startswith("PYTHON")})
    known = {"address": str(address), "scripts": str(Path(sys.executable).parent), "facts": facts}
    (place / "forks.json").write_text(json.dumps(known), encoding="utf-8")
    for name in COMMANDS:
        script = place / name
        script.write_text(f"#!{sys.executable} -IS\n{Path(stand_in.__file__).read_text('utf-8')}", encoding="utf-8")
        script.chmod(0o755)
    command = (sys.executable, "-m", "tests.support.forks", str(address))
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    atexit.register(server.kill)
    while not address.exists() and server.poll() is None:
        time.sleep(0.1)
    return place


def serve(address: Path) -> None:
    """Forks for each request, until the input ends."""
    _import_slow()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(sys.stdin.fileno(),), daemon=True).start()
    door = socket.socket(socket.AF_UNIX)
    door.bind(f"{address}.new")
    door.listen(64)
    address.with_suffix(".new").rename(address)
    while True:
        line, _ = door.accept()
        if not os.fork():
            door.close()
            _answer(line)
        line.close()


def _import_slow() -> None:
    from rnnlab.networks.keras_import import importing_keras
    from rnnlab.tracking.store import quieten

    before = dict(os.environ)
    quieten()
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with importing_keras():
        for name in SLOW:
            importlib.import_module(name)
    os.environ.clear()
    os.environ.update(before)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("rnnlab", "tests", "stages")]:
        del sys.modules[name]  # a fork imports its own


def _answer(line: socket.socket) -> None:
    """Runs what is asked for, as a process of its own would, and ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, files, *_ = socket.recv_fds(line, 8, 3)
    asked = b""
    while len(asked) < int(size):
        asked += line.recv(1 << 16)
    script, words, place, mask, variables = json.loads(asked)
    line.sendall(b"%8d" % os.getpid())
    threading.Thread(target=_follow, args=(line.fileno(),), daemon=True).start()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        setattr(sys, name, open(number, "w" if number else "r", buffering=1, closefd=False))  # noqa: SIM115
    os.umask(mask)
    os.chdir(place)
    os.environ.clear()
    os.environ.update(variables)
    status = _run(script, words)
    line.sendall(bytes([status]))
    os._exit(0)


def _run(script: str, words: list[str]) -> int:
    status = 0
    try:
        if words[:1] == ["-m"]:
            sys.argv, sys.path[0] = words[1:], str(Path.cwd())
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv, sys.path[0] = [script, *words], str(Path(script).parent)
            runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return status & 255


def _follow(file: int) -> None:
    """Ends this process once whoever asked for it has ended."""
    with contextlib.suppress(OSError):
        while os.read(file, 1):
            pass
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
