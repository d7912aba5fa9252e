"""What the last stage logs of the workspace, read back from MLflow."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from rnnlab.experiments import records
from rnnlab.project import layout
from rnnlab.project.dataframes import read_table
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json, write_json
from rnnlab.project.params import Params
from rnnlab.tracking import store
from tests.support.repository import Repository
from tests.support.results import changed, lay_out

FEW = {"compare": ["rnn"], "train.seeds": [1, 2], "train.epochs": 4, "baselines": ["tfidf"]}
TIMES = {"started": "2026-01-02T03:04:05+00:00", "ended": "2026-01-02T03:05:05+00:00"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the store of all tests here is: to make it takes seconds."""
    return tmp_path_factory.mktemp("root")


@pytest.fixture(autouse=True)
def finished(settings: Params, root: Path, made_repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Params:
    """A workspace whose pipeline ran to its end."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DVC_ROOT", str(root))
    monkeypatch.chdir(made_repository.folder)
    ours = changed(settings, **FEW)
    lay_out(ours)
    layout.FIGURES.mkdir()
    for page in (layout.COMPARISON_PAGE, layout.VALIDATION_PAGE, *map(layout.network, ours.runs)):
        page.parent.mkdir(exist_ok=True)
        page.write_text(page.name)
    for run in ours.runs:
        write_json(layout.timings(run), TIMES | {"epoch_seconds": [2.0] * len(read_table(layout.history(run)))})
    return ours


def log(settings: Params, version: str) -> str:
    """Logs a result whose data have this version, a letter; returns the sentence on it."""
    outs = {"ingest": [layout.ROWS], "tokenize_pad": [layout.TRAIN, layout.VALIDATION_ROWS, layout.TEST]}
    names = (*outs, *(f"train@{run.name}" for run in settings.runs), "evaluate", "compare")
    hashed = {name: [{"path": str(path), "md5": version * 32} for path in outs.get(name, [])] for name in names}
    write_json(layout.LOCK, {"stages": {name: {"cmd": name, "outs": hashed[name]} for name in names}})
    return records.log_workspace()


def converged(version: str) -> dict[str, str]:
    """What MLflow says of whether the runs with a version of the data had converged, by kind or by name."""
    opened = store.connect()
    found = MlflowClient(opened.uri).search_runs([opened.experiment_id], f"tags.data_version = '{version * 8}'")
    tags = {run.info.run_name: run.data.tags for run in found}
    kinds = {name: "pipeline" if of_run["kind"] == "pipeline" else name for name, of_run in tags.items()}
    return {kinds[name]: of_run["converged"] for name, of_run in tags.items() if "converged" in of_run}


def test_a_result_says_which_trainings_had_converged_and_is_logged_once(finished: Params) -> None:
    said = log(finished, "a")
    assert said.startswith("logged to MLflow as workspace-")
    assert log(finished, "a") == said.replace("logged to", "already in")
    every = {"pipeline": "no: 1 of 2 seeds of rnn", "rnn-1": "yes", "rnn-2": "no: best epoch 4 of 4"}
    assert converged("a") == every


def test_a_result_of_before_that_was_judged_says_nothing_of_it(finished: Params) -> None:
    older = {key: value for key, value in read_json(layout.COMPARISON).items() if key != "convergence"}
    write_json(layout.COMPARISON, older)
    assert log(finished, "b").startswith("logged to MLflow")
    assert converged("b") == {}


def test_a_result_without_predictions_is_a_sentence(finished: Params) -> None:
    layout.PREDICTIONS.unlink()
    with pytest.raises(UserError, match=r"^data/predictions\.parquet: no such file; `dvc repro` makes it$"):
        log(finished, "c")
