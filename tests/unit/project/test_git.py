import subprocess
from pathlib import Path

import pytest

from rnnlab.project import git
from rnnlab.project.errors import UserError


def test_the_project_is_where_dvc_says_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert git.project_root() == tmp_path


@pytest.mark.parametrize("value", [None, ""])
def test_the_project_is_here_without_dvc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str | None) -> None:
    monkeypatch.setenv("DVC_ROOT", "x")
    if value is None:
        monkeypatch.delenv("DVC_ROOT")
    else:
        monkeypatch.setenv("DVC_ROOT", value)
    monkeypatch.chdir(tmp_path)
    assert git.project_root() == tmp_path


@pytest.mark.parametrize(("value", "expected"), [("wavy-newt", "wavy-newt"), ("", None)])
def test_the_experiment_is_the_one_dvc_names(monkeypatch: pytest.MonkeyPatch, value: str, expected: str | None) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", value)
    assert git.experiment_name() == expected


def test_an_experiment_belongs_to_the_commit_it_started_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "abc123")
    assert git.head_commit() == "abc123"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that is in no repository, whatever lies above it."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_outside_of_git_there_is_no_commit(elsewhere: Path) -> None:
    assert git.head_commit() == ""


def test_inside_of_git_the_commit_is_head(elsewhere: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], check=True)
    author = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *author, "commit", "--quiet", "--allow-empty", "-m", "first"], check=True)
    assert len(git.head_commit()) == 40
    assert git.run("log", "-1", "--format=%s", folder=elsewhere) == "first"


def test_a_failing_git_shows_what_git_said(elsewhere: Path) -> None:
    with pytest.raises(UserError, match=r"^git rev-parse failed: .*not a git repository"):
        git.run("rev-parse", "HEAD", folder=elsewhere)
