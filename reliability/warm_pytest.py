"""Runs pytest again and again, each time in a fork of this process: what tests import is loaded once.

Reads a JSON list per line: the words of pytest's command line, the seconds it may take (null for any), variables of its
environment, and the file for what it prints. Answers with its status, -1 if it was not done in time.
"""

import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence

# Nothing of the project, which differs each time. A fork is safe as long as TensorFlow was imported, but not used.
SLOW_IMPORTS = ("great_expectations", "hypothesis", "keras", "matplotlib.pyplot", "mlflow", "pytest", "scipy.stats")


def main() -> None:
    """Answers until nothing is asked any more."""
    for name in SLOW_IMPORTS:
        importlib.import_module(name)
    for line in sys.stdin:
        print(run(*json.loads(line)), flush=True)


def run(words: Sequence[str], limit: float | None, variables: Mapping[str, str], out: str) -> int:
    """Runs pytest to its end, or stops it with all processes that it started."""
    child = os.fork()
    if not child:
        os.setsid()
        os.environ.update(variables)
        printed = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream, target in ((0, os.open(os.devnull, os.O_RDONLY)), (1, printed), (2, printed)):
            os.dup2(target, stream)
        import pytest

        status = int(pytest.main(list(words)))
        sys.stdout.flush()
        os._exit(status)  # without waiting for threads of a server that a test left behind
    ends = time.monotonic() + limit if limit else float("inf")
    while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < ends:
        time.sleep(0.02)
    if not ended[0]:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return -1
    return os.waitstatus_to_exitcode(ended[1])


if __name__ == "__main__":
    main()
