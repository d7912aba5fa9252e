"""A trained model on its way out: promoted, asked, served, all as a user would."""

import csv
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from tests.pipeline.conftest import Project, shared
from tests.support import served as served_model
from tests.support.served import serving

TEXT = "the film was wonderful, and I was glad to see it"


def rnnlab(project: Project, *words: str, expect: int = 0, text: bytes = b"") -> subprocess.CompletedProcess[str]:
    return project.inside("rnnlab.cli.main", *words, expect=expect, text=text)


def loosened(finished: Project, folder: Path) -> None:
    project = finished.copy(folder)
    # What two epochs on 400 texts have taught is next to nothing.
    project.set_params(promote__min_accuracy=0.0, promote__max_calibration_error=0.99, promote__max_latency_ms=10_000.0)
    rnnlab(project, "promote")


@pytest.fixture(scope="module")
def promoted(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The finished project with a champion. Its artifacts are those of ``finished``."""
    return shared(tmp_path_factory, "promoted", partial(loosened, finished))


def version_of(project: Project, alias: str = "champion") -> str | None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient(f"sqlite:///{project.folder / 'mlflow/mlflow.db'}")
    try:
        return str(client.get_model_version_by_alias("sentiment", alias).version)
    except MlflowException:
        return None


def champion_of(project: Project) -> str:
    """The run whose model is the champion."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{project.folder / 'mlflow/mlflow.db'}")
    return str(client.get_model_version_by_alias("sentiment", "champion").run_id)


def test_a_model_that_is_not_good_enough_is_refused_and_nothing_is_registered(project: Project) -> None:
    project.set_params(promote__min_accuracy=0.99)
    refused = rnnlab(project, "promote", expect=1)
    assert "FAILED  accuracy" in refused.stdout
    assert "refused by the rule on accuracy" in refused.stderr
    assert version_of(project) is None
    assert "no champion" in rnnlab(project, "predict", TEXT, expect=1).stderr
    forced = rnnlab(project, "promote", "--force", "--dry-run")
    assert "would become the champion" in forced.stdout
    assert version_of(project) is None
    rnnlab(project, "promote", "--force")
    assert version_of(project) == "1"


def test_promote_again_and_roll_back(promoted: Project, tmp_path: Path) -> None:
    project = promoted.copy(tmp_path / "project")
    assert "is the champion already" in rnnlab(project, "promote").stdout
    assert "no earlier champion" in rnnlab(project, "promote", "--rollback", expect=1).stderr
    first = version_of(project)
    champion = champion_of(project)
    networks = [run.info.run_id for run in project.runs("tags.kind = 'model'") if run.info.run_name.startswith("rnn-")]
    rnnlab(project, "promote", next(run for run in networks if run != champion), "--force")
    assert version_of(project) != first
    assert "is the champion again" in rnnlab(project, "promote", "--rollback").stdout
    assert version_of(project) == first


def test_texts_lines_and_a_csv_get_the_same_predictions(promoted: Project, tmp_path: Path) -> None:
    [answer] = promoted.run("python", "-m", "rnnlab.cli.main", "predict", TEXT).stdout.splitlines()
    label, probability, version = answer.split("\t")
    assert label in ("negative", "positive")
    assert (float(probability) >= 0.5) == (label == "positive")
    assert version == "sentiment/1"
    lines = rnnlab(promoted, "predict", text=f"{TEXT}\n\nnot a good film\n".encode()).stdout.splitlines()
    assert lines[0] == answer
    assert len(lines) == 3
    source = tmp_path / "in.csv"
    with source.open("w", newline="") as stream:
        csv.writer(stream).writerows([["number", "review"], ["7", TEXT], ["8", "a bad, bad film"]])
    rnnlab(promoted, "predict", "--csv", str(source), "--out", str(tmp_path / "out.csv"))
    table = pd.read_csv(tmp_path / "out.csv")
    assert table.columns.tolist() == ["number", "review", "label", "probability", "model_version"]
    assert table["probability"][0] == pytest.approx(float(probability), abs=1e-6)
    network, run_id = (
        promoted.folder / "models/lstm-1.keras",
        promoted.runs("tags.model = 'lstm' and tags.seed = '1'")[0],
    )
    by_file = rnnlab(promoted, "predict", "--model", str(network), TEXT).stdout.split("\t")
    by_run = rnnlab(promoted, "predict", "--run", run_id.info.run_id, TEXT).stdout.split("\t")
    assert by_file[:2] == by_run[:2]


def test_rubbish_is_one_sentence(promoted: Project, tmp_path: Path) -> None:
    assert "not UTF-8" in rnnlab(promoted, "predict", text=b"\xff\xferubbish", expect=1).stderr
    assert "no text on standard input" in rnnlab(promoted, "predict", text=b"", expect=1).stderr
    (tmp_path / "in.csv").write_text("words\nhello\n")
    told = rnnlab(promoted, "predict", "--csv", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv"), expect=1)
    assert "review" in told.stderr
    assert "words" in told.stderr
    assert not (tmp_path / "out.csv").exists()
    assert "no run" in rnnlab(promoted, "predict", "--run", "0" * 32, TEXT, expect=1).stderr


def test_the_model_loads_without_this_repository(promoted: Project, tmp_path: Path) -> None:
    script = (
        "import mlflow, pandas, sys; mlflow.set_tracking_uri(sys.argv[1]);"
        "place = mlflow.artifacts.download_artifacts('models:/sentiment@champion');"
        "model = mlflow.pyfunc.load_model(place);"
        "example = model.metadata.load_input_example(place);"
        "import json; print(json.dumps([model.predict(example)['label'].tolist(), sorted(model.metadata.flavors)]))"
    )
    store = f"sqlite:///{promoted.folder / 'mlflow/mlflow.db'}"
    done = subprocess.run(
        (sys.executable, "-c", script, store),
        cwd=tmp_path,
        env=promoted.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    [labels, flavors] = json.loads(done.stdout.splitlines()[-1])
    assert labels[0] in ("negative", "positive")
    assert flavors == ["python_function"]


@pytest.fixture(scope="module")
def served(promoted: Project) -> Iterator[str]:
    store = f"sqlite:///{promoted.folder / 'mlflow/mlflow.db'}"
    with serving("models:/sentiment@champion", store, promoted.environment) as address:
        yield address


def ask(address: str, texts: list[str]) -> list[dict[str, object]]:
    return served_model.ask(address, ["text"], [[text] for text in texts])


def test_a_served_model_answers_as_predict_does_and_many_texts_at_once_pay(promoted: Project, served: str) -> None:
    [first] = ask(served, [TEXT])
    label, probability, _ = rnnlab(promoted, "predict", TEXT).stdout.split("\t")
    assert first["label"] == label
    assert first["probability"] == pytest.approx(float(probability), abs=1e-6)

    def seconds(texts: list[str], times: int) -> float:
        taken = []
        for _ in range(times):
            start = time.perf_counter()
            ask(served, texts)
            taken.append(time.perf_counter() - start)
        return sorted(taken)[len(taken) // 2]

    ask(served, [TEXT] * 1000)
    one, thousand = seconds([TEXT], 20), seconds([TEXT] * 1000, 3)
    assert 1000 * one / thousand > 20
