"""The windows of a series from which the next value is predicted, and their scaling."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rnnlab.features.arrays import Windows
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json, write_json

SCALER = "scaler.json"


class Scaler(NamedTuple):
    """Mean and standard deviation of the training values, in the unit of the series."""

    mean: float
    scale: float

    def apply(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Standardises values of any shape."""
        return (values - self.mean) / self.scale

    def undo(self, scaled: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """Gives standardised values their unit back."""
        return scaled.astype(np.float64) * self.scale + self.mean


def fit_scaler(values: npt.NDArray[np.float64]) -> Scaler:
    """Fits the standardisation.

    Args:
        values: of the training split alone, float64 of shape (rows,).

    Raises:
        UserError: there are none, or they are all the same.
    """
    if len(np.unique(values)) < 2:
        found = (
            f"all {len(values)} training values are {values[0]:g}" if len(values) else "there are no training values"
        )
        raise UserError(f"{found}: a constant cannot be standardised or learned from; check data.value_column")
    return Scaler(float(values.mean()), float(values.std()))


def slide(
    values: npt.NDArray[np.float64], window: int, split: str
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Slides a window over one split; each predicts the value that follows it.

    Windows lie wholly inside their split, inputs and targets alike, so that no value is in two splits: validation and
    test lose their first ``window`` targets to that.

    Args:
        values: standardised values of the split, float64 of shape (n,).
        window: time steps that the model sees.
        split: its name, for the message.

    Returns:
        Inputs, float32 of shape (n - window, window), and targets, float32 of shape (n - window,).

    Raises:
        UserError: the split has no room for two windows; of one prediction R² says nothing.
    """
    needed = window + 2
    if len(values) < needed:
        raise UserError(
            f"series.window is {window} and needs {needed} rows in each split, but the {split} split has {len(values)};"
            " lower series.window, add rows, or change split.test_fraction or split.validation_fraction"
        )
    inputs = np.lib.stride_tricks.sliding_window_view(values, window)[:-1]
    return inputs.astype(np.float32), values[window:].astype(np.float32)


def featurise(table: pa.Table, split: str, scaler: Scaler, window: int) -> Windows:
    """Standardises the rows of one split and cuts them into windows.

    Args:
        table: columns of `SCHEMA`, in the order of time.
        split: one of `rnnlab.features.clean_rows.SPLITS`.
        scaler: fitted on the training rows.
        window: time steps that the model sees.

    Raises:
        UserError: the window does not fit into the split.
    """
    values, rows = split_values(table, split)
    return Windows(*slide(scaler.apply(values), window, split), rows[window:])


def split_values(table: pa.Table, split: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Picks the values of one split, float64, and their row numbers, int64, both of shape (rows,)."""
    chosen = table["split"].to_numpy() == split
    return table["value"].to_numpy()[chosen], table["row"].to_numpy()[chosen]


def save_scaler(folder: Path, scaler: Scaler) -> None:
    """Writes the scaler beside the arrays of the training split; the numbers come back to the last bit."""
    write_json(folder / SCALER, scaler._asdict())


def load_scaler(folder: Path) -> Scaler:
    """Reads what `save_scaler` wrote.

    Raises:
        UserError: the file is missing, cut short or of something else.
    """
    values = read_json(folder / SCALER)
    try:
        return Scaler(float(values["mean"]), float(values["scale"]))
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{folder / SCALER}: not a mean and a scale; remove it and run `dvc repro`") from None
