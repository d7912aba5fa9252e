"""One command at a time in a project."""

import subprocess
import sys
from pathlib import Path

import pytest

from rnnlab.cli import alone
from rnnlab.project.errors import UserError

CODE = """
import subprocess, sys
from rnnlab.cli import alone
subprocess.run(sys.argv[1:], check=True, pass_fds=[alone.wait_for_turn()])
"""


def test_the_second_waits_until_all_that_the_first_started_has_ended(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    child = "{ until [ -e go ]; do sleep 0.1; done; echo end >> log; } 2> /dev/null &"
    leaves_a_child = (sys.executable, "-c", CODE, "sh", "-c", f"echo begin >> log; {child}")
    subprocess.run(leaves_a_child, cwd=tmp_path, check=True)
    second = subprocess.Popen(leaves_a_child, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert second.stderr
    said = second.stderr.readline()
    (tmp_path / "go").touch()
    assert second.communicate(timeout=60)[1] == ""
    assert (said, second.returncode) == ("another run is at work here: waiting for it\n", 0)
    subprocess.run((sys.executable, "-c", CODE, "true"), cwd=tmp_path, check=True)
    assert (tmp_path / "log").read_text().split() == ["begin", "end", "begin", "end"]


def test_a_folder_that_is_no_project_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"no project, as it has no folder \.dvc; `rnnlab new DIR` makes one"):
        alone.wait_for_turn()


def test_a_clone_that_dvc_never_ran_in_has_a_lock_too(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    for _ in range(2):
        subprocess.run((sys.executable, "-c", CODE, "true"), cwd=tmp_path, check=True)
