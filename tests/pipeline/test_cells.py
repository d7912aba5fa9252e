"""A cell from outside through the real pipeline, into MLflow, and out of it without the project."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipeline.conftest import Project
from tests.support.cells import write_cell

CHANGES = {
    "compare": ["gru", "lstm"],
    "models__gru__cell": "mgu",
    "models__gru__units": 4,
    "models__gru__embedding_dim": 8,
    "models__lstm__embedding_dim": 8,
    "models__lstm__units": 9,
    "match": "parameters",
    "train__seeds": [1],
    "promote__min_accuracy": 0.0,
    "promote__max_calibration_error": 0.9,
    "promote__max_latency_ms": 10_000.0,
}


@pytest.fixture(scope="module")
def with_cell(blank: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the cell of the recipe after its stages, one by one in this process."""
    project = blank.copy(tmp_path_factory.mktemp("cell") / "project")
    write_cell(project.folder)
    project.set_params(**CHANGES)
    project.run_stages("gru-1", "lstm-1")
    project.commit("results")
    return project


def test_it_is_sized_trained_and_shown(with_cell: Project) -> None:
    sizes = {
        name: json.loads((with_cell.folder / f"reports/sizes/{name}.json").read_text()) for name in ("gru", "lstm")
    }
    assert sizes["gru"] == {"units": 14, "recurrent_parameters": 2 * 14 * (8 + 14 + 1)}
    assert sizes["lstm"] == {"units": 9, "recurrent_parameters": 4 * 9 * (8 + 9 + 1)}
    page = (with_cell.folder / "reports/index.html").read_text()
    assert "<strong>MinimalGatedUnit</strong>" in page
    assert "<code>MinimalGatedUnit</code> is a cell of this project’s own" in page
    assert page.count('aria-label="Recurrence of') == 1
    states = (with_cell.folder / "reports/explanations/states.csv").read_text()
    assert ",lstm," in states
    assert ",gru," not in states


def test_it_is_in_mlflow_and_answers_without_the_project(with_cell: Project, tmp_path: Path) -> None:
    [run] = with_cell.runs("tags.model = 'gru' and tags.kind = 'model'")
    assert run.data.params["cell"] == "mgu"
    assert len(run.data.params["cell_code"]) == 16
    answer = with_cell.inside("rnnlab.cli.main", "predict", "--run", run.info.run_id, "a good film").stdout
    [model] = run.outputs.model_outputs
    script = (
        "import json, mlflow, pandas, sys; mlflow.set_tracking_uri(sys.argv[1]);"
        "told = mlflow.pyfunc.load_model(sys.argv[2]).predict(pandas.DataFrame({'text': ['a good film']}));"
        "import rnnlab; print(json.dumps([rnnlab.__file__, *told.iloc[0]]))"
    )
    store = f"sqlite:///{with_cell.folder / 'mlflow/mlflow.db'}"
    command = (sys.executable, "-c", script, store, f"models:/{model.model_id}")
    env = with_cell.environment
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    _, label, probability = json.loads(done.stdout.splitlines()[-1])
    assert answer.startswith(f"{label}\t{probability:.6f}\t")


def test_it_is_tuned_and_the_best_is_promoted(with_cell: Project, tmp_path: Path) -> None:
    project = with_cell.copy(tmp_path / "project")
    project.set_params(compare=["gru"], match="none", tune__seeds=[3])
    assert "1 trials of each model (gru), 1 seed" in project.run("rnnlab", "tune", "--trials", "1").stdout
    [run] = project.runs("tags.model = 'gru' and tags.kind = 'model'")
    told = project.inside("rnnlab.cli.main", "promote", run.info.run_id).stdout
    assert f"run {run.info.run_id} is the champion now" in told


def test_a_change_to_it_trains_again(with_cell: Project, tmp_path: Path) -> None:
    project = with_cell.copy(tmp_path / "project")
    assert "Data and pipelines are up to date" in project.run("dvc", "status").stdout
    write_cell(project.folder, code=(project.folder / "cells/mgu.py").read_text() + "\n# changed\n")
    changed = json.loads(project.run("dvc", "status", "--json").stdout)
    assert {name.partition("@")[0] for name in changed} >= {"size", "train", "evaluate", "track"}


def test_one_that_is_missing_or_broken_is_a_sentence_before_anything_runs(with_cell: Project, tmp_path: Path) -> None:
    project = with_cell.copy(tmp_path / "project")
    write_cell(project.folder, code="1 / 0\n")
    told = project.stage("train@gru-1", expect=1).stderr
    assert told == "error: cells/mgu.py: importing it raises ZeroDivisionError (division by zero)\n"
    (project.folder / "cells/mgu.py").unlink()
    assert "models.gru.cell: must be simple_rnn, lstm, gru, a file" in project.stage("train@gru-1", expect=1).stderr
