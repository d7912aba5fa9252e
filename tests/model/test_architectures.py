"""Networks as `rnnlab.report.architectures` reads them from files, against Keras itself."""

from pathlib import Path
from typing import Any

import pytest

from rnnlab.networks import models
from rnnlab.report.architectures import read_layers
from tests.support.networks import plain


@pytest.mark.parametrize(
    "changes",
    [
        {"cell": "simple_rnn", "dropout": 0.1, "recurrent_dropout": 0.1},
        {"cell": "gru", "layers": 2, "embedding_dropout": 0.1},
        {"bidirectional": True, "pooling": "mean_max", "dense": 5, "output": "two_logits"},
        {"bidirectional": True, "layers": 2, "pooling": "max"},
        {"pooling": "mean", "word_dropout": 0.2},
    ],
)
def test_a_file_is_read_as_keras_has_the_network(tmp_path: Path, changes: dict[str, Any]) -> None:
    model = models.build_classifier(plain(4, 3, **changes), 50, 9)
    models.save(model, tmp_path / "it.keras")
    first, *others = read_layers(tmp_path / "it.keras")
    assert (first.kind, first.shape) == ("InputLayer", (9,))
    assert [(layer.name, layer.shape, layer.parameters) for layer in others] == [
        (layer.name, tuple(layer.output.shape[1:]), layer.count_params()) for layer in model.layers
    ]


def test_a_forecaster_is_read_as_well(tmp_path: Path) -> None:
    model = models.build_forecaster(plain(4, 3, output="linear"), 12)
    models.save(model, tmp_path / "it.keras")
    layers = read_layers(tmp_path / "it.keras")
    assert [layer.shape for layer in layers] == [(12,), (12, 1), (3,), (3,), (1,)]
    assert sum(layer.parameters for layer in layers) == model.count_params()
