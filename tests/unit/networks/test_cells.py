"""Cells from outside: that of the recipe works wherever ours do, and one that does not is refused by a sentence."""

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from rnnlab.evaluation import gradients, states
from rnnlab.networks import cells, fast_layers, layers, models, predicting, sizes
from rnnlab.project.errors import UserError
from rnnlab.project.sections.networks import OWN_CELLS
from tests.support.cells import minimal_gated_unit, write_cell
from tests.support.networks import plain
from tests.unit.networks.test_archives import members, pack

CHANGES: list[dict[str, Any]] = [
    {},
    {"layers": 2, "pooling": "mean"},
    {"bidirectional": True, "layers": 2, "mask": False},
]
COUNTED = 2 * (4 + 3 + 1) * 3  # weights of three units that read four channels


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_cell(tmp_path)
    return tmp_path


def network(**changes: Any) -> keras.Sequential:
    keras.utils.set_random_seed(1)
    return models.build_classifier(plain(4, 3, cell="mgu", **changes), 50, 9)


def test_ours_are_those_that_the_parameters_name() -> None:
    assert tuple(cells.CELLS) == OWN_CELLS


def by_hand(weights: list[np.ndarray[Any, Any]], inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The minimal gated unit by the equations of its paper, for one row."""
    kernel, recurrent, bias = weights
    state = np.zeros(len(recurrent))
    for step in inputs:
        (gate, candidate), (u, v) = np.split(step @ kernel + bias, 2), np.split(recurrent, 2, axis=1)
        forget = 1 / (1 + np.exp(-(gate + state @ u)))
        state = (1 - forget) * state + forget * np.tanh(candidate + (forget * state) @ v)
    return state


def test_the_recipe_computes_the_minimal_gated_unit(project: Path) -> None:
    model = models.build_classifier(plain(4, 3, cell="mgu"), 0, 6, labels=2, channels=2)
    rows = np.random.default_rng(1).normal(size=(2, 6, 2)).astype(np.float32)
    rows[:, :2] = 0  # padding, which is skipped
    recurrent = model.get_layer("recurrent")
    weight, bias = model.layers[-1].get_weights()
    expected = [by_hand(recurrent.get_weights(), row[2:]) @ weight + bias for row in rows]
    assert predicting.predict(model, rows, 2) == pytest.approx(1 / (1 + np.exp(-np.concatenate(expected))), rel=1e-5)


@pytest.mark.parametrize("changes", CHANGES)
def test_a_file_with_it_is_loaded_and_has_the_same_bytes_again(project: Path, changes: dict[str, Any]) -> None:
    model = network(**changes)
    models.save(model, project / "it.keras")
    models.save(network(**changes), project / "again.keras")
    assert (project / "it.keras").read_bytes() == (project / "again.keras").read_bytes()
    loaded, tokens = models.load(project / "it.keras"), np.arange(36).reshape(4, 9)
    assert predicting.predict(loaded, tokens, 8).tobytes() == predicting.predict(model, tokens, 8).tobytes()


def test_trying_it_out_leaves_the_random_numbers_as_they_are(project: Path) -> None:
    cells._kind.cache_clear()
    first, second = network(), network()
    assert all(map(np.array_equal, first.get_weights(), second.get_weights()))
    drawn = gradients.fresh_weights(second, 1)
    assert [weights.shape for weights in drawn] == [weights.shape for weights in first.get_weights()]


def test_its_weights_are_counted_without_making_them(project: Path) -> None:
    for changes in ({}, {"layers": 2}, {"bidirectional": True, "layers": 2}):
        model = network(**changes)
        recurrent = sum(layer.count_params() for layer in model.layers if layer.name.startswith("recurrent"))
        assert sizes.recurrent_parameters("text", plain(4, 3, cell="mgu", **changes), 3) == recurrent
    assert sizes.recurrent_parameters("text", plain(4, 3, cell="mgu"), 100_000) == 2 * (4 + 100_000 + 1) * 100_000


def test_it_trains_by_keras_and_the_page_names_it(project: Path) -> None:
    model = network()
    assert not any(isinstance(layer, fast_layers.Recurrence) for layer in fast_layers.accelerate(model, 2).layers)
    told = next(layer for layer in layers.describe(model) if layer["cell"])
    assert told["kind"] == told["cell"] == "MinimalGatedUnit"
    assert (told["facts"], told["parameters"]) == ("returns its last state", COUNTED)
    told = next(layer for layer in layers.describe(network(bidirectional=True)) if layer["cell"])
    assert told["kind"] == "Bidirectional MinimalGatedUnit"
    assert not states.can_follow(model)
    assert states.can_follow(models.build_classifier(plain(4, 3, bidirectional=True), 50, 9))


def test_a_network_travels_with_the_file_of_its_cell(project: Path) -> None:
    model = network()
    models.save(model, project / "it.keras")
    elsewhere = shutil.move(project / "cells/mgu.py", project / "mgu.py")
    with pytest.raises(UserError, match=r"there is no cell 'mgu': no file cells/mgu\.py, and no entry point of rnnlab"):
        models.load(project / "it.keras")
    assert models.load(project / "it.keras", elsewhere).count_params() == model.count_params()


def changed(source: Path, change: dict[str, Any], **of_cell: Any) -> Path:
    content = members(source)
    config = json.loads(content["config.json"])
    recurrent = next(each for each in config["config"]["layers"] if each["class_name"] == "RNN")
    config["config"]["layers"][-1]["build_config"] = None
    recurrent["config"]["cell"] |= of_cell
    recurrent["config"]["cell"]["config"] |= change
    return pack(source, content | {"config.json": json.dumps(config).encode()})


def test_a_file_cannot_name_code_nor_change_what_a_cell_is_made_with(project: Path) -> None:
    marked = 'from pathlib import Path\nPath("ran").touch()\n'
    (project / "evil.py").write_text(marked, encoding="utf-8")
    (project / "cells/evil.txt").write_text(marked, encoding="utf-8")
    refused: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({}, {"registered_name": "evil>mgu"}, "not registered as one"),
        ({}, {"registered_name": None, "module": "evil", "class_name": "Evil"}, "not registered as one"),
        ({}, {"registered_name": "cells>../evil"}, "there is no cell '../evil'"),
        ({}, {"registered_name": "cells>evil"}, "there is no cell 'evil'"),
        ({}, {"class_name": "Dense", "module": "keras.layers"}, "other settings"),
        ({"units": 2_000_000}, {}, r"its layers need [\d,]+ bytes of weights"),
        ({"units": 0}, {}, "a layer of size 0"),
        ({"more": 1}, {}, "other settings"),
        ({"more": {"class_name": "Dense", "config": {}}}, {}, "a layer 'MinimalGatedUnit' with more"),
        ({}, {"build_config": {"input_shape": [None, 100_000]}}, "with build_config"),
    ]
    for change, of_cell, sentence in refused:
        models.save(network(), project / "it.keras")
        with pytest.raises(UserError, match=sentence):
            models.load(changed(project / "it.keras", change, **of_cell))
    assert not (project / "ran").exists()


def test_another_layer_cannot_pass_for_a_cell(project: Path) -> None:
    models.save(network(), project / "it.keras")
    content = members(project / "it.keras")
    for key in ("kernel_initializer", None):
        config = json.loads(content["config.json"])
        dense = config["config"]["layers"][-1]
        (dense["config"][key] if key else dense)["registered_name"] = "cells>mgu"
        with pytest.raises(UserError, match=f"a layer 'Dense' with {key or 'registered_name'}"):
            models.load(pack(project / "it.keras", content | {"config.json": json.dumps(config).encode()}))


def edited(old: str, new: str) -> str:
    code = minimal_gated_unit()
    assert old in code
    return code.replace(old, new)


BAD = {
    "raises when it is imported": (
        "1 / 0",
        r"cells/bad\.py: importing it raises ZeroDivisionError \(division by zero\)",
    ),
    "is no Python": ("class :", r"cells/bad\.py: importing it raises SyntaxError"),
    "ends the process": ("raise SystemExit", r"cells/bad\.py: importing it ends the process"),
    "has no layer": ("import keras\n", r"cells/bad\.py: defines no Keras layers; expected one"),
    "has two layers": ("import keras\nclass A(keras.Layer): ...\nclass B(keras.Layer): ...", "defines 2 Keras layers"),
    "is a layer of all steps": (
        edited("self.state_size = units", "other = units"),
        "has no state_size; expected a cell",
    ),
    "takes no units": (
        edited("self, units, **options", "self, **options"),
        r"\(units=3, name='bad'\) raises ValueError",
    ),
    "raises in a step": (edited("(last,) = states", "last, = ()"), r"a step raises ValueError"),
    "has an output of another width": (
        edited("return state, [state]", "return inputs, [state]"),
        r"a step of 3 units returns shapes \[\(2, 5\), \(2, 3\)\]; expected \[\(2, 3\), \(2, 3\)\]",
    ),
    "has no states": (edited("return state, [state]", "return state"), r"returns shapes \[\]; expected"),
    "has another state than it says": (edited("[state]", "[state, state]"), "returns shapes"),
    "forgets its units": (
        edited('"units": self.units', ""),
        "get_config raises TypeError",
    ),
    "tells other units": (
        edited('"units": self.units', '"units": 4'),
        "get_config does not return all that MinimalGatedUnit is made with",
    ),
    "hides weights": (
        edited("self.bias = self.add_weight((columns,), ", "self.bias = keras.Variable(shape=(columns,), initializer="),
        r"makes weights elsewhere than by self\.add_weight",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_cell_that_does_not_work_is_refused_by_a_sentence(project: Path, name: str) -> None:
    code, sentence = BAD[name]
    write_cell(project, "bad", code)
    with pytest.raises(UserError, match=sentence):
        models.build_classifier(plain(4, 3, cell="bad"), 50, 9)


def test_dropout_is_for_cells_that_know_it(project: Path) -> None:
    with pytest.raises(UserError, match=r"mgu\.py: MinimalGatedUnit\(units=3, name='mgu', dropout=0\.5\) raises"):
        network(input_dropout=0.5)
    code = edited("units, **options", "units, dropout=0.0, **options")
    code = code.replace("state_size = units", "state_size = units\n        self.dropout = dropout")
    code = code.replace('"units": self.units', '"units": self.units, "dropout": self.dropout')
    write_cell(project, "wet", code)
    model = models.build_classifier(plain(4, 3, cell="wet", input_dropout=0.5), 50, 9)
    models.save(model, project / "it.keras")
    assert models.load(project / "it.keras").get_layer("recurrent").cell.dropout == 0.5


def test_both_directions_and_all_layers_have_time_scales_of_their_own() -> None:
    keras.utils.set_random_seed(1)
    both = models.build_classifier(plain(3, 5, init="chrono", bidirectional=True, layers=2), 20, 50)
    directions = [
        direction
        for layer in (both.get_layer("recurrent_1"), both.get_layer("recurrent_2"))
        for direction in (layer.forward_layer, layer.backward_layer)
    ]
    drawn = [np.split(direction.get_weights()[2], 4)[1] for direction in directions]
    assert all((forget >= 0).all() and forget.any() for forget in drawn)
    assert len({tuple(forget) for forget in drawn}) == 4
