"""Models that were logged before the code had rooms: today's code loads them, and so does a process of its own."""

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import pandas as pd
import pytest

from rnnlab.serving import predictors
from rnnlab.tracking import store
from rnnlab.tracking.store import Store

ROOT = Path(__file__).parents[2]
COMMIT = "6ef9555"  # the last one with all modules in one folder
TEXTS = ["A good film.", "Bad, bad, bad!", "I don't know this word."]
LOG = """
import json, sys
from pathlib import Path
import mlflow
import pandas as pd
from mlflow import MlflowClient
from rnnlab import logged_models, models, params, store

opened, settings = store.connect(), params.read(Path("params.yaml"))
client, texts, answers = MlflowClient(opened.uri), json.loads(sys.argv[1]), {}
vocabulary, scaler, window = ["", "<unk>", "good", "bad", "film"], {"mean": 1.0, "scale": 2.0}, settings.series.window
small = settings.models["lstm"].model_copy(update={"units": 3, "embedding_dim": 4})
networks = {
    "text": models.build_classifier(small, len(vocabulary), settings.tokenize_pad.max_length),
    "series": models.build_forecaster(small.model_copy(update={"output": "linear"}), window),
}
inputs = {"text": pd.DataFrame({"text": texts}), "series": pd.DataFrame({"values": [[0.5] * window]})}
for task, network in networks.items():
    models.save(network, Path("network.keras"))
    Path("encoding.json").write_text(json.dumps(vocabulary if task == "text" else scaler))
    tags = {"kind": "model", "task": task, "model": "lstm", "seed": "1"}
    run_id = client.create_run(opened.experiment_id, tags=tags, run_name="lstm-1").info.run_id
    changed = settings.model_copy(update={"task": task})
    logged_models.log_model(client, opened.experiment_id, run_id, changed, Path("network.keras"), Path("encoding.json"))
    client.set_terminated(run_id)
    answer = mlflow.pyfunc.load_model(f"runs:/{run_id}/model").predict(inputs[task])
    answers[task] = {"run": run_id, "input": inputs[task].to_dict("list"), "output": answer.to_dict("list")}
print(json.dumps(answers))
"""
SERVE = """
import json, sys
import mlflow, pandas as pd

run_id, values = sys.argv[1], json.loads(sys.argv[2])
answer = mlflow.pyfunc.load_model(f"runs:/{run_id}/model").predict(pd.DataFrame(values))
import rnnlab
print(json.dumps({"code": rnnlab.__file__, "output": answer.to_dict("list")}))
"""


class Logged(NamedTuple):
    """Models that the old code logged: by task their run, an input, and what the old code made of it."""

    store: Store
    folder: Path
    models: dict[str, Any]


def run(folder: Path, script: str, *arguments: str, **variables: str) -> Any:
    others = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "DVC_", "PYTHON"))}
    environment = {**others, "MLFLOW_DISABLE_TELEMETRY": "true", "DVC_ROOT": str(folder), **variables}
    command = (sys.executable, "-c", script, *arguments)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    archive = subprocess.run(
        ("git", "archive", COMMIT, "rnnlab", "params.yaml"), cwd=ROOT, capture_output=True, check=False
    )
    if archive.returncode:
        pytest.skip(f"commit {COMMIT} is not in this clone's history")
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    answers = run(folder, LOG, json.dumps(TEXTS), PYTHONPATH=str(folder))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
            patch.delenv(name, raising=False)
        patch.setenv("DVC_ROOT", str(folder))
        yield Logged(store.connect(), folder, answers)


@pytest.mark.parametrize("task", ["text", "series"])
def test_todays_code_loads_it(logged: Logged, task: str) -> None:
    model = logged.models[task]
    answer = mlflow.pyfunc.load_model(f"runs:/{model['run']}/model").predict(pd.DataFrame(model["input"]))
    assert_the_same(answer.to_dict("list"), model["output"])


def test_the_command_line_predicts_with_it(logged: Logged) -> None:
    model = logged.models["text"]
    labels, probabilities = predictors.load_run(logged.store, model["run"]).classify(TEXTS)
    assert_the_same({"label": list(labels), "probability": probabilities[:, 1].tolist()}, model["output"])


@pytest.mark.parametrize("task", ["text", "series"])
def test_it_is_served_with_the_code_that_was_logged_with_it(logged: Logged, task: str) -> None:
    model = logged.models[task]
    served = run(
        logged.folder / "mlflow", SERVE, model["run"], json.dumps(model["input"]), MLFLOW_TRACKING_URI=logged.store.uri
    )
    assert_the_same(served["output"], model["output"])
    assert not Path(served["code"]).is_relative_to(ROOT)


def assert_the_same(answer: dict[str, list[Any]], expected: dict[str, list[Any]]) -> None:
    assert answer.keys() == expected.keys()
    for column, values in expected.items():
        assert answer[column] == (values if isinstance(values[0], str) else pytest.approx(values, abs=1e-6))
