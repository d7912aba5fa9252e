"""Windows of a series, from which the next value is predicted, and their scaling."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rnnlab.features.arrays import Windows
from rnnlab.project.errors import UserError
from rnnlab.project.files import write_json


class Scaler(NamedTuple):
    """Mean and standard deviation of the training values, in the unit of the series."""

    mean: float
    scale: float

    def apply(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Standardises values of any shape."""
        return (values - self.mean) / self.scale

    def undo(self, scaled: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """Converts standardised values back to the unit of the series."""
        return scaled.astype(np.float64) * self.scale + self.mean


def fit_scaler(values: npt.NDArray[np.float64]) -> Scaler:
    """Fits the standardisation to the training values alone, float64 of shape (rows,).

    Raises:
        UserError: there are no values, or they are all equal.
    """
    if len(np.unique(values)) < 2:
        number = len(values)
        problem = f"all {number} training values are {values[0]:g}" if number else "there are no training values"
        raise UserError(f"{problem}: a constant cannot be standardised or learned from; check data.value_column")
    return Scaler(float(values.mean()), float(values.std()))


def slide(
    values: npt.NDArray[np.float64], window: int, split: str
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Cuts the standardised values of one split, float64 of shape (n,), into windows that predict the value after them.

    Inputs and targets are from the same split, so that no value is in two splits. Validation and test therefore have
    no targets for their first ``window`` values.

    Returns:
        Inputs, float32 of shape (n - window, window), and targets, float32 of shape (n - window,).

    Raises:
        UserError: the split is too short for two windows, the minimum for R².
    """
    if len(values) < window + 2:
        problem = f"needs {window + 2} rows in each split, but the {split} split has {len(values)}"
        shares = "split.test_fraction, split.validation_fraction or split.train_share"
        raise UserError(f"series.window is {window} and {problem}; lower series.window, add rows, or change {shares}")
    inputs = np.lib.stride_tricks.sliding_window_view(values, window)[:-1]
    return inputs.astype(np.float32), values[window:].astype(np.float32)


def featurise(table: pa.Table, split: str, scaler: Scaler, window: int) -> Windows:
    """Standardises one split of a table of `rnnlab.data.series.SCHEMA` and cuts it into windows, as `slide` does."""
    values, rows = split_values(table, split)
    return Windows(*slide(scaler.apply(values), window, split), rows[window:])


def split_values(table: pa.Table, split: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Returns the values of one split, float64, and their row numbers, int64, both of shape (rows,)."""
    mask = table["split"].to_numpy() == split
    return table["value"].to_numpy()[mask], table["row"].to_numpy()[mask]


def save_scaler(folder: Path, scaler: Scaler) -> None:
    """Writes the scaler next to the arrays of the training split; its numbers are read back exactly."""
    write_json(folder / "scaler.json", scaler._asdict())
