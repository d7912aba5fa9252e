"""A test run leaves the user's data out of the projects that it makes."""

from pathlib import Path

from tests.pipeline.conftest import forget_remotes, project_files
from tests.support.repository import Repository


def test_a_project_for_tests_has_no_data_of_the_user(made_repository: Repository) -> None:
    ours = ["data/raw/README.md", "params.yaml", "reports/experiments/imdb.md", "stages/train.py"]
    users = ["data/raw/.gitignore", "data/raw/mine.csv.dvc", "data/more.csv.dvc", "dvc.lock", "reports/metrics.json"]
    for name in (*ours, *users):
        made_repository.write(name, "x")
    made_repository.commit("added")
    made_repository.write("notes.csv", "x")
    assert project_files(made_repository.folder) == ours


def test_nor_a_remote_of_the_user(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[core]\n    analytics = false\n    remote = team\n['remote \"team\"']\n    url = s3://bucket\n")
    forget_remotes(config)
    assert config.read_text().split() == ["[core]", "analytics", "=", "false"]
