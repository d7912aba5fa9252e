"""`make audit`: secrets are looked for first, and without a network too."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with the Makefile, and tools that note that they were called."""
    subprocess.run(("git", "init", "--quiet", tmp_path), check=True)
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    subprocess.run(("git", "add", "Makefile"), cwd=tmp_path, check=True)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    return tmp_path


def audit(folder: Path, first: str, then: str) -> subprocess.CompletedProcess[str]:
    """Runs it with a script in place of each of its two tools."""
    for name, script in (("detect-secrets-hook", first), ("pip-audit", then)):
        tool = folder / ".venv/bin" / name
        tool.write_text(f"#!/bin/sh\necho {tool.name} >> called\n{script}\n")
        tool.chmod(0o755)
    command = ("make", "--no-print-directory", "-o", folder / ".venv/.installed", "audit")
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_secret_ends_it_before_anything_else(folder: Path) -> None:
    done = audit(folder, first="echo found one in $3; exit 1", then="exit 0")
    assert done.returncode != 0
    assert done.stdout == "found one in Makefile\n"
    assert (folder / "called").read_text() == "detect-secrets-hook\n"


def test_without_a_network_the_rest_is_one_sentence(folder: Path) -> None:
    trace = "echo Traceback; echo '  File x'; echo 'OSError: no network'; exit 1"
    done = audit(folder, first="exit 0", then=trace)
    assert done.returncode != 0
    sentence = "error: the list of known weaknesses cannot be read (OSError: no network); try again with a network"
    assert [line for line in done.stderr.splitlines() if not line.startswith("make")] == [sentence]


def test_a_weakness_is_shown(folder: Path) -> None:
    done = audit(folder, first="exit 0", then="echo flask 1.0 PYSEC-1; exit 1")
    assert done.returncode != 0
    assert "PYSEC-1" in done.stdout
    assert audit(folder, first="exit 0", then="exit 0").returncode == 0
