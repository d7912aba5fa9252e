"""What a ``.keras`` file, perhaps a stranger's, would cost to load: known before Keras builds anything of it."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from rnnlab.networks import cells

MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
LONGEST_CONFIG = 1 << 20  # bytes; a hundred times that of the largest network here
CELLS = {"SimpleRNN": (1, 1), "LSTM": (4, 1), "GRU": (3, 2)}  # gates, and biases of each
# Layers without weights, by how many channels they have for one that they read.
CHANNELS = {
    **dict.fromkeys(("Masking", "Dropout", "SpatialDropout1D", "GlobalAveragePooling1D", "MaskedMax"), 1),
    **dict.fromkeys(("MaskedMeanMax", "MaskedSqrtnMax"), 2),
}
# Settings with which Keras would make more than a layer's size says, and how the project leaves them.
USUAL: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("stateful", "unroll"), (False,)),
    **dict.fromkeys(("lora_rank", "quantization_config"), (None,)),
    "data_format": (None, "channels_last"),
}
# Objects in a layer's settings.
PLAIN = {"DTypePolicy", "GlorotUniform", "Identity", "Orthogonal", "RandomNormal", "RandomUniform", "Zeros"}


def check(source: Path, cell: Path | None = None) -> bytes:
    """Checks that a file is a network of this project's layers, and no larger in memory than its weights on disk.

    A cell that is not one of ours is run if the project, an installed package or the file ``cell`` has one of its name.

    Returns:
        All that Keras builds it from but its weights.

    Raises:
        ValueError: it is not; says why.
        UserError: it has a cell that there is none of, or that does not work.
        OSError, zipfile.BadZipFile: it cannot be read.
    """
    if source.suffix != ".keras":
        raise ValueError("its name does not end in .keras")  # safe mode does not cover older formats
    with zipfile.ZipFile(source) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
        if set(sizes) != MEMBERS:
            raise ValueError(f"it holds {', '.join(sorted(sizes)[:5])} instead of {', '.join(sorted(MEMBERS))}")
        if sum(sizes.values()) > source.stat().st_size:
            raise ValueError("it is packed, and would unpack to more than it seems")
        if sizes["config.json"] > LONGEST_CONFIG:
            raise ValueError(f"its config.json has {sizes['config.json']:,} bytes; expected {LONGEST_CONFIG:,} at most")
        content = archive.read("config.json")
        stored = _stored_bytes(archive.read("model.weights.h5"))
    config = json.loads(content)
    if config["class_name"] not in ("Sequential", "Change"):
        raise ValueError(f"it is a {config['class_name']} model; expected a Sequential one")
    if stored > sizes["model.weights.h5"]:
        raise ValueError(f"its weights unpack to {stored:,} bytes, more than there are in the file")
    needed = 4 * _parameters(config["config"]["layers"], cell)
    if needed > sizes["model.weights.h5"]:
        raise ValueError(f"its layers need {needed:,} bytes of weights, and it has {sizes['model.weights.h5']:,}")
    return content


def _stored_bytes(weights: bytes) -> int:
    """Counts the bytes of all arrays in an HDF5 file, unpacked; nothing is."""
    import h5py  # comes with Keras

    sizes: list[int] = []
    with h5py.File(io.BytesIO(weights)) as file:
        file.visititems(lambda _, item: sizes.append(item.nbytes) if isinstance(item, h5py.Dataset) else None)
    return sum(sizes)


def _parameters(layers: list[Mapping[str, Any]], cell: Path | None = None) -> int:
    """Counts the weights of layers, from the number of channels that each hands to the next."""
    if layers[0]["class_name"] != "InputLayer":
        raise ValueError("it does not begin with an input")
    total = channels = 0
    for layer in layers:
        weights, channels = _weights(layer, channels, cell)
        total += weights
    return total


def _weights(layer: Mapping[str, Any], channels: int, cell: Path | None) -> tuple[int, int]:
    """Returns the number of a layer's weights, and of the channels of its output."""
    kind, config = layer["class_name"], layer["config"]
    _check_settings(layer, channels)
    if kind in CHANNELS:
        return 0, CHANNELS[kind] * channels
    if kind == "InputLayer":
        return 0, _size(config["batch_shape"][-1])
    if kind == "Reshape":
        return 0, _size(config["target_shape"][-1])
    if kind == "Embedding":
        return _size(config["input_dim"]) * _size(config["output_dim"]), config["output_dim"]
    if kind == "BigramEmbedding":  # each pair has a vector and a number
        words, pairs = _size(config["input_dim"]), _size(config["bigrams"])
        return words * _size(config["output_dim"]) + pairs * (config["output_dim"] + 1), config["output_dim"]
    if kind == "Bidirectional":
        forward, units = _weights(config["layer"], channels, cell)
        backward, other_units = _weights(config.get("backward_layer") or config["layer"], channels, cell)
        return forward + backward, units + other_units
    if kind == "Dense":
        units = _size(config["units"])
        return (channels + 1) * units, units
    if kind in CELLS:
        units, (gates, biases) = _size(config["units"]), CELLS[kind]
        return gates * (channels + units + biases) * units, units
    if kind == "RNN":
        return _weights_of_other(config["cell"], channels, cell)
    raise ValueError(f"it has a layer {kind!r}, which this project does not build")


