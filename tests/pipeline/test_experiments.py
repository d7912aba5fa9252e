"""DVC experiments, alone and in a queue, all in one MLflow store."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.pipeline.conftest import Project, stages_run

TRAINED = ("rnn-1", "rnn-2", "lstm-1", "lstm-2")


def test_a_temporary_experiment_runs_only_what_its_knob_touches_and_can_be_logged_later(
    resampled: Project, tmp_path: Path
) -> None:
    project = resampled.copy(tmp_path / "project")
    before = len(project.runs("tags.kind = 'pipeline'"))
    printed = (resampled.folder.parent / "experiment.txt").read_text()
    assert stages_run(printed) == {"compare", "report", "track"}
    assert "up to date" in project.run("dvc", "status").stdout
    row = shown(project, "resampled")
    assert row["intervals.margin"] == "0.02"
    assert 0 <= float(row["lstm"]) <= 1

    assert len(project.runs("tags.kind = 'pipeline'")) == before
    first = project.inside("stages.track", "--backfill").stdout
    assert "resampled: logged to MLflow as resampled" in first
    [parent] = project.runs("tags.dvc_experiment = 'resampled' and tags.kind = 'pipeline'")
    children = project.runs(f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert {run.info.run_name for run in children} == {*TRAINED, "majority", "tfidf", "nbsvm"}
    assert parent.data.params["intervals.margin"] == "0.02"
    assert parent.data.tags["mlflow.source.git.commit"] == project.run("git", "rev-parse", "HEAD").stdout.strip()
    assert "already in MLflow" in project.inside("stages.track", "--backfill").stdout
    assert len(project.runs("tags.kind = 'pipeline'")) == before + 1
    assert project.run("git", "worktree", "list").stdout.count("\n") == 1
    assert "up to date" in project.run("dvc", "status").stdout


@pytest.mark.weekly
def test_a_csv_of_ones_own_reaches_a_temporary_experiment_and_its_drift_is_told(project: Project) -> None:
    words = {"good": ("fine", "tasty", "warm"), "bad": ("cold", "salty", "stale")}
    rows = [
        f"meal {number}: the soup was {word},{label}"
        for label, bank in words.items()
        for number in range(30)
        for word in bank
    ]
    (project.folder / "data/raw/mine.csv").write_text("\n".join(["text,stars", *rows]) + "\n")
    project.run("dvc", "add", "data/raw/mine.csv")
    project.run("git", "add", "data/raw")
    columns = ("data.csv=data/raw/mine.csv", "data.text_column=text", "data.label_column=stars")
    flags = [flag for setting in (*columns, "data.labels=[bad,good]") for flag in ("-S", setting)]
    project.run("dvc", "exp", "run", "--temp", "--name", "mine", *flags, "ingest")
    [reference] = [
        ref for ref in project.run("git", "for-each-ref", "--format=%(refname)").stdout.split() if ref.endswith("/mine")
    ]
    assert json.loads(project.run("git", "show", f"{reference}:reports/data.json").stdout)["rows_read"] == len(rows)
    project.run("dvc", "exp", "run", *flags, "-S", "train.seeds=[1]", "-S", "compare=[gru]", "tokenize_pad")
    for stage in ("baseline", "size", "train@gru-1", "evaluate", "compare"):
        project.stage(stage, MLFLOW_SYNC="off")
    project.inside("rnnlab.cli.main", "drift", expect=None)
    told = (project.folder / "reports/drift.md").read_text()
    for change in (
        "data.csv`: `data/sample/reviews.csv` → `data/raw/mine.csv",
        "version.clean rows`: ",
        "data.rows_read`: ",
    ):
        assert f"- `{change}" in told
    assert "| gru " in told and "| lstm " in told


def shown(project: Project, name: str) -> dict[str, str]:
    """An experiment as `dvc exp show` has it."""
    table = csv.DictReader(io.StringIO(project.run("dvc", "exp", "show", "--csv").stdout))
    [row] = [row for row in table if row["Experiment"] == name]
    return row


def test_an_unknown_or_ill_typed_knob_is_refused(project: Project) -> None:
    unknown = project.run("dvc", "exp", "run", "--temp", "-S", "models.lstm.no_such_knob=1", expect=None)
    assert unknown.returncode != 0
    wrong = project.run("dvc", "exp", "run", "--temp", "-S", "train.epochs=ten", expect=None)
    assert wrong.returncode != 0
    assert "train.epochs: must be a valid integer" in wrong.stdout + wrong.stderr


@pytest.mark.weekly
def test_a_queued_grid_with_two_workers_fills_one_store(project: Project) -> None:
    # The store is made anew, so that two processes are its first users at once.
    for file in (project.folder / "mlflow").glob("mlflow.db*"):
        file.unlink()
    project.run("dvc", "exp", "run", "--queue", "-S", "intervals.margin=0.02,0.03")
    project.run("dvc", "queue", "start", "-j", "2")
    project.run("dvc", "queue", "logs", expect=None)
    wait_for_queue(project)
    parents = project.runs("tags.kind = 'pipeline'")
    assert [run.info.status for run in parents] == ["FINISHED", "FINISHED"]
    assert {run.data.params["intervals.margin"] for run in parents} == {"0.02", "0.03"}
    assert len(project.runs("tags.kind = 'model'")) == 2 * len(TRAINED)
    assert not project.runs("tags.kind = 'live'")
    shown = project.run("dvc", "exp", "show", "--csv").stdout
    assert all(run.info.run_name in shown for run in parents)


def wait_for_queue(project: Project, seconds: float = 300) -> None:
    import time

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = project.run("dvc", "queue", "status").stdout
        if "Running" not in status.split("Worker status")[0] and "Queued" not in status.split("Worker status")[0]:
            assert "Failed" not in status, status + project.run("dvc", "queue", "logs", expect=None).stdout
            return
        time.sleep(2)
    raise AssertionError(status)
