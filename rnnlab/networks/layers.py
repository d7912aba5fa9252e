"""Descriptions of the layers of a network, for people to read."""

from collections.abc import Mapping
from typing import Any

import keras

from rnnlab.networks.cells import CELLS

RECURRENT = {cell.__name__ for cell in CELLS.values()}


def describe(model: keras.Sequential) -> list[dict[str, Any]]:
    """Returns the layers of a network in order, the input first, in a form that JSON can hold.

    Each has ``name``, ``kind`` (Keras' class; for a bidirectional layer, also that of its cell), ``cell`` (the class of
    the recurrent cell, "" if there is none), ``facts`` (its settings in words), ``shape`` (of one row of its output)
    and ``parameters`` (the number of weights that it learns).
    """
    source = model.inputs[0]
    first = {"name": source.name, "kind": "InputLayer", "cell": "", "facts": "", "parameters": 0}
    return [first | {"shape": list(source.shape[1:])}, *(_describe(layer) for layer in model.layers)]


def _describe(layer: keras.Layer) -> dict[str, Any]:
    inner = getattr(layer, "forward_layer", layer)
    is_ours = type(inner) is not keras.layers.RNN  # which runs a cell of others
    cell = type(inner if is_ours else inner.cell).__name__
    kind = type(layer).__name__ if inner is not layer else cell
    return {
        "name": layer.name,
        "kind": kind if inner is layer else f"{kind} {cell}",
        "cell": cell if cell in RECURRENT or not is_ours else "",
        "facts": _facts(cell, inner.get_config()),
        "shape": list(layer.output.shape[1:]),
        "parameters": layer.count_params(),
    }


def _facts(kind: str, config: Mapping[str, Any]) -> str:
    if kind in ("Embedding", "BigramEmbedding"):
        masked = "padding is masked" if config["mask_zero"] else "padding is not masked"
        pairs = f", {config['bigrams']:,} pairs" if "bigrams" in config else ""
        return f"{config['input_dim']:,} words{pairs}; {masked}"
    if "rate" in config:
        if not config["rate"]:
            return "off (rate 0)"
        units = " of the channels" if kind == "SpatialDropout1D" else " of whole words" if config["noise_shape"] else ""
        return f"drops {config['rate']:.0%}{units} during training"
    if "return_sequences" in config:
        returned = "returns every step" if config["return_sequences"] else "returns its last state"
        return returned + ("; relu activation" if config.get("activation") == "relu" else "")
    return f"{config['activation']} activation" if kind == "Dense" else ""
