"""Models ready to predict: the champion, any model in MLflow, or a file."""

import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from rnnlab.features.clean_rows import read_labels
from rnnlab.networks.keras_import import importing_keras
from rnnlab.project import dvc_lock, layout
from rnnlab.project.errors import UserError, first_line
from rnnlab.project.files import read_json
from rnnlab.project.params import Params
from rnnlab.project.sections.data import TokenizePad
from rnnlab.project.tasks import TaskName
from rnnlab.serving.classifier import PROBABILITY, Answers, Classifier, check_labels, chosen_for
from rnnlab.tracking.champion import CHAMPION
from rnnlab.tracking.store import Store, remedy

ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # MLflow's codes for what does not exist


class Predictor(NamedTuple):
    """A model ready to predict.

    Attributes:
        version: a registered name and version, a run's name and id, or a file's name and MD5, with a slash between.
        classify: from texts, or sequences as lists of steps, to their labels and the probabilities of all labels, of
            shape (rows, labels).
        labels: by their numbers.
        classifier: the network and its vocabulary, None for a model from MLflow, which brings code of its own.
        channels: of sequences, in the order of a step's values.
    """

    version: str
    classify: Callable[[Sequence[Any]], Answers]
    labels: Sequence[str]
    classifier: Classifier | None = None
    channels: Sequence[str] = ()


def open_store() -> Store:
    """Opens the store of MLflow.

    Raises:
        UserError: it cannot be reached.
    """
    from rnnlab.tracking import store

    with _explaining(store.tracking_uri()):
        return store.connect()


def load_champion(store: Store, name: str, task: TaskName = "text") -> Predictor:
    """Loads the version of a registered model that has the alias `CHAMPION`.

    Raises:
        UserError: there is none, it is of another task, it cannot be loaded, or MLflow cannot be reached.
    """
    return _load_logged(*champion(store, name), task)


def champion(store: Store, name: str) -> tuple[str, str]:
    """Returns where MLflow finds the champion of a name, and its version.

    Raises:
        UserError: there is none, or MLflow cannot be reached.
    """
    from mlflow import MlflowClient

    advice = "`rnnlab promote` chooses one, --run and --model take any other"
    with _explaining(store.uri, absent=f"{name} has no {CHAMPION} yet; {advice}"):
        version = MlflowClient(store.uri).get_model_version_by_alias(name, CHAMPION)
    return f"models:/{name}/{version.version}", f"{name}/{version.version}"


def load_run(store: Store, run_id: str, task: TaskName = "text") -> Predictor:
    """Loads the model that a run logged.

    Raises:
        UserError: no such run, not that of a model of the task, it cannot be loaded, or MLflow cannot be reached.
    """
    return _load_logged(*model_of_run(store, run_id), task)


def model_of_run(store: Store, run_id: str) -> tuple[str, str]:
    """Returns where MLflow finds the model that a run logged, and its version.

    Raises:
        UserError: no such run, not that of a trained network, or MLflow cannot be reached.
    """
    from mlflow import MlflowClient

    from rnnlab.tracking import logged_models

    with _explaining(store.uri, absent=f"no run {run_id} in {store.uri}; `rnnlab ui` shows those there are"):
        run = MlflowClient(store.uri).get_run(run_id)
    if run.info.lifecycle_stage == "deleted":
        raise UserError(f"run {run_id} was deleted; `rnnlab ui` shows those there are")
    kind = run.data.tags.get("kind")
    if kind != "model":
        what = {
            "pipeline": "a whole pipeline",
            "baseline": "a baseline, and MLflow has no files of those",
            "live": "a training that did not finish",
        }.get(kind, "of another kind")
        raise UserError(f"run {run_id} is {what}; take one of a trained network (`rnnlab ui`, tags.kind = 'model')")
    return logged_models.address(run), f"{run.info.run_name}/{run_id}"


def load_file(
    network: Path,
    vocabulary: Path,
    settings: Params,
    lock: Path = layout.LOCK,
    summary: Path = layout.SUMMARY,
) -> Predictor:
    """Loads a ``.keras`` file of this workspace; if ``lock`` records how it was trained, that is compared too.

    The labels are those of ``summary``, the counts of the ingest stage.

    Raises:
        UserError: a file is missing or damaged, the network does not read texts, or it was trained with another
            vocabulary, other labels or other parameters.
    """
    if network.suffix != ".keras" or not network.is_file() or not zipfile.is_zipfile(network):
        problem = "not a .keras file" if network.is_file() else "no such file"
        raise UserError(f"{network}: {problem}; `dvc repro` makes models/<model>-<seed>.keras")
    words = read_json(vocabulary)
    if not _are_words(words):
        raise UserError(f"{vocabulary}: not a vocabulary, a list of words; `dvc repro tokenize_pad` makes it")
    labels = read_labels(summary)
    digest = dvc_lock.file_digest(network)
    _check_training(network, digest, vocabulary, summary, settings, lock)
    # Keras takes seconds to import: all that can be checked without it comes first.
    with importing_keras():
        from rnnlab.networks import models
    loaded = models.load(network)
    _check_sizes(network, loaded, vocabulary, len(words), settings.tokenize_pad)
    check_labels(network, loaded, labels, summary)
    classifier = Classifier(loaded, words, settings.tokenize_pad, labels, chosen_for(network))
    return Predictor(f"{network.name}/{digest}", classifier.classify, labels, classifier)


def _are_words(values: Any) -> bool:
    """Whether all values are text; JSON can also hold half of a surrogate pair, which Arrow refuses."""
    try:
        return isinstance(values, list) and pa.array(values, pa.string()).null_count == 0
    except (pa.ArrowException, UnicodeEncodeError):
        return False


@contextmanager
def _explaining(uri: str, absent: str | None = None) -> Iterator[None]:
    """Turns what MLflow, its database or its server raise into a UserError: ``absent`` if something is missing."""
    try:
        yield
    except UserError:
        raise
    except Exception as failure:
        if absent and getattr(failure, "error_code", None) in ABSENT:
            raise UserError(absent) from None
        problem = f"{uri}: MLflow cannot be reached ({first_line(failure)})"
        raise UserError(f"{problem}; {remedy(uri, failure)}") from None


def load_logged(uri: str, version: str) -> Any:
    """Loads a model of MLflow.

    Raises:
        UserError: it cannot be loaded.
    """
    import mlflow

    try:
        # MLflow leaves its copy behind, so it goes into a temporary folder; the model is in memory afterwards.
        with tempfile.TemporaryDirectory() as folder:
            return mlflow.pyfunc.load_model(uri, dst_path=folder)
    except UserError:
        raise
    except Exception as damage:  # whatever MLflow, its server, Keras or the logged code may raise
        problem = f"{version}: its model cannot be loaded ({first_line(damage)})"
        raise UserError(f"{problem}; log it again or name another") from None


# What a logged model reads, by task: the name of its column, and in words.
READ: dict[TaskName, tuple[str, str]] = {"text": ("text", "texts"), "sequences": ("steps", "sequences")}


def _load_logged(uri: str, version: str, task: TaskName) -> Predictor:
    import pandas as pd

    model = load_logged(uri, version)
    column, told = READ[task]
    if column not in model.metadata.signature.inputs.input_names():
        raise UserError(f"{version} does not read {told}; name a model of the {task} task")
    labels = model.model_config["labels"]
    tells_all = model.metadata.signature.params is not None

    def classify(rows: Sequence[Any]) -> Answers:
        answers = model.predict(pd.DataFrame({column: list(rows)}), params={"all": True} if tells_all else None)
        if tells_all:
            return answers["label"].tolist(), answers[[f"{PROBABILITY}{label}" for label in labels]].to_numpy()
        second = answers["probability"].to_numpy()  # all that models of two labels told up to version 0.2.0
        return answers["label"].tolist(), np.stack([1 - second, second], axis=1)

    return Predictor(version, classify, labels, channels=model.model_config.get("channels", ()))


