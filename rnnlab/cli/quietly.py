"""``python -m rnnlab.cli.quietly dvc repro``: a line per stage and what the stages print, without DVC's advice.

DVC's own ``--quiet`` hides its errors as well.
"""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator

from rnnlab.project import params
from rnnlab.project.errors import exit_status

_STARTED = re.compile(r"Running stage '(.+)':")
_RESTORED = re.compile(r"Stage '(.+)' is cached - skipping run, checking out outputs")
_NEXT = re.compile(  # only comes when the stage before has succeeded
    r"(?:Updating|Generating) lock file |Stage '.+' didn't change, skipping|Use `dvc push` to "
)
_CHATTER = re.compile(
    r"> python -m stages\.|Data and pipelines are up to date\.|To track the changes with git, run:|\tgit add "
    r"|To enable auto staging, run:|\tdvc config core\.autostage |$"
)
_EPOCH = re.compile(r"\S+  epoch \d+  ")


def lines(printed: Iterable[str], clock: Callable[[], float] = time.perf_counter) -> Iterator[str]:
    """Yields one line for each stage that ran or was restored, and all that is not DVC's chatter.

    Args:
        printed: what ``dvc repro`` prints, line by line as it comes.
        clock: tells the seconds.
    """
    stage, since = "", 0.0
    for line in printed:
        started, restored = _STARTED.match(line), _RESTORED.match(line)
        if stage and (started or restored or _NEXT.match(line)):
            yield f"{stage:<16}{clock() - since:6.1f} s\n"
            stage = ""
        if started:
            stage, since = started[1], clock()
        elif restored:
            yield f"{restored[1]:<16}restored from DVC's cache\n"
        elif not _NEXT.match(line) and not _CHATTER.match(line):
            yield line


def on_terminal(line: str, columns: int) -> str:
    """Returns what to write so that a terminal shows the newest epoch alone, as a bar would, and keeps other lines."""
    ended = f"{line[: columns - 1].rstrip()}\r" if _EPOCH.match(line) else line
    return f"\r\033[K{ended}"


def main() -> None:
    """Runs the command and ends with its exit status.

    Raises:
        UserError: a parameter is not valid: DVC would make paths of any names, and remove what is there.
        SystemExit: the command failed.
    """
    params.read()
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C reaches the command too, which ends by itself
    with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True, errors="replace", bufsize=1) as command:
        assert command.stdout
        for line in lines(command.stdout):
            shown = on_terminal(line, shutil.get_terminal_size().columns) if sys.stdout.isatty() else line
            print(shown, end="", flush=True)
    if command.returncode:
        raise SystemExit(command.returncode if command.returncode > 0 else 128 - command.returncode)


if __name__ == "__main__":
    sys.exit(exit_status(main))
