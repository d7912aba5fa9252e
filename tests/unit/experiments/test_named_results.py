import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnnlab.experiments import comparison, named_results
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.results import Result
from tests.support.repository import Repository, lay_out

ROOT = Path(__file__).parents[3]
HITS = {"1": "oxo", "2": "oxx"}


@pytest.fixture
def project(
    made_repository: Repository, settings: Params, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Repository:
    """A repository with a result in its last commit, and without an MLflow store."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    lay_out(made_repository, settings, HITS)
    made_repository.commit("result")
    return made_repository


def find(project: Repository, name: str) -> Result:
    return named_results.find(name, project.folder, project.cache)


def test_a_revision_is_read_from_git_and_dvc_s_cache(project: Repository) -> None:
    project.git("tag", "first")
    found = find(project, "first")
    assert (found.name, found.kind, found.code) == ("first", "git revision", project.git("rev-parse", "HEAD")[:10])
    assert found.metrics["rnn"]["mean"]["accuracy"] == pytest.approx(0.65)
    assert found.epoch_seconds == {"rnn": 45.0}
    assert found.values["train"]["seeds"] == [1, 2]
    assert "evaluate" in found.stages
    assert {run.name: history["val_loss"].tolist() for run, history in found.histories.items()} == {"rnn-1": [0.3, 0.2]}
    assert found.predictions is not None
    assert found.predictions["id"].tolist() == ["r0", "r1", "r2"] * 2
    assert found.notes == []


def test_an_experiment_goes_before_a_revision_of_the_same_name(project: Repository, settings: Params) -> None:
    baseline = project.git("rev-parse", "HEAD")
    lay_out(project, settings, {"1": "ooo", "2": "ooo"})
    project.write("rnnlab/networks/models.py", "# not committed\n")
    recorded = project.record("wide", baseline)
    project.git("branch", "wide")
    found = find(project, "wide")
    assert found.kind == "DVC experiment"
    assert found.code == f"{baseline[:10]}, 1 file edited"
    assert found.predictions is not None
    assert (found.predictions["probability"] >= 0.5).tolist() == [False, True, False] * 2
    [note] = found.notes
    assert note == (
        "wide names the DVC experiment and the git revision: this is the DVC experiment;"
        f" write {baseline[:10]} for the git revision"
    )
    by_commit = find(project, recorded.commit)
    assert (by_commit.name, by_commit.kind) == (recorded.commit[:10], "git revision")


def test_the_workspace_is_read_from_its_files(project: Repository) -> None:
    project.write("reports/timings/rnn-1.json", {"epoch_seconds": [1.0, 3.0]})
    found = find(project, "workspace")
    assert (found.kind, found.epoch_seconds) == ("workspace", {"rnn": 2.0})
    assert found.metrics["rnn"]["mean"]["accuracy"] == pytest.approx(0.65)
    assert found.values == find(project, "HEAD").values
    assert [run.name for run in found.histories] == ["rnn-1"]
    assert found.predictions is None
    assert "dvc checkout" in found.lost
    table = find(project, "HEAD").predictions
    assert table is not None
    (project.folder / "data").mkdir()
    table.to_parquet(project.folder / "data/predictions.parquet")
    again = find(project, "workspace")
    assert again.predictions is not None
    assert again.predictions.equals(table)


def test_code_and_parameters_changed_after_the_result_are_told(project: Repository) -> None:
    values = dict(find(project, "HEAD").values)
    trained = {"cmd": "x", "params": {"params.yaml": {"train.epochs": 99}}, "outs": []}
    project.write("dvc.lock", {"schema": "2.0", "stages": {"train@rnn-1": trained}})
    project.write("params.yaml", values)
    project.write("dvc.yaml", "stages: {}\n")
    project.commit("pipeline")
    project.write("dvc.yaml", "stages: {a: {}}\n")
    found = find(project, "workspace")
    assert found.code.endswith(", 1 file edited")
    assert list(found.notes) == ["workspace was made with other parameters than its params.yaml has now: train.epochs"]
    assert list(find(project, "HEAD").notes) == [
        "HEAD was made with other parameters than its params.yaml has now: train.epochs"
    ]


def test_two_results_of_a_repository_make_a_page(project: Repository, settings: Params) -> None:
    project.git("tag", "first")
    lay_out(project, settings, {"1": "ooo", "2": "ooo"})
    project.commit("better")
    page = comparison.page(named_results.read(["first", "HEAD"], project.folder, project.cache))
    assert "rnn: not shown that HEAD and first differ: 50.0 points" in page


def test_lost_predictions_are_told(project: Repository, tmp_path: Path) -> None:
    found = named_results.find("HEAD", project.folder, tmp_path / "no cache")
    assert found.predictions is None
    assert found.lost == "the predictions of HEAD are no longer in DVC's cache"


def test_a_revision_without_a_result_is_refused(project: Repository) -> None:
    project.git("rm", "--quiet", "reports/metrics.json")
    project.commit("no metrics")
    with pytest.raises(UserError, match=r"HEAD: this git revision holds no reports/metrics\.json"):
        find(project, "HEAD")


@pytest.mark.parametrize("text", ["a: [", "task: text", "- 1"], ids=["no YAML", "keys missing", "no mapping"])
def test_a_revision_that_cannot_be_read_is_refused(project: Repository, text: str) -> None:
    project.write("params.yaml", text)
    project.commit("odd")
    with pytest.raises(UserError, match=r"HEAD: params\.yaml of this git revision cannot be read"):
        find(project, "HEAD")


def test_a_broken_lock_file_is_refused(project: Repository) -> None:
    project.write("dvc.lock", "<<<<<<< HEAD\na: [")
    with pytest.raises(UserError, match=r"workspace: dvc\.lock of this workspace cannot be read"):
        find(project, "workspace")


def test_an_unknown_name_gets_the_closest_ones_and_makes_no_store(project: Repository, tmp_path: Path) -> None:
    project.record("wide", project.git("rev-parse", "HEAD"))
    with pytest.raises(
        UserError, match=r"wied: .* \(did you mean wide\?\); name the workspace, a DVC experiment, a git"
    ):
        find(project, "wied")
    assert not (tmp_path / "mlflow").exists()


@pytest.mark.parametrize("names", [[], ["HEAD"]])
def test_one_result_is_not_compared(project: Repository, names: list[str]) -> None:
    with pytest.raises(UserError, match="name two results or more"):
        named_results.read(names, project.folder, project.cache)


def test_a_dead_server_is_told_in_a_sentence(project: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(UserError, match=r"^absent: .* MLflow at http://127\.0\.0\.1:9 cannot be read: [^\n]+$"):
        find(project, "absent")


def test_mlflow_is_not_imported_for_what_git_has(project: Repository) -> None:
    script = (
        "import sys; from pathlib import Path; from rnnlab.experiments import named_results\n"
        f"named_results.read(['workspace', 'HEAD'], Path('.'), Path({str(project.cache)!r}))\n"
        "assert 'mlflow' not in sys.modules"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    done = subprocess.run((sys.executable, "-c", script), cwd=project.folder, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
