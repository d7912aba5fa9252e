import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras
import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from mlflow import MlflowClient
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from mlflow.types.schema import Array
from ruamel.yaml import YAML

from rnnlab.features import text
from rnnlab.networks import models, predicting
from rnnlab.project import layout
from rnnlab.project.dvc_lock import file_digest
from rnnlab.project.errors import UserError
from rnnlab.project.files import write_json
from rnnlab.project.params import Params
from rnnlab.project.sections.data import TokenizePad
from rnnlab.serving import predictions, predictors
from rnnlab.serving.predictors import Predictor
from rnnlab.serving.pyfunc import TextClassifier
from rnnlab.tracking import store
from rnnlab.tracking.logged_models import TEXT_SIGNATURE
from tests.support.networks import plain

VOCABULARY = ["", "<unk>", "good", "bad", "film", "don't"]
OPTIONS = TokenizePad(vocabulary_size=6, max_length=8, padding="pre", truncation="pre", oov_token="<unk>")
LABELS = ("negative", "positive")


class Trained(NamedTuple):
    network: Path
    vocabulary: Path
    settings: Params

    def load(self, **changes: Any) -> Predictor:
        files = {"network": self.network, "vocabulary": self.vocabulary, "lock": self.network.with_name("no.lock")}
        files["summary"] = self.network.with_name("data.json")
        return predictors.load_file(**{**files, "settings": self.settings, **changes})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, settings: Params) -> Trained:
    folder = tmp_path_factory.mktemp("trained")
    keras.utils.set_random_seed(1)
    # A network that knows pairs of words can do all that one without them can.
    tokens = np.pad(np.array([[2, 4], [3, 4]], np.int32), ((0, 0), (6, 0)))
    rows = (tokens, np.array([[1.0], [0.0]], np.float32))
    network = models.build("text", plain(4, 3, bigrams=2, nb_channels=1), len(VOCABULARY), rows)
    models.save(network, folder / "lstm-1.keras")
    write_json(folder / "vocabulary.json", VOCABULARY)
    write_json(folder / "data.json", {"labels": LABELS})
    fitting = settings.model_copy(update={"tokenize_pad": OPTIONS})
    return Trained(folder / "lstm-1.keras", folder / "vocabulary.json", fitting)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[store.Store]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
            patch.delenv(name, raising=False)
        patch.setenv("DVC_ROOT", str(tmp_path_factory.mktemp("store")))
        yield predictors.open_store()


def made_run(opened: store.Store, name: str, **tags: str) -> str:
    return str(MlflowClient(opened.uri).create_run(opened.experiment_id, tags=tags, run_name=name).info.run_id)


@pytest.fixture(scope="module")
def text_run(opened: store.Store, trained: Trained) -> str:
    """A run as `rnnlab.tracking.pipeline_runs` logs it, registered as version 1 of ``sentiment``."""
    run_id = made_run(opened, "lstm-1", kind="model", task="text")
    with mlflow.start_run(run_id=run_id):
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(layout.PACKAGE / "serving/served_model.py"),
            artifacts={"network": str(trained.network), "encoding": str(trained.vocabulary)},
            model_config={"task": "text", "tokenize_pad": OPTIONS.model_dump(), "labels": list(LABELS)},
            signature=TEXT_SIGNATURE,
            pip_requirements=["mlflow"],
        )
    client = MlflowClient(opened.uri)
    client.create_registered_model("sentiment")
    client.create_model_version("sentiment", logged.model_uri, run_id)
    return run_id


SERIES_SIGNATURE = ModelSignature(inputs=Schema([ColSpec(Array("double"), "values")]))
TEXTS = ["good film", "", "bad " * 100_000, "<b>don&#39;t</b> 😀", "שלום"]


def test_a_file_gives_what_the_network_gives_for_training_s_arrays(trained: Trained) -> None:
    predictor = trained.load()
    assert predictor.version == f"lstm-1.keras/{file_digest(trained.network)}"
    cleaned = text.clean(pa.array(TEXTS, pa.string()))
    tokens = text.encode(cleaned, VOCABULARY, OPTIONS).tokens
    wanted = predicting.predict(models.load(trained.network), tokens, 256)
    answers = list(predictions.predict_lines(predictor, TEXTS))
    assert [answer.all["positive"] for answer in answers] == pytest.approx(wanted.tolist())
    assert [answer.probability for answer in answers] == [max(answer.all.values()) for answer in answers]
    assert [answer.label for answer in answers] == [LABELS[int(value >= 0.5)] for value in wanted]
    assert len(set(wanted.tolist())) > 2


def test_champion_run_and_file_agree(
    opened: store.Store, trained: Trained, text_run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(UserError, match="sentiment has no champion yet; `rnnlab promote` chooses one"):
        predictors.load_champion(opened, "sentiment")
    MlflowClient(opened.uri).set_registered_model_alias("sentiment", "champion", "1")
    champion, run = predictors.load_champion(opened, "sentiment"), predictors.load_run(opened, text_run)
    assert (champion.version, run.version) == ("sentiment/1", f"lstm-1/{text_run}")
    wanted = [answer[:2] for answer in predictions.predict_lines(trained.load(), TEXTS)]
    for predictor in (champion, run):
        assert [answer[:2] for answer in predictions.predict_lines(predictor, TEXTS)] == wanted
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        "- 1",
        "stages: 3",
        "stages: {1: 2}",
        "stages: {train@x: {outs: 1}}",
        "stages: {train@x: {outs: [{md5: 1}]}}",
        "&a [*a]",
    ],
)
def test_a_lock_file_of_something_else_is_told(trained: Trained, tmp_path: Path, content: str) -> None:
    (tmp_path / "dvc.lock").write_text(content)
    with pytest.raises(UserError, match=r"dvc\.lock: damaged or cut short; `git checkout"):
        trained.load(lock=tmp_path / "dvc.lock")


@pytest.mark.parametrize("words", ['["a", "\\ud83d"]', '["a", 1]', '["a", null]', '{"a": 1}', '"a"', '[["a"]]'])
def test_a_vocabulary_of_something_else_is_told(trained: Trained, tmp_path: Path, words: str) -> None:
    (tmp_path / "words.json").write_text(words)
    with pytest.raises(UserError, match=r"words\.json: not a vocabulary, a list of words"):
        trained.load(vocabulary=tmp_path / "words.json")


def test_no_registered_model_is_no_champion(opened: store.Store) -> None:
    with pytest.raises(UserError, match="nobody has no champion yet; `rnnlab promote`"):
        predictors.load_champion(opened, "nobody")


def test_the_served_model_takes_no_rows_and_missing_texts(opened: store.Store, text_run: str) -> None:
    served = mlflow.pyfunc.load_model(f"runs:/{text_run}/model").unwrap_python_model()
    assert isinstance(served, TextClassifier)
    assert served.predict(None, pd.DataFrame({"text": pd.Series([], dtype="str")})).shape == (0, 2)
    missing, empty = served.predict(None, pd.DataFrame({"text": [None, ""]}))["probability"]
    assert missing == empty


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("pipeline", "is a whole pipeline; take one of a trained network"),
        ("baseline", "is a baseline"),
        ("live", "is a training that did not finish"),
        ("model", "lstm-2/.*: its model cannot be loaded"),
    ],
)
def test_a_run_without_a_model_is_told(opened: store.Store, kind: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as mistake:
        predictors.load_run(opened, made_run(opened, "lstm-2", kind=kind))
    assert "\n" not in str(mistake.value)


@pytest.mark.parametrize("run_id", ["0" * 32, "lstm-1", "", "../../etc"])
def test_an_unknown_run_is_told(opened: store.Store, run_id: str) -> None:
    with pytest.raises(UserError, match=r"no run .*; `rnnlab ui` shows"):
        predictors.load_run(opened, run_id)


def test_a_deleted_run_and_one_of_a_series_are_told(opened: store.Store, tmp_path: Path) -> None:
    run_id = made_run(opened, "lstm-3", kind="model", task="series")
    code = tmp_path / "forecaster.py"
    code.write_text(
        "import mlflow.models, mlflow.pyfunc\n"
        "class Forecaster(mlflow.pyfunc.PythonModel):\n"
        "    def predict(self, context, model_input, params=None):\n"
        "        return model_input\n"
        "mlflow.models.set_model(Forecaster())\n"
    )
    with mlflow.start_run(run_id=run_id):
        mlflow.pyfunc.log_model(
            name="model", python_model=str(code), signature=SERIES_SIGNATURE, pip_requirements=["mlflow"]
        )
    with pytest.raises(UserError, match=r"lstm-3/.* does not read texts"):
        predictors.load_run(opened, run_id)
    MlflowClient(opened.uri).delete_run(run_id)
    with pytest.raises(UserError, match="was deleted"):
        predictors.load_run(opened, run_id)


def test_a_dead_server_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, opened: store.Store) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    (tmp_path / "mlflow").mkdir()
    try:
        with pytest.raises(UserError, match=r"http://127.0.0.1:9: MLflow cannot be reached .*set MLFLOW_TRACKING_URI$"):
            predictors.open_store()
    finally:
        mlflow.set_tracking_uri(opened.uri)


def test_files_that_are_not_there_or_not_what_they_should_be_are_told(trained: Trained, tmp_path: Path) -> None:
    rubbish, words = tmp_path / "rubbish.keras", tmp_path / "words.json"
    rubbish.write_bytes(b"\0\1\2" * 100)
    words.write_text('{"good": 2}')
    damaged = tmp_path / "damaged.keras"
    damaged.write_bytes(trained.network.read_bytes()[:-100])
    for changes, sentence in [
        ({"network": tmp_path / "lstm-9.keras"}, "lstm-9.keras: no such file; `dvc repro`"),
        ({"network": rubbish}, "not a .keras file"),
        ({"network": damaged}, "not a .keras file"),
        ({"network": tmp_path}, "no such file"),
        ({"vocabulary": tmp_path / "no.json"}, "no.json: no such file"),
        ({"vocabulary": words}, "words.json: not a vocabulary"),
    ]:
        with pytest.raises(UserError) as mistake:
            trained.load(**changes)
        assert sentence in str(mistake.value)


