import os
import stat
from pathlib import Path

import pytest

from rnnlab.experiments import raw_files
from rnnlab.project.errors import UserError
from tests.support.repository import Repository

DVC = """#!/bin/sh
[ -z "$BROKEN" ] || { echo no space left >&2; exit 1; }
touch "$3.dvc" "$(dirname "$3")/.gitignore"
"""


@pytest.fixture
def project(made_repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository with a dvc that only writes the file that stands for the data."""
    fake = tmp_path / "bin" / "dvc"
    fake.parent.mkdir()
    fake.write_text(DVC)
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(made_repository.folder)
    return made_repository


def written(folder: Path, name: str, content: str = "text,label\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content)
    return folder / name


def test_a_file_is_copied_and_added_once(project: Repository, tmp_path: Path) -> None:
    source = written(tmp_path / "in", "My reviews (2).csv")
    target = raw_files.place(source)
    assert target == Path("data/raw/My-reviews-2-.csv")
    assert raw_files.bring(source, target)
    assert target.read_text() == source.read_text()
    assert project.git("diff", "--cached", "--name-only").split() == ["data/raw/.gitignore", f"{target}.dvc"]
    assert raw_files.place(source) == target and not raw_files.bring(source, target)


def test_a_folder_is_copied_with_all_its_files(project: Repository, tmp_path: Path) -> None:
    written(tmp_path / "in" / "sub", "b.csv")
    source = written(tmp_path / "in", "a.csv").parent
    target = raw_files.place(source)
    assert raw_files.bring(source, target)
    assert sorted(file.name for file in target.rglob("*.csv")) == ["a.csv", "b.csv"]
    written(source, "c.csv")
    with pytest.raises(UserError, match="another file of that name"):
        raw_files.place(source)


def test_another_file_of_that_name_is_not_replaced(project: Repository, tmp_path: Path) -> None:
    kept = written(Path("data/raw"), "it.csv", "kept")
    with pytest.raises(UserError, match=r"data/raw/it\.csv: another file of that name is there already; rename "):
        raw_files.place(written(tmp_path / "in", "it.csv", "other"))
    assert kept.read_text() == "kept"


def test_a_file_that_git_or_dvc_track_stays_where_it_is(project: Repository) -> None:
    written(Path("tables"), "in-git.csv")
    project.commit("a table")
    written(Path("tables/more"), "in-dvc.csv")
    Path("tables/more.dvc").touch()
    for name in ("tables/in-git.csv", "tables/more/in-dvc.csv"):
        assert raw_files.place(Path(name)) == Path(name)
        assert not raw_files.bring(Path(name), Path(name))


def test_what_dvc_says_is_passed_on(project: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKEN", "1")
    source = written(tmp_path / "in", "it.csv")
    with pytest.raises(UserError, match=r"dvc add data/raw/it\.csv failed: no space left"):
        raw_files.bring(source, raw_files.place(source))
