"""One command at a time in a project."""

import subprocess
import sys
from pathlib import Path

ALONE = (sys.executable, "-m", "rnnlab.cli.alone")


def test_the_second_waits_until_all_that_the_first_started_has_ended(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    leaves_a_child = ("sh", "-c", "echo begin >> log; { sleep 1; echo end >> log; } &")
    both = [
        subprocess.Popen([*ALONE, *leaves_a_child], cwd=tmp_path, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = [command.communicate(timeout=60)[1] for command in both]
    assert [command.returncode for command in both] == [0, 0]
    assert sorted(said) == ["", "another sh is at work here: waiting for it\n"]
    last = subprocess.run([*ALONE, "cat", "log"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert last.stdout.split() == ["begin", "end", "begin", "end"]


def test_status_is_that_of_the_command(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    assert subprocess.run([*ALONE, "sh", "-c", "exit 3"], cwd=tmp_path, check=False).returncode == 3
