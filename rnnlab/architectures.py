"""Networks described from their ``.keras`` files, without starting Keras."""

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import h5py

from rnnlab.files import reading

Shape = tuple[int, ...]  # of one row


class Layer(NamedTuple):
    """One layer of a network.

    Attributes:
        name: as the network calls it.
        kind: Keras' class; of a bidirectional layer also that of its cell.
        cell: Keras' class of the recurrent cell, "" for a layer without one.
        facts: its settings in words, "" if there is nothing to say.
        shape: of what it hands on, without the rows.
        parameters: weights that it learns.
    """

    name: str
    kind: str
    cell: str
    facts: str
    shape: Shape
    parameters: int


def read_layers(source: Path) -> list[Layer]:
    """Reads the layers of a sequential network in their order, the input first.

    Raises:
        UserError: the file is missing or not what `rnnlab.models.save` writes.
    """
    with reading(source):
        with zipfile.ZipFile(source) as archive:
            config = json.loads(archive.read("config.json"))["config"]
            weights = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
        return _layers(config["layers"], weights)


def _layers(configs: list[dict[str, Any]], weights: h5py.File) -> list[Layer]:
    shape: Shape = ()
    taken: Counter[str] = Counter()
    layers = []
    for layer in configs:
        kind, config = layer["class_name"], layer["config"]
        inner = config.get("layer", {"class_name": kind, "config": config})
        recurrent = inner["class_name"] in ("SimpleRNN", "LSTM", "GRU")
        shape = _output_shape(kind, config, shape)
        # Keras names the weights of a layer after its class, with a number from the second on.
        group = _snake_case(kind)
        place = f"layers/{group}_{taken[group]}" if taken[group] else f"layers/{group}"
        if kind != "InputLayer":
            taken[group] += 1
        layers.append(
            Layer(
                name=config["name"],
                kind=kind if inner["class_name"] == kind else f"{kind} {inner['class_name']}",
                cell=inner["class_name"] if recurrent else "",
                facts=_facts(inner["class_name"], inner["config"]),
                shape=shape,
                parameters=_count(weights[place]) if place in weights else 0,
            )
        )
    return layers


def _output_shape(kind: str, config: Mapping[str, Any], shape: Shape) -> Shape:
    """Follows the shape of one row through a layer."""
    if kind == "InputLayer":
        return tuple(config["batch_shape"][1:])
    if kind == "Embedding":
        return (*shape, config["output_dim"])
    if kind == "Reshape":
        return tuple(config["target_shape"])
    if kind == "Dense":
        return (*shape[:-1], config["units"])
    if kind == "Bidirectional":
        *steps, units = _output_shape(config["layer"]["class_name"], config["layer"]["config"], shape)
        return (*steps, 2 * units)
    if "units" in config:
        return (shape[0], config["units"]) if config["return_sequences"] else (config["units"],)
    if kind == "MaskedMeanMax":
        return (2 * shape[-1],)
    return shape[-1:] if kind in ("GlobalAveragePooling1D", "MaskedMax") else shape


def _facts(kind: str, config: Mapping[str, Any]) -> str:
    if kind == "Embedding":
        masked = "padding is masked" if config["mask_zero"] else "padding is not masked"
        return f"{config['input_dim']:,} words; {masked}"
    if "rate" in config:
        whole = {"SpatialDropout1D": " of the channels"}.get(
            kind, " of whole words" if config.get("noise_shape") else ""
        )
        return f"drops {config['rate']:.0%}{whole} while training" if config["rate"] else "off (rate 0)"
    if "return_sequences" in config:
        return "hands on every step" if config["return_sequences"] else "hands on its last state"
    if kind == "Dense":
        return f"{config['activation']} activation"
    return ""


def _count(group: h5py.Group) -> int:
    sizes = []
    # Dropout keeps the state of its random numbers, integers, beside weights.
    group.visititems(
        lambda _, item: sizes.append(item.size) if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" else None
    )
    return sum(sizes)


def _snake_case(name: str) -> str:
    """Writes a class name as Keras does in its files."""
    apart = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", apart).lower()
