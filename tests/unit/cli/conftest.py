"""A project in which DVC only takes note, and the command in it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rnnlab.cli import main

ROOT = Path(__file__).parents[3]

# Writes each call's words as a line, says that no stage has changed, and fails for the experiment that FAILING names.
DVC = """#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
[ "$1" != status ] || echo '{}'
[ "$4" != "${FAILING-nothing}" ] || exit 7
"""


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The project's parameters and experiments in a repository of its own, with a dvc that only takes note."""
    place = tmp_path / "project"
    shutil.copytree(ROOT / "experiments", place / "experiments")
    shutil.copy(ROOT / "params.yaml", place)
    for name in [name for name in os.environ if name.startswith("GIT_")] + ["IMDB_CSV", "MLFLOW_TRACKING_URI"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(place)
    subprocess.run(["git", "init", "--quiet"], check=True)
    fake = tmp_path / "bin" / "dvc"
    fake.parent.mkdir()
    fake.write_text(DVC)
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    on_ctrl_c = signal.getsignal(signal.SIGINT)
    yield place
    signal.signal(signal.SIGINT, on_ctrl_c)


@pytest.fixture
def rnnlab(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the console command in the project and gives its exit status."""

    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["rnnlab", *words])
        try:
            return main.run()
        except SystemExit as end:
            return int(end.code or 0)

    return run
