"""A network as a model of MLflow, logged for real, that nobody trained."""

from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from rnnlab.project.files import write_json
from rnnlab.project.params import Params
from rnnlab.tracking import logged_models
from rnnlab.tracking.store import Store
from tests.support.logged import throw_away_store


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with throw_away_store(tmp_path_factory.mktemp("project")) as opened:
        yield opened


def test_a_network_is_what_its_run_made_and_is_found_there_with_all_that_it_needs(
    opened: Store, settings: Params, tmp_path: Path
) -> None:
    network, encoding = tmp_path / "lstm-1.keras", tmp_path / "vocabulary.json"
    network.write_bytes(b"weights")
    write_json(encoding, ["", "<unk>", "film"])
    client = MlflowClient(opened.uri)
    run_id = client.create_run(opened.experiment_id).info.run_id
    answers = {"labels": ["negative", "positive"], "thresholds": None}
    model_id = logged_models.log_model(
        client, opened.experiment_id, run_id, {"units": "3"}, settings, network, encoding, answers
    )
    run, model = client.get_run(run_id), client.get_logged_model(model_id)
    assert logged_models.address(run) == f"models:/{model_id}"
    assert [made.step for made in run.outputs.model_outputs] == [0]
    assert (model.name, model.source_run_id, model.params, str(model.status)) == (
        "lstm-1",
        run_id,
        {"units": "3"},
        "READY",
    )
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{model_id}", dst_path=str(tmp_path)))
    files = {file.name: file.read_bytes() for file in (folder / "artifacts").iterdir()}
    assert files == {network.name: b"weights", encoding.name: encoding.read_bytes()}
    assert (folder / "code/rnnlab/serving/served_model.py").is_file()
