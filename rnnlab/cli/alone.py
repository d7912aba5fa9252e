"""``python -m rnnlab.cli.alone make …``: runs a command once no other that was started so runs in this project.

Two of DVC at a time fail where both want the same files: its own waiting is for a lock that it holds for moments.
"""

import fcntl
import os
import sys
from pathlib import Path

from rnnlab.project.errors import exit_status

LOCK = Path(".dvc/tmp/alone.lock")


def main() -> None:
    """Becomes the command, which keeps the lock until it and all that it started have ended."""
    LOCK.parent.mkdir(exist_ok=True)
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"another {sys.argv[1]} is at work here: waiting for it", file=sys.stderr)
        fcntl.flock(lock, fcntl.LOCK_EX)
    os.set_inheritable(lock, True)
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    sys.exit(exit_status(main))
