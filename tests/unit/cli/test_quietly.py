"""What a user sees of DVC."""

import itertools
import subprocess
import sys

from rnnlab.cli import quietly

PRINTED = """\
Stage 'sample' didn't change, skipping
Running stage 'ingest':
> python -m stages.ingest
2 rows were refused
Updating lock file 'dvc.lock'

Stage 'validate' is cached - skipping run, checking out outputs
Updating lock file 'dvc.lock'

Running stage 'track':
> python -m stages.track

To track the changes with git, run:

\tgit add dvc.lock

To enable auto staging, run:

\tdvc config core.autostage true
Use `dvc push` to send your updates to remote storage.
"""
EPOCH = "rnn-1  epoch 3  loss 0.6931  (0.1 s)\n"


def shown(printed: str) -> list[str]:
    seconds = itertools.count(0.0, 1.5)
    return list(quietly.lines(printed.splitlines(keepends=True), lambda: next(seconds)))


def test_a_stage_is_one_line_with_its_seconds_below_what_it_printed() -> None:
    assert shown(PRINTED) == [
        "2 rows were refused\n",
        "ingest             1.5 s\n",
        "validate        restored from DVC's cache\n",
        "track              1.5 s\n",
    ]


def test_a_stage_that_failed_has_no_line() -> None:
    assert shown("Running stage 'ingest':\n> python -m stages.ingest\n") == []


def test_a_stage_that_left_the_lock_file_as_it_was_ends_where_the_next_begins() -> None:
    assert shown("Running stage 'ingest':\nRunning stage 'track':\n") == ["ingest             1.5 s\n"]


def test_what_is_not_known_is_shown() -> None:
    assert shown("a new word of DVC\n") == ["a new word of DVC\n"]


def test_on_a_terminal_an_epoch_takes_the_place_of_the_one_before() -> None:
    assert quietly.on_terminal(EPOCH, 80) == f"\r\033[K{EPOCH.rstrip()}\r"
    assert quietly.on_terminal(EPOCH, 10) == "\r\033[Krnn-1  ep\r"
    assert quietly.on_terminal("ingest 1.5 s\n", 80) == "\r\033[Kingest 1.5 s\n"


def test_status_and_errors_are_those_of_the_command() -> None:
    code = "import sys; print('out'); sys.exit('error: why')"
    command = [sys.executable, "-m", "rnnlab.cli.quietly", sys.executable, "-c"]
    done = subprocess.run([*command, code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "out\n", "error: why\n")
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([*command, code], check=False).returncode == 137
