from pathlib import Path
from typing import Any

import pytest

from rnnlab.project.errors import UserError
from rnnlab.report.architectures import read_layers
from tests.support.results import layer, write_network

TOKENS = layer("InputLayer", "tokens", batch_shape=[None, 9])
EMBEDDING = layer("Embedding", "embedding", input_dim=50, output_dim=4, mask_zero=True)
LSTM = layer("LSTM", "recurrent", units=3, return_sequences=False)
OUTPUT = layer("Dense", "probability", units=1, activation="sigmoid")


def write(folder: Path, layers: list[dict[str, Any]], weights: dict[str, tuple[int, ...]]) -> Path:
    return write_network(folder / "it.keras", layers, weights)


def test_layers_have_shapes_and_parameters_in_their_order(tmp_path: Path) -> None:
    weights = {"embedding/vars/0": (50, 4), "lstm/cell/vars/0": (4, 12), "lstm/cell/vars/1": (3, 12)}
    layers = read_layers(write(tmp_path, [TOKENS, EMBEDDING, LSTM, OUTPUT], {**weights, "dense/vars/0": (3, 1)}))
    assert [(each.name, each.kind, each.shape, each.parameters) for each in layers] == [
        ("tokens", "InputLayer", (9,), 0),
        ("embedding", "Embedding", (9, 4), 200),
        ("recurrent", "LSTM", (3,), 84),
        ("probability", "Dense", (1,), 3),
    ]
    assert [each.cell for each in layers] == ["", "", "LSTM", ""]


def test_layers_of_one_class_have_weights_of_their_own(tmp_path: Path) -> None:
    dense = layer("Dense", "dense", units=5, activation="relu")
    weights = {"lstm/cell/vars/0": (4, 12), "dense/vars/0": (3, 5), "dense_1/vars/0": (5, 1)}
    layers = read_layers(write(tmp_path, [TOKENS, EMBEDDING, LSTM, dense, OUTPUT], weights))
    assert [each.parameters for each in layers[-2:]] == [15, 5]


def test_both_directions_are_counted_and_the_steps_are_kept(tmp_path: Path) -> None:
    inner = layer("GRU", "gru", units=3, return_sequences=True)
    both = layer("Bidirectional", "recurrent", layer=inner)
    pooled = layer("MaskedMeanMax", "pooling")
    weights = {"bidirectional/forward_layer/cell/vars/0": (4, 9), "bidirectional/backward_layer/cell/vars/0": (4, 9)}
    found = read_layers(write(tmp_path, [TOKENS, EMBEDDING, both, pooled], weights))[2:]
    assert [(each.kind, each.cell, each.shape, each.parameters) for each in found] == [
        ("Bidirectional GRU", "GRU", (9, 6), 72),
        ("MaskedMeanMax", "", (12,), 0),
    ]


def test_a_layer_says_what_it_does(tmp_path: Path) -> None:
    layers = [
        EMBEDDING,
        layer("Dropout", "word_dropout", rate=0.0, noise_shape=[None, 9, 1]),
        layer("SpatialDropout1D", "embedding_dropout", rate=0.1),
        LSTM,
        OUTPUT,
    ]
    assert [each.facts for each in read_layers(write(tmp_path, [TOKENS, *layers], {}))[1:]] == [
        "50 words; padding is masked",
        "off (rate 0)",
        "drops 10% of the channels while training",
        "hands on its last state",
        "sigmoid activation",
    ]


def test_a_window_of_a_series_becomes_steps(tmp_path: Path) -> None:
    values = layer("InputLayer", "values", batch_shape=[None, 30])
    layers = read_layers(write(tmp_path, [values, layer("Reshape", "steps", target_shape=[30, 1])], {}))
    assert [each.shape for each in layers] == [(30,), (30, 1)]


def test_a_missing_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.keras: no such file; `dvc repro`"):
        read_layers(tmp_path / "gone.keras")


@pytest.mark.parametrize("content", [b"", b"PK no zip"])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    damaged = tmp_path / "it.keras"
    damaged.write_bytes(content)
    with pytest.raises(UserError, match=r"it\.keras: damaged or cut short .*; remove it"):
        read_layers(damaged)