def _check_sizes(network: Path, loaded: Any, vocabulary: Path, words: int, options: TokenizePad) -> None:
    import keras

    embedding = next((layer for layer in loaded.layers if isinstance(layer, keras.layers.Embedding)), None)
    if embedding is None:
        raise UserError(f"{network}: has no embedding of words, so it is not a text model; name another file")
    if embedding.input_dim != words:
        sizes = f"{network} knows {embedding.input_dim} word ids, {vocabulary} has {words}"
        raise UserError(f"{sizes}: they do not belong together; name the network's vocabulary with --vocabulary")
    if loaded.input_shape[-1] != options.max_length:
        sizes = f"{network} reads {loaded.input_shape[-1]} words, tokenize_pad.max_length is {options.max_length}"
        raise UserError(f"{sizes}: set params.yaml to what it was trained with")


def _check_training(network: Path, digest: str, vocabulary: Path, summary: Path, settings: Params, lock: Path) -> None:
    """Compares with dvc.lock, if it records this network: sizes may agree by chance, hashes do not."""
    try:
        used = _used_params(network, digest, vocabulary, summary, lock)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UserError(f"{lock}: damaged or cut short; `git checkout {lock}`") from None
    current = settings.model_dump()
    for key, value in used.items():
        section, name = key.split(".")
        now = current[section][name]
        if value is not None and _as_text(value) != _as_text(now):
            shown = list(now) if isinstance(now, tuple) else now
            raise UserError(f"params.yaml: {key} is {shown}, but {network} was trained with {value}; change it back")


def _used_params(network: Path, digest: str, vocabulary: Path, summary: Path, lock: Path) -> dict[str, Any]:
    """Returns the parameters that a network's texts were tokenized with, by dotted key; empty where unknown.

    Raises:
        UserError: the vocabulary or the labels are others than the network was trained with.
    """
    stages = dvc_lock.stages(lock.read_text(encoding="utf-8")) if lock.is_file() else {}
    trainings = (stage for name, stage in stages.items() if name.startswith("train@"))
    training = next((stage for stage in trainings if digest in _hashes(stage, "outs").values()), None)
    if training is None:
        return {}
    if dvc_lock.file_digest(vocabulary) not in _hashes(training, "deps").values():
        problem = f"{network} was trained with another vocabulary ({lock})"
        raise UserError(f"{vocabulary}: {problem}; name it with --vocabulary")
    tokenized, ingested = stages.get("tokenize_pad", {}), stages.get("ingest", {})
    used: dict[str, Any] = {}
    if _feeds(tokenized, training):
        options = _params(tokenized).get("tokenize_pad", {})
        used |= {f"tokenize_pad.{key}": options.get(key) for key in ("max_length", "padding", "truncation")}
        if _feeds(ingested, tokenized) and dvc_lock.file_digest(summary) not in _hashes(ingested, "outs").values():
            raise UserError(f"{summary}: not of the data that {network} was trained on ({lock}); `dvc checkout`")
    return used


def _hashes(stage: dict[str, Any], side: str) -> dict[str, str]:
    return {entry["path"]: entry.get("md5", "") for entry in stage.get(side, [])}


def _feeds(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether the second stage read what the first wrote, and not what an earlier run of the first did."""
    read, written = _hashes(second, "deps"), _hashes(first, "outs")
    shared = read.keys() & written.keys()
    return bool(shared) and all(read[path] == written[path] for path in shared)


def _params(stage: dict[str, Any]) -> dict[str, Any]:
    params: dict[str, Any] = stage.get("params", {}).get("params.yaml", {})
    return params


def _as_text(value: Any) -> list[str]:
    """Writes a YAML value and the parameter read from it alike: 0 and "0", true and "true" are the same."""
    return [str(each).lower() for each in (value if isinstance(value, list | tuple) else [value])]
