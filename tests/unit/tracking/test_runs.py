from pathlib import Path

import pytest
from mlflow import MlflowClient

from rnnlab.project.params import Params, Run
from rnnlab.tracking import runs, store


def test_a_search_finds_the_runs_of_all_pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setattr(runs, "PAGE", 2)
    opened = store.connect()
    client = MlflowClient(opened.uri)
    made = {client.create_run(opened.experiment_id, tags={"kind": "trial"}).info.run_id for _ in range(5)}
    client.create_run(opened.experiment_id, tags={"kind": "sweep"})
    found = runs.search(client, opened, "tags.kind = 'trial'")
    assert len(found) == 5
    assert {run.info.run_id for run in found} == made


def test_flatten_gives_dotted_keys() -> None:
    assert runs.flatten({"a": {"b": 1, "c": (2, 3)}, "d": "e"}) == {"a.b": "1", "a.c": "[2, 3]", "d": "e"}


def test_parameters_of_a_training_are_those_of_its_model_and_of_all(settings: Params) -> None:
    params = runs.training_params(settings, Run("lstm", 3))
    assert (params["model"], params["seed"], params["cell"]) == ("lstm", "3", "lstm")
    assert params["epochs"] == str(settings.train.epochs)
    assert "seeds" not in params
