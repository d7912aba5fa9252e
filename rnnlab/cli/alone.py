"""One command at a time in a project: DVC's own waiting is for a lock that it holds for moments."""

import fcntl
import os
import sys
from pathlib import Path

from rnnlab.project.errors import UserError

LOCK = Path(".dvc/tmp/alone.lock")


def wait_for_turn() -> int:
    """Waits until no other command of this project holds the lock, and takes it.

    Returns:
        the lock, a file that stays open: for `subprocess.run`'s ``pass_fds``, as what is started keeps it, too. It is
        given back when all that have it have ended.

    Raises:
        UserError: this is no project.
    """
    if not LOCK.parent.parent.is_dir():
        raise UserError(f"{Path.cwd()}: no project, as it has no folder .dvc; `rnnlab new DIR` makes one")
    LOCK.parent.mkdir(exist_ok=True)
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("another run is at work here: waiting for it", file=sys.stderr)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock
