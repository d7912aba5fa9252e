"""A project of one's own: its files, and what an upgrade makes of them."""

import subprocess
from contextlib import chdir
from pathlib import Path

import pytest

from rnnlab.project import git, params, pins, scaffold, yaml_files
from rnnlab.project.errors import UserError


def test_a_project_is_small_and_complete(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    count = scaffold.make(folder)
    tracked = git.run("ls-files", folder=folder).splitlines()
    assert count == len(tracked) < 40
    assert sum(len((folder / name).read_text().splitlines()) for name in tracked) < 1500
    assert {"dvc.yaml", "params.yaml", "stages/train.py", "mlflow/README.md", "Makefile", ".gitignore"} <= set(tracked)
    assert git.run("status", "--porcelain", folder=folder) == ""
    assert params.read(folder / "params.yaml") == params.read()


def test_its_stages_depend_on_the_pins_and_on_no_source(tmp_path: Path) -> None:
    pipeline = yaml_files.load(scaffold.files()["dvc.yaml"])
    ours = yaml_files.read(Path("dvc.yaml"))
    assert pipeline["stages"].keys() == ours["stages"].keys()
    for name, stage in pipeline["stages"].items():
        assert stage["deps"].count("requirements.txt") == 1, name
        others = [path for path in ours["stages"][name]["deps"] if not path.startswith("rnnlab/")]
        assert [path for path in stage["deps"] if path != "requirements.txt"] == others


@pytest.mark.parametrize("content", ["a file", "a folder with a file", "a repository around"])
def test_nothing_that_is_there_is_touched(tmp_path: Path, content: str) -> None:
    folder = tmp_path / "shop"
    if content == "a file":
        folder.write_text("mine")
    elif content == "a folder with a file":
        folder.mkdir()
        (folder / "mine").touch()
    else:
        git.run("init", "--quiet", folder=tmp_path)
    before = sorted(tmp_path.rglob("mine"))
    with pytest.raises(UserError, match="is there already" if "re" not in content else "is inside the Git repository"):
        scaffold.make(folder)
    assert sorted(tmp_path.rglob("mine")) == before and not (folder / "dvc.yaml").exists()


def later(monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    """Pretends that a later version, with some other files, is installed."""
    files = {**scaffold.files(), **{name.replace("__", "."): text for name, text in changes.items()}}
    monkeypatch.setattr(scaffold, "files", lambda: files)
    monkeypatch.setattr(pins, "version", lambda: "9.0.0")


def commit(message: str) -> None:
    command = ("git", "-c", "user.name=me", "-c", "user.email=me@localhost", "commit", "-qam", message)
    subprocess.run(command, check=True)


def test_an_upgrade_keeps_what_is_yours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scaffold.make(tmp_path / "shop")
    own = scaffold.files()["params.yaml"].replace("rows: 6000", "rows: 900")
    with chdir(tmp_path / "shop"):
        assert scaffold.upgrade().startswith("nothing to do")
        Path("params.yaml").write_text(own)
        with pytest.raises(UserError, match="uncommitted changes"):
            scaffold.upgrade()
        commit("fewer rows")
        later(monkeypatch, Makefile="run:\n\tdvc repro\n")
        assert scaffold.upgrade().startswith("upgraded from rnnlab")
        assert Path("params.yaml").read_text() == own
        assert Path("Makefile").read_text() == "run:\n\tdvc repro\n"
        assert git.run("status", "--porcelain") == "" and git.run("worktree", "list").count("\n") == 0
        assert scaffold.upgrade().startswith("nothing to do: the files are those of rnnlab 9.0.0")


def test_a_conflict_is_shown_and_can_be_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scaffold.make(tmp_path / "shop")
    with chdir(tmp_path / "shop"):
        Path("Makefile").write_text("run:\n\tmine\n")
        commit("my own way")
        later(monkeypatch, Makefile="run:\n\tdvc repro\n")
        with pytest.raises(UserError, match="changed the same lines: Makefile; mend them"):
            scaffold.upgrade()
        assert "<<<<<<<" in Path("Makefile").read_text()
        git.run("merge", "--abort")
        assert Path("Makefile").read_text() == "run:\n\tmine\n"


def test_other_folders_cannot_be_upgraded(tmp_path: Path) -> None:
    git.run("init", "--quiet", folder=tmp_path)
    with chdir(tmp_path), pytest.raises(UserError, match="no commit of `rnnlab new`"):
        scaffold.upgrade()


def test_another_version_than_the_pinned_one_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scaffold.make(tmp_path / "shop")
    monkeypatch.setattr(pins, "version", lambda: "9.0.0")
    with pytest.raises(UserError, match=r"uses rnn-vs-lstm \S+, and 9.0.0 is installed"):
        params.read(tmp_path / "shop/params.yaml")
