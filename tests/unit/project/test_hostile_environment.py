"""What a terminal, a limit or a strange name does to a command: one sentence, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rnnlab.project.errors import UserError, exit_status
from rnnlab.project.overrides import changed
from rnnlab.project.params import Params

ROOT = Path(__file__).parents[3]


def test_a_terminal_that_lacks_a_character_shows_its_escape() -> None:
    script = "from rnnlab.project.errors import exit_status; exit_status(lambda: print('0.5 ± 0.1 – \u202e'))"
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, "0.5 ± 0.1 \\u2013 \\u202e\n".encode("latin-1"))


@pytest.mark.parametrize(
    "reason", ["libx.so: failed to map segment from shared object", "libx.so: cannot allocate memory in static TLS"]
)
def test_a_library_for_which_there_is_no_memory_is_a_sentence(reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        raise ImportError(reason)

    assert exit_status(main) == 1
    assert capsys.readouterr().err.startswith("error: out of memory;")


def test_another_failed_import_is_a_mistake_of_the_program() -> None:
    def main() -> None:
        raise ImportError("no module named x")

    with pytest.raises(ImportError):
        exit_status(main)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("data.files", "***", "files must be a pattern"),
        ("data.files", ".", "files must be a pattern"),
        ("data.files", "/x", "files must be a pattern"),
        ("data.labels", ["good", "\u202edoog"], "visible characters"),
        ("data.labels", ["good", "a\u2066b"], "visible characters"),
        ("tokenize_pad.oov_token", "\x1b[2J", "visible characters"),
        ("tokenize_pad.oov_token", "a\u202eb", "visible characters"),
    ],
)
def test_names_that_reach_a_screen_or_a_folder_are_plain(settings: Params, key: str, value: Any, reason: str) -> None:
    with pytest.raises(UserError, match=f"{key.split('.')[0]}.*{reason}"):
        changed(settings, {key: value}, Path("it.yaml"))
