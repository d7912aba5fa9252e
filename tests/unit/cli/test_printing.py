"""Output that a reader may cut short."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rnnlab.cli.printing import printing

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("words", [["--help"], ["experiments"], ["experiments", "show", "long-range"]], ids=" ".join)
def test_a_closed_pipe_ends_what_prints_without_a_word(words: list[str]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "rnnlab.cli.main", *words]
    with os.fdopen(theirs, "wb") as pipe:
        done = subprocess.run(command, cwd=ROOT, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == -signal.SIGPIPE


def test_a_listing_can_be_cut_short() -> None:
    line = f"{shlex.quote(sys.executable)} -m rnnlab.cli.main experiments | head -1"
    done = subprocess.run(line, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("name ") and done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_after_printing_a_closed_pipe_is_an_error_again() -> None:
    """Else a socket that a client closed would end a server."""
    before = signal.getsignal(signal.SIGPIPE)
    with printing():
        assert signal.getsignal(signal.SIGPIPE) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGPIPE) == before


def test_without_the_signal_commands_print_all_the_same(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.delattr(signal, "SIGPIPE")
    with printing():
        print("shown")
    assert capsys.readouterr().out == "shown\n"
