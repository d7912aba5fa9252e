"""A numeric series: its values, their splits in time, and the windows from which the next value is predicted."""

import math
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rnnlab.csv_rows import read_cells
from rnnlab.errors import UserError
from rnnlab.features import Windows
from rnnlab.files import read_json, write_json
from rnnlab.params import Data

GAPS = ("", "nan", "na", "n/a", "null", "none")  # how files write that a value is missing
LARGEST = float(np.finfo(np.float32).max)  # the networks compute in float32
SCALER = "scaler.json"

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),  # in the CSV, from 1; a time step
        ("value", pa.float64()),
        ("split", pa.string()),
    ]
)


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


def read_values(source: Path, options: Data) -> npt.NDArray[np.float64]:
    """Reads the series from one column of a CSV or TSV, plain or gzipped.

    Args:
        source: the file, one row a time step.
        options: the column's name, delimiter and encoding.

    Returns:
        Finite values in the order of the file, float64 of shape (rows,).

    Raises:
        UserError: the file cannot be read, or a row has no value, text, or a number beyond float32.
    """
    column = options.value_column
    values, gaps, first_gap, beyond = array("d"), 0, 0, ""
    for row, (cell,) in read_cells(source, options, {"data.value_column": column}, blank_lines=True):
        number = _number(cell)
        if number is None:
            expected = "a number such as -1.5 (see data.value_column, data.delimiter)"
            raise UserError(f"{source}: row {row} has {cell[:40]!r} in column {column!r}; expected {expected}")
        if math.isnan(number):
            gaps, first_gap = gaps + 1, first_gap or row
        elif abs(number) > LARGEST and not beyond:
            beyond = f"row {row} has {cell[:40]!r} in column {column!r}"
        if not gaps:  # a file of blank lines would be a thousand times as large in memory as it was packed
            values.append(number)
    if gaps:
        problem = f"{gaps} of {row} rows have no value in column {column!r}, first row {first_gap}"
        raise UserError(f"{source}: {problem}; expected a number at every time step: fill the gaps or cut them off")
    if beyond:
        raise UserError(f"{source}: {beyond}; expected finite numbers of at most {LARGEST:.1e} in size")
    return np.array(values, np.float64)


def _number(cell: str) -> float | None:
    """Reads one cell: NaN for a gap, None for text."""
    written = cell.strip()
    if written.lower() in GAPS:
        return math.nan
    try:
        return None if "_" in written else float(written)  # Python alone reads 1_000 as a number
    except ValueError:
        return None


def split_series(length: int, test_fraction: float, validation_fraction: float) -> dict[str, slice]:
    """Cuts a series in the order of time: training first, then validation, then test.

    Args:
        length: rows of the series.
        test_fraction: of all rows.
        validation_fraction: of the rows that are not test.

    Returns:
        Places from 0 by split; together they are the whole series, and a split may be empty.
    """
    test = length - round(length * test_fraction)
    validation = test - round(test * validation_fraction)
    return {"train": slice(0, validation), "validation": slice(validation, test), "test": slice(test, length)}


def to_table(values: npt.NDArray[np.float64], parts: Mapping[str, slice]) -> pa.Table:
    """Joins values, float64 of shape (rows,), with their row numbers and splits to a table of `SCHEMA`."""
    splits = np.empty(len(values), object)
    for name, part in parts.items():
        splits[part] = name
    return pa.table({"row": np.arange(1, len(values) + 1), "value": values, "split": splits}, schema=SCHEMA)


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


def windows(
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
        split: one of `rnnlab.reviews.SPLITS`.
        scaler: fitted on the training rows.
        window: time steps that the model sees.

    Raises:
        UserError: the window does not fit into the split.
    """
    values, rows = split_values(table, split)
    return Windows(*windows(scaler.apply(values), window, split), rows[window:])


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
