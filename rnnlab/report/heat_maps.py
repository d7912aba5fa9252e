"""States and gates as heat maps: pictures with a pixel per unit and word, which a page enlarges above the words."""

import base64
import io
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import image

from rnnlab.evaluation.states import States
from rnnlab.project import layout
from rnnlab.project.dataframes import read_table

TITLES = {
    "hidden": "hidden state h",
    "cell": "cell state c",
    "forget": "forget gate f",
    "input": "input gate i",
    "update": "update gate z",
    "reset": "reset gate r",
}
GATES = ("forget", "input", "update", "reset")  # from 0 to 1; the others are on both sides of 0
BAR_STEPS = 64


class Picture(NamedTuple):
    """One quantity: a PNG as a data URI, and its colour bar with the values at its ends."""

    title: str
    source: str
    label: str
    bar: str
    low: str
    high: str


class HeatMap(NamedTuple):
    """How the units of one network react to the words of a text."""

    words: Sequence[str]
    pictures: Sequence[Picture]


def read() -> dict[str, dict[str, HeatMap]]:
    """Reads what the evaluate stage found of the traced texts; returns heat maps by text and model."""
    # A word may be "null", an id look like a number; and a network with fewer units than another has empty cells.
    options = {"dtype": {"text_id": str, "word": str}, "keep_default_na": False}
    table = read_table(layout.EXPLANATIONS / "states.csv", **options)
    units = table.columns[table.columns.str.startswith("unit_")]
    table[units] = table[units].apply(pd.to_numeric, errors="coerce")
    found: dict[str, dict[str, HeatMap]] = {}
    for (text_id, model), rows in table.groupby(["text_id", "model"], sort=False):
        by_name = {name: part.dropna(axis="columns") for name, part in rows.groupby("quantity", sort=False)}
        values = {name: part.filter(like="unit_").to_numpy(np.float32) for name, part in by_name.items()}
        found.setdefault(text_id, {})[model] = draw(States(by_name["hidden"]["word"].tolist(), values))
    return found


def draw(states: States) -> HeatMap:
    """Draws every quantity, the units from the highest to the lowest hidden state after the last word."""
    order = np.argsort(-states.values["hidden"][-1], kind="stable")
    pictures = [_picture(name, values[:, order].T) for name, values in states.values.items()]
    return HeatMap(states.words, pictures)


def _picture(name: str, values: npt.NDArray[np.float32]) -> Picture:
    """Draws values of shape (units, words); cell states and ReLU can leave [-1, 1] and then set the scale."""
    gate = name in GATES
    high = 1.0 if gate else max(1.0, float(np.abs(values).max()))
    low, colours = (0.0, "viridis") if gate else (-high, "RdBu")
    units, words = values.shape
    label = f"{TITLES[name]} of {units} units, in rows, after each of {words} words, in columns"
    bar = np.linspace(low, high, BAR_STEPS, dtype=np.float32)[None]
    ends = (f"{end:.3g}".replace("-", "−") for end in (low, high))
    return Picture(TITLES[name], _png(values, low, high, colours), label, _png(bar, low, high, colours), *ends)


def _png(values: npt.NDArray[np.float32], low: float, high: float, colours: str) -> str:
    """Colours each value; without pyplot, whose state threads would share."""
    pixels = matplotlib.colormaps[colours]((values - low) / (high - low), bytes=True)
    buffer = io.BytesIO()
    image.imsave(buffer, pixels, format="png", metadata={"Software": None})
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
