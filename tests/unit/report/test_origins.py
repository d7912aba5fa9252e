from pathlib import Path

import pytest

from rnnlab.project.params import Params
from rnnlab.report import origins
from rnnlab.tracking import links
from tests.support.repository import Repository


@pytest.mark.parametrize(
    ("values", "committed", "expected"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 1}}, "git checkout 0123456789 && dvc repro"),
        ({"a": {"b": 1}}, None, "git checkout 0123456789 && dvc repro"),
        ({"a": {"b": 2}}, {"a": {"b": 1}}, "git checkout 0123456789 && dvc exp run -S a.b=2"),
        ({"a": {"b": 2, "c": None}}, {"a": {"b": 2}}, "git checkout 0123456789 && dvc exp run -S +a.c=null"),
        ({"a": [1, 2]}, {"a": [1]}, "git checkout 0123456789 && dvc exp run -S 'a=[1,2]'"),
        ({"a": "my file.csv"}, {"a": "x"}, "git checkout 0123456789 && dvc exp run -S 'a=\"my file.csv\"'"),
    ],
)
def test_the_command_checks_out_and_changes_what_the_commit_lacks(
    values: dict[str, object], committed: dict[str, object] | None, expected: str
) -> None:
    assert origins.command("0123456789abcdef", values, committed) == expected


def test_outside_of_git_the_pipeline_is_run_as_it_is() -> None:
    assert origins.command("", {"a": 1}, None) == "dvc repro"


def lock(settings: Params) -> dict[str, object]:
    def stage(path: str) -> dict[str, object]:
        return {"outs": [{"path": path, "md5": "abcdef0123456789"}]}

    trained = {f"train@{run.name}": stage(f"models/{run.name}.keras") for run in settings.runs}
    stages = {"ingest": stage("data/interim/rows.parquet"), "tokenize_pad": stage("data/features/train"), **trained}
    return {
        "stages": {**stages, "evaluate": stage("data/predictions.parquet"), "compare": stage("reports/comparison.json")}
    }


@pytest.fixture
def project(made_repository: Repository, settings: Params, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(made_repository.folder)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    made_repository.write("params.yaml", settings.model_dump(mode="json", by_alias=True))
    made_repository.write("rnnlab/it.py", "x = 1\n")
    made_repository.write("dvc.lock", lock(settings))
    made_repository.commit("code")
    return made_repository


def test_a_result_knows_its_commit_its_data_and_where_mlflow_has_it(project: Repository, settings: Params) -> None:
    found = origins.trace(settings)
    assert (found.commit, found.edited) == (project.git("rev-parse", "HEAD"), [])
    assert found.command == f"git checkout {found.commit[:10]} && dvc repro"
    assert (found.data, found.data_version) == (settings.data.csv, "abcdef01")
    assert found.search.startswith("tags.pipeline_key = '")
    assert found.link == links.result_link(origins.UI, "1", found.search.split("'")[1])


def test_code_and_parameters_that_no_commit_has_are_told(project: Repository, settings: Params) -> None:
    project.write("rnnlab/it.py", "x = 2\n")
    values = settings.model_dump(mode="json", by_alias=True)
    project.write("params.yaml", {**values, "intervals": {**values["intervals"], "margin": 0.02}})
    found = origins.trace(settings)
    assert found.edited == ["rnnlab/it.py"]
    assert found.command.endswith("&& dvc exp run -S intervals.margin=0.02")


def test_a_server_s_address_is_not_guessed(
    project: Repository, settings: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5001")
    found = origins.trace(settings)
    assert found.search and not found.link


def test_without_git_and_without_a_lock_there_is_still_a_command(
    settings: Params, tmp_path: Path, project: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "params.yaml").write_text(Path("params.yaml").read_text())
    monkeypatch.chdir(bare)
    found = origins.trace(settings)
    assert (found.commit, found.data_version, found.search, found.command) == ("", "", "", "dvc repro")


def test_a_commit_that_has_no_parameters_is_run_as_it_is(project: Repository, settings: Params) -> None:
    project.git("rm", "--quiet", "--cached", "params.yaml")
    project.git("commit", "--quiet", "--message", "no parameters")
    found = origins.trace(settings)
    assert found.command == f"git checkout {project.git('rev-parse', 'HEAD')[:10]} && dvc repro"
