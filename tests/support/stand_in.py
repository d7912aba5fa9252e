"""A command that `tests.support.forks` runs; copied there under the command's name. Imports little: it starts often."""

import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Variables that begin so: later, nobody reads them any more.
READ_AT_IMPORT = ("PYTHON", "KERAS_", "TF_", "OMP_", "LD_", "LANG", "LC_", "TZ", "MPL")


def facts(variables: Mapping[str, str]) -> list[Any]:
    """Returns what a fork does not take over from a caller with these variables, in a form that JSON can hold."""
    limits = [list(resource.getrlimit(each)) for each in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE)]
    read_at_import = {name: value for name, value in variables.items() if name.startswith(READ_AT_IMPORT)}
    spaces = [str(Path(f"/proc/self/ns/{name}").readlink()) for name in ("mnt", "net", "user")]
    return [limits, read_at_import, spaces, os.getuid(), sorted(os.sched_getaffinity(0))]


def ask(address: str, script: str) -> tuple[socket.socket, int]:
    """Hands over the words, the folder, the variables and the screen; returns the line and the number of the fork."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(address)
    asked = json.dumps([script, sys.argv[1:], str(Path.cwd()), os.umask(0), dict(os.environ)]).encode()
    socket.send_fds(line, [b"%8d" % len(asked)], [0, 1, 2])
    line.sendall(asked)
    return line, int(line.recv(8))


def main() -> None:
    """Ends as the command did that it stands for."""
    own = Path(sys.argv[0]).absolute()
    forks, name = json.loads(own.with_name("forks.json").read_text("utf-8")), own.name
    script = f"{forks['scripts']}/{name}"
    is_ours = name != "python" or (sys.argv[1:2] == ["-m"] and sys.argv[2].startswith("stages."))
    try:
        if not is_ours or facts(os.environ) != forks["facts"]:
            raise ValueError
        line, number = ask(forks["address"], script)
    except (OSError, ValueError):
        os.execv(script, [script, *sys.argv[1:]])
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda which, _: os.kill(number, which))
    status = line.recv(1)
    if not status:
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(status[0])


if __name__ == "__main__":
    main()
