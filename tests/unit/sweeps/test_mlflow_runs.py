"""A sweep and its trials, logged for real and read back from MLflow."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from rnnlab.project.params import Params, Run
from rnnlab.sweeps import mlflow_runs
from rnnlab.sweeps.trials import Outcome, Trial
from rnnlab.tracking import runs
from rnnlab.tracking.store import Store
from tests.support.logged import throw_away_store
from tests.unit.sweeps.test_grids import outcome

DIVERGED = Outcome([{"epoch": 1, "loss": 0.75, "val_loss": 0.5}], 0, {}, 0, "", diverged=True)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with throw_away_store(tmp_path_factory.mktemp("project")) as opened:
        yield opened


def test_a_trial_has_a_best_epoch_and_a_network_unless_it_diverged(opened: Store, settings: Params) -> None:
    parent = mlflow_runs.open_sweep(opened, "mine", "key", "sweep")
    for key, ended in {"kept": outcome(0.25), "lost": DIVERGED}.items():
        mlflow_runs.log_trial(opened, parent, Trial(key, Run("lstm", 1), settings), ended)
    found = runs.search(MlflowClient(opened.uri), opened, f"tags.mlflow.parentRunId = '{parent}'")
    of_key = {run.data.tags["trial_key"]: run.data for run in found}
    scores = {"best_val_loss": 0.25, "best_epoch": 2, "test_accuracy": 0.5, "parameters": 7}
    assert of_key["kept"].metrics == {"val_loss": 0.25, **scores}
    assert of_key["lost"].metrics == {"loss": 0.75, "val_loss": 0.5}
    assert of_key["kept"].tags["network_sha256"] == "0" * 64 and "diverged" not in of_key["kept"].tags
    assert of_key["lost"].tags["diverged"] == "true" and "network_sha256" not in of_key["lost"].tags
    assert mlflow_runs.logged_trials(opened, parent) == {"kept", "lost"}


def test_a_sweep_that_has_ended_shows_its_page_and_is_found_again(opened: Store) -> None:
    parent = mlflow_runs.open_sweep(opened, "mine", "another", "sweep")
    mlflow_runs.close_sweep(opened, parent, "| a table |", ["one", "another"])
    client = MlflowClient(opened.uri)
    run = client.get_run(parent)
    assert run.info.status == "FINISHED"
    assert (run.data.tags["mlflow.note.content"], run.data.tags["failed_trials"]) == ("| a table |", "2")
    assert Path(client.download_artifacts(parent, "sweep.md")).read_text() == "| a table |"
    assert mlflow_runs.open_sweep(opened, "mine", "another", "sweep") == parent