def _weights_of_other(step: Mapping[str, Any], channels: int, cell: Path | None) -> tuple[int, int]:
    """Does the same for a cell of others, which must be just what the project makes of so many units."""
    name = str(step["registered_name"])
    if not name.startswith(cells.REGISTERED):
        raise ValueError(f"it has a cell {name!r}, which is not registered as one")
    _check_settings({**step, "registered_name": None}, channels)
    plugin, units = cells.find(name.removeprefix(cells.REGISTERED), cell), _size(step["config"]["units"])
    options = {key: step["config"][key] for key in ("dropout", "recurrent_dropout") if step["config"].get(key)}
    made = json.loads(json.dumps(keras.saving.serialize_keras_object(cells.cell(plugin, units, **options))))
    if made != {key: value for key, value in step.items() if key != "build_config"}:
        raise ValueError(f"its cell {plugin.name!r} has other settings than the project would give it")
    return cells.count(plugin, units, channels), units


def _check_settings(layer: Mapping[str, Any], channels: int) -> None:
    """Checks that Keras would build a layer for the channels that it gets, and nothing besides its weights."""
    built = layer.get("build_config") or {"input_shape": [None, channels]}
    rows, *_, read = built["input_shape"]
    odd = {} if (list(built), rows, read) == (["input_shape"], None, channels) else {"build_config": built}
    for key, value in layer["config"].items():
        # These are layers themselves.
        parts = key in ("layer", "backward_layer") or (key, layer["class_name"]) == ("cell", "RNN")
        if value not in USUAL.get(key, (value,)) or not (parts or _is_plain(value)):
            odd[key] = value
    if layer["config"].get("batch_shape", [None])[0] is not None:
        odd["batch_shape"] = layer["config"]["batch_shape"]
    if str(layer.get("registered_name")).startswith(cells.REGISTERED):  # Keras would build that instead
        odd["registered_name"] = layer["registered_name"]
    for key, value in odd.items():
        raise ValueError(f"it has a layer {layer['class_name']!r} with {key} {str(value)[:80]}, not of this project")


def _is_plain(value: Any) -> bool:
    """Whether a setting is a value, a list of values, or an object that holds nothing but values."""
    if isinstance(value, dict) and value.get("class_name") in PLAIN and not value.get("registered_name"):
        value = list(value["config"].values())
    return not any(isinstance(each, dict | list) for each in (value if isinstance(value, list) else [value]))


def _size(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"it has a layer of size {value!r}")
    return value
