"""Files of strangers that would be networks: what they cost to load is known before."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from rnnlab.networks import archives, models
from rnnlab.project.errors import UserError
from tests.support.networks import plain

CHANGES: list[dict[str, Any]] = [
    {"cell": "simple_rnn", "dropout": 0.1, "word_dropout": 0.1},
    {"cell": "gru", "layers": 2, "embedding_dropout": 0.1, "pooling": "mean"},
    {"bidirectional": True, "pooling": "mean_max", "dense": 5, "output": "logits"},
    {"bidirectional": True, "layers": 2, "pooling": "max"},
    {"pooling": "sqrtn_max"},
]


def members(source: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(source) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(target: Path, content: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(target, "w", how) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return target


@pytest.fixture
def network(tmp_path: Path) -> Path:
    models.save(models.build_classifier(plain(4, 3), 50, 9), tmp_path / "it.keras")
    return tmp_path / "it.keras"


@pytest.mark.parametrize("changes", [*CHANGES, {"bigrams": 6}])
def test_what_the_project_builds_is_loaded(tmp_path: Path, changes: dict[str, Any]) -> None:
    model = models.build_classifier(plain(4, 3, **changes), 50, 9)
    models.save(model, tmp_path / "it.keras")
    assert models.load(tmp_path / "it.keras").count_params() == model.count_params()
    content = members(tmp_path / "it.keras")
    layers = json.loads(content["config.json"])["config"]["layers"]
    assert archives._parameters(layers) == model.count_params()


@pytest.mark.parametrize("changes", CHANGES)
def test_a_classifier_of_numbers_is_loaded(tmp_path: Path, changes: dict[str, Any]) -> None:
    model = models.build_classifier(plain(4, 3, **changes), 0, 9, labels=2, channels=5)
    models.save(model, tmp_path / "it.keras")
    assert models.load(tmp_path / "it.keras").input_shape == (None, 9, 5)
    layers = json.loads(members(tmp_path / "it.keras")["config.json"])["config"]["layers"]
    assert archives._parameters(layers) == model.count_params()


@pytest.mark.parametrize("residual", [False, True])
def test_a_forecaster_is_loaded(tmp_path: Path, residual: bool) -> None:
    models.save(models.build_forecaster(plain(4, 3, output="linear", residual=residual), 12), tmp_path / "it.keras")
    assert models.load(tmp_path / "it.keras").input_shape == (None, 12, 1)


def test_a_bomb_of_a_configuration_is_not_unpacked(network: Path) -> None:
    content = members(network) | {"config.json": b" " * (50 << 20)}
    with pytest.raises(UserError, match="it is packed"):
        models.load(pack(network, content, zipfile.ZIP_DEFLATED))
    with pytest.raises(UserError, match=r"config\.json has 52,428,800 bytes; expected 1,048,576 at most"):
        models.load(pack(network, content))


@pytest.mark.parametrize(
    ("layer", "key"), [("Embedding", "input_dim"), ("Embedding", "output_dim"), ("LSTM", "units"), ("Dense", "units")]
)
def test_a_layer_larger_than_its_weights_is_not_built(network: Path, layer: str, key: str) -> None:
    content = members(network)
    config = json.loads(content["config.json"])
    for each in config["config"]["layers"]:
        each["build_config"] = None
        if each["class_name"] == layer:
            each["config"][key] = 2_000_000
    with pytest.raises(UserError, match=r"its layers need [\d,]+ bytes of weights, and it has"):
        models.load(pack(network, content | {"config.json": json.dumps(config).encode()}))


def test_weights_that_unpack_to_more_are_not_read(network: Path) -> None:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("zeros", (1 << 30,), np.float32, chunks=(1 << 20,), compression="gzip")
    with pytest.raises(UserError, match="its weights unpack to 4,294,967,296 bytes"):
        models.load(pack(network, members(network) | {"model.weights.h5": buffer.getvalue()}))


def test_layers_that_the_project_does_not_build_are_refused(network: Path) -> None:
    content = members(network)
    config = content["config.json"].replace(b'"class_name": "LSTM"', b'"class_name": "Lambda"')
    with pytest.raises(UserError, match="a layer 'Lambda', which this project does not build"):
        models.load(pack(network, content | {"config.json": config}))


INNER = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 9}}
# What makes Keras build more than the sizes of the layers say: a layer, a key, and its value.
SLY: dict[str, tuple[str, str, Any]] = {
    "a shape to build for": ("Dense", "build_config", {"input_shape": [None, 100_000]}),
    "a batch to remember": ("InputLayer", "batch_shape", [100_000, 9]),
    "a state for each row": ("LSTM", "stateful", True),
    "steps side by side": ("LSTM", "unroll", True),
    "weights beside the weights": ("Dense", "lora_rank", 100_000),
    "a layer as a setting": ("Dense", "kernel_initializer", INNER),
    "a layer in a list": ("Dropout", "noise_shape", [INNER]),
    "integers instead of weights": ("Dense", "quantization_config", {"class_name": "Int4QuantizationConfig"}),
}


@pytest.mark.parametrize("name", SLY)
def test_a_layer_that_would_build_more_than_its_sizes_say_is_refused(network: Path, name: str) -> None:
    kind, key, value = SLY[name]
    content = members(network)
    config = json.loads(content["config.json"])
    layers = config["config"]["layers"]
    layer = next((each for each in layers if each["class_name"] == kind), {"class_name": kind, "config": {"rate": 0.1}})
    layers += [] if layer in layers else [layer]
    (layer if key == "build_config" else layer["config"])[key] = value
    with pytest.raises(UserError, match=rf"it has a layer {kind!r} with {key} "):
        models.load(pack(network, content | {"config.json": json.dumps(config).encode()}))


def test_the_layer_that_reads_backwards_counts(tmp_path: Path) -> None:
    models.save(models.build_classifier(plain(4, 3, bidirectional=True), 50, 9), tmp_path / "it.keras")
    content = members(tmp_path / "it.keras")
    config = json.loads(content["config.json"])
    *_, both, _, probability = config["config"]["layers"]
    both["config"]["backward_layer"]["config"]["units"] = 5_000
    probability["build_config"] = None
    with pytest.raises(UserError, match=r"its layers need [\d,]+ bytes of weights, and it has"):
        models.load(pack(tmp_path / "it.keras", content | {"config.json": json.dumps(config).encode()}))


def test_a_network_without_an_input_is_refused(network: Path) -> None:
    content = members(network)
    config = json.loads(content["config.json"])
    del config["config"]["layers"][0]
    with pytest.raises(UserError, match="it does not begin with an input"):
        models.load(pack(network, content | {"config.json": json.dumps(config).encode()}))


@pytest.mark.parametrize("value", [-1, 0, 1.5, "9", True, None])
def test_sizes_are_whole_numbers(network: Path, value: Any) -> None:
    content = members(network)
    config = json.loads(content["config.json"])
    config["config"]["layers"][-1]["config"]["units"] = value
    with pytest.raises(UserError, match="a layer of size"):
        models.load(pack(network, content | {"config.json": json.dumps(config).encode()}))


def test_other_members_are_refused(network: Path) -> None:
    five = r"it holds assets/run\.sh, b, config\.json, metadata\.json, model\.weights\.h5 instead of"
    with pytest.raises(UserError, match=five):
        models.load(pack(network, members(network) | {"assets/run.sh": b"", "b": b"", "z": b""}))
