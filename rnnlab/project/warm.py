"""A stage's ``main`` again and again in one process: what it imports and compiles first, it does not a second time.

DVC starts a process for each stage. Where another one serves that stage, this process hands its words and its screen
over, waits, and ends with the status it is told; where nobody serves it, or no longer, it does the work itself.
"""

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from rnnlab.project.errors import exit_status

SERVER = "RNNLAB_WARM"  # the variable that holds the path of a socket
SCREEN = (1, 2)
LONGEST_WORDS = 1 << 16  # bytes


def status(main: Callable[[], None]) -> int:
    """Runs a stage's ``main`` in the process that serves it, or else in this one; returns the exit status."""
    address, told = os.environ.get(SERVER, ""), list[int]()
    if address and (interrupted := exit_status(lambda: told.extend(_ask(address)))):
        return interrupted
    return told[0] if told else exit_status(main)


def _ask(address: str) -> bytes:
    """Returns the exit status, a single byte; none if nobody answers."""
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(address)
            socket.send_fds(line, [json.dumps(sys.argv[1:]).encode()], SCREEN)
            return line.recv(1)
        except (ConnectionError, FileNotFoundError):
            return b""


@contextmanager
def processes(module: str, count: int) -> Iterator[str]:
    """Starts processes that serve a stage until the block ends, and yields what `SERVER` holds.

    Of more stages than processes, the first that is free serves the one that has waited longest.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as started:
        address = str(Path(folder) / "door")
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(address)
            door.listen()
            command = (sys.executable, "-m", "rnnlab.project.warm", module, str(door.fileno()))
            for _ in range(count):
                server = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[door.fileno()])
                started.enter_context(server)  # closes its input, and waits for its end
        yield address


def serve(module: str, door: int) -> None:
    """Answers one process after the other, until whoever started this one closes its input or ends."""
    main = importlib.import_module(module).main
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_follow, args=(sys.stdin.fileno(), threading.Event()), daemon=True).start()
    with socket.socket(fileno=door) as opened:
        while True:
            line, _ = opened.accept()
            with line:
                _answer(line, main)


def _answer(line: socket.socket, main: Callable[[], None]) -> None:
    """Runs ``main`` with the words of another process, on its screen; ends with it if that does not wait."""
    words, screen, *_ = socket.recv_fds(line, LONGEST_WORDS, len(SCREEN))
    if not screen:
        return
    _show_on(screen)
    sys.argv[1:] = json.loads(words)
    answered = threading.Event()
    watcher = threading.Thread(target=_follow, args=(line.fileno(), answered), daemon=True)
    watcher.start()
    told = exit_status(main)
    _show_on([os.open(os.devnull, os.O_WRONLY) for _ in SCREEN])  # or whoever reads that screen would wait for its end
    answered.set()
    line.sendall(bytes([told]))
    watcher.join()


def _show_on(screen: Sequence[int]) -> None:
    """Replaces this process' output and errors by other files, which are closed."""
    for name, number, file in zip(("stdout", "stderr"), SCREEN, screen, strict=True):
        shown = getattr(sys, name)
        shown.flush()
        os.dup2(file, number)
        os.close(file)
        # Not the same stream: it knows whether its first file could be rewound.
        setattr(sys, name, open(number, "w", buffering=1, encoding=shown.encoding, closefd=False))  # noqa: SIM115


def _follow(file: int, answered: threading.Event) -> None:
    """Ends this process once whoever writes to a file has closed it, unless that one was answered."""
    with suppress(ConnectionError):
        while os.read(file, 1):
            pass
    if not answered.is_set():
        os._exit(1)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
