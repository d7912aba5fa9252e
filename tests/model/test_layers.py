"""`rnnlab.networks.layers.describe` against Keras itself."""

import json
from typing import Any

import pytest

from rnnlab.networks import layers, models
from tests.support.networks import plain


@pytest.mark.parametrize(
    "changes",
    [
        {"cell": "simple_rnn", "dropout": 0.1, "recurrent_dropout": 0.1},
        {"cell": "gru", "layers": 2, "embedding_dropout": 0.1},
        {"bidirectional": True, "pooling": "mean_max", "dense": 5, "output": "logits"},
        {"bidirectional": True, "layers": 2, "pooling": "max"},
        {"pooling": "mean", "word_dropout": 0.2},
    ],
)
def test_layers_have_the_names_shapes_and_parameters_of_keras(changes: dict[str, Any]) -> None:
    model = models.build_classifier(plain(4, 3, **changes), 50, 9)
    first, *others = layers.describe(model)
    assert (first["kind"], first["shape"], first["parameters"]) == ("InputLayer", [9], 0)
    assert [(layer["name"], layer["shape"], layer["parameters"]) for layer in others] == [
        (layer.name, list(layer.output.shape[1:]), layer.count_params()) for layer in model.layers
    ]


def test_only_a_recurrent_layer_names_its_cell_whether_or_not_it_reads_both_ways() -> None:
    for changes, kind in (({}, "LSTM"), ({"bidirectional": True}, "Bidirectional LSTM")):
        described = layers.describe(models.build_classifier(plain(4, 3, **changes), 50, 9))
        assert [(layer["kind"], layer["cell"]) for layer in described if layer["cell"]] == [(kind, "LSTM")]


def test_a_layer_states_its_settings_in_words() -> None:
    dropping = {"word_dropout": 0.2, "embedding_dropout": 0.1, "dropout": 0.0, "dense": 5, "layers": 2}
    described = layers.describe(models.build_classifier(plain(4, 3, **dropping), 1234, 9))
    assert [layer["facts"] for layer in described if layer["facts"]] == [
        "1,234 words; padding is masked",
        "drops 20% of whole words during training",
        "drops 10% of the channels during training",
        "returns every step",
        "returns its last state",
        "relu activation",
        "off (rate 0)",
        "sigmoid activation",
    ]


def test_a_forecaster_is_described_from_its_window_to_the_next_values() -> None:
    model = models.build_forecaster(plain(4, 3, output="linear"), 12, channels=2, horizon=5)
    described = layers.describe(model)
    assert [layer["shape"] for layer in described] == [[12, 2], [3], [3], [5]]
    assert sum(layer["parameters"] for layer in described) == model.count_params()


def test_a_description_is_json() -> None:
    described = layers.describe(models.build_classifier(plain(4, 3), 50, 9))
    assert json.loads(json.dumps(described)) == described