def test_a_network_that_does_not_fit_is_told(trained: Trained, tmp_path: Path) -> None:
    write_json(tmp_path / "longer.json", [*VOCABULARY, "more"])
    with pytest.raises(UserError, match=r"knows 6 word ids, .*longer.json has 7: they do not belong together"):
        trained.load(vocabulary=tmp_path / "longer.json")
    longer = trained.settings.model_copy(update={"tokenize_pad": OPTIONS.model_copy(update={"max_length": 9})})
    with pytest.raises(UserError, match=r"reads 8 words, tokenize_pad.max_length is 9"):
        trained.load(settings=longer)
    models.save(models.build_forecaster(plain(4, 3, output="linear"), 8), tmp_path / "series.keras")
    with pytest.raises(UserError, match="is not a text model"):
        trained.load(network=tmp_path / "series.keras")


def test_dvc_lock_tells_what_sizes_do_not(trained: Trained, tmp_path: Path) -> None:
    """A vocabulary of the same size, another side of padding, labels the other way round."""
    hashes = {name: f"{place:032d}" for place, name in enumerate(("rows", "arrays"))}
    outs = {"path": "data/features/train", "md5": hashes["arrays"]}
    rows = {"path": "data/interim/rows.parquet", "md5": hashes["rows"]}
    counts = {"path": "reports/data.json", "md5": file_digest(trained.network.with_name("data.json"))}
    words = {"path": "data/features/vocabulary.json", "md5": file_digest(trained.vocabulary)}
    network = {"path": "models/lstm-1.keras", "md5": file_digest(trained.network)}
    options = {"tokenize_pad": OPTIONS.model_dump()}
    stages = {
        "ingest": {"outs": [rows, counts]},
        "tokenize_pad": {"deps": [rows], "params": {"params.yaml": options}, "outs": [outs, words]},
        "train@lstm-1": {"deps": [outs, words], "outs": [network]},
    }
    lock = tmp_path / "dvc.lock"

    def write_lock() -> None:
        with lock.open("w") as stream:
            YAML(typ="safe").dump({"schema": "2.0", "stages": stages}, stream)

    write_lock()
    assert trained.load(lock=lock).version.startswith("lstm-1.keras/")
    write_json(tmp_path / "other.json", [*VOCABULARY[:-1], "other"])
    with pytest.raises(UserError, match=r"other.json: .*lstm-1.keras was trained with another vocabulary"):
        trained.load(lock=lock, vocabulary=tmp_path / "other.json")
    post = trained.settings.model_copy(update={"tokenize_pad": OPTIONS.model_copy(update={"padding": "post"})})
    with pytest.raises(UserError, match=r"tokenize_pad.padding is post, but .*lstm-1.keras was trained with pre"):
        trained.load(lock=lock, settings=post)
    write_json(tmp_path / "data.json", {"labels": LABELS[::-1]})
    with pytest.raises(UserError, match=r"data.json: not of the data that .*lstm-1.keras was trained on"):
        trained.load(lock=lock, summary=tmp_path / "data.json")
    write_json(tmp_path / "data.json", {"labels": ["a", "b", "c"]})
    with pytest.raises(UserError, match=r"lstm-1.keras: tells 1 labels apart, and .*data.json names 3"):
        trained.load(summary=tmp_path / "data.json")
    outs_later = {**outs, "md5": "f" * 32}  # tokenized anew, with these parameters, and not yet trained on
    stages["tokenize_pad"]["outs"] = [outs_later, words]
    write_lock()
    assert trained.load(lock=lock, settings=post).version.startswith("lstm-1.keras/")
    lock.write_text("<<<<<<< ours\n\tstages: [")
    with pytest.raises(UserError, match=r"dvc.lock: damaged or cut short"):
        trained.load(lock=lock)


def test_a_model_of_up_to_0_2_0_tells_the_second_label_alone(opened: store.Store, tmp_path: Path) -> None:
    run_id, code = made_run(opened, "lstm-4", kind="model", task="text"), tmp_path / "classifier.py"
    code.write_text(
        "import mlflow.models, mlflow.pyfunc, pandas as pd\n"
        "class Classifier(mlflow.pyfunc.PythonModel):\n"
        "    def predict(self, context, model_input, params=None):\n"
        "        return pd.DataFrame({'label': 'positive', 'probability': [0.75] * len(model_input)})\n"
        "mlflow.models.set_model(Classifier())\n"
    )
    with mlflow.start_run(run_id=run_id):
        mlflow.pyfunc.log_model(
            name="model",
            python_model=str(code),
            model_config={"labels": list(LABELS)},
            signature=ModelSignature(inputs=Schema([ColSpec("string", "text")])),
            pip_requirements=["mlflow"],
        )
    [answer] = predictions.predict_lines(predictors.load_run(opened, run_id), ["good"])
    assert (answer.label, answer.all) == ("positive", {"negative": 0.25, "positive": 0.75})
