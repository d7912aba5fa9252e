"""Reads a numeric series and splits it in time."""

import math
from array import array
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rnnlab.data.csv_rows import read_cells
from rnnlab.project.errors import UserError
from rnnlab.project.params import Data

GAPS = ("", "nan", "na", "n/a", "null", "none")  # how files mark a missing value
LARGEST = float(np.finfo(np.float32).max)  # the networks compute in float32

# The row is that in the CSV, counted from 1: a time step.
SCHEMA = pa.schema([("row", pa.int64()), ("value", pa.float64()), ("split", pa.string())])


def read_values(source: Path, options: Data) -> npt.NDArray[np.float64]:
    """Reads the series, one row per time step, from one column of a CSV or TSV, plain or gzipped.

    Returns:
        Finite values in the order of the file, float64 of shape (rows,).

    Raises:
        UserError: the file cannot be read, or a row has no value, a text, or a number that float32 cannot hold.
    """
    column = options.value_column
    values, gaps, first_gap, too_large = array("d"), 0, 0, ""
    for row, (cell,) in read_cells(source, options, {"data.value_column": column}, blank_lines=True):
        number = parse_number(cell)
        if number is None:
            expected = "a number such as -1.5 (see data.value_column, data.delimiter)"
            raise UserError(f"{source}: row {row} has {cell[:40]!r} in column {column!r}; expected {expected}")
        if math.isnan(number):
            gaps, first_gap = gaps + 1, first_gap or row
        elif abs(number) > LARGEST and not too_large:
            too_large = f"row {row} has {cell[:40]!r} in column {column!r}"
        if not gaps:  # a compressed file of blank lines would take a thousand times its size in memory
            values.append(number)
    if gaps:
        problem = f"{gaps} of {row} rows have no value in column {column!r}, first row {first_gap}"
        raise UserError(f"{source}: {problem}; expected a number at every time step; fill the gaps or cut them off")
    if too_large:
        raise UserError(f"{source}: {too_large}; expected finite numbers of magnitude at most {LARGEST:.1e}")
    return np.array(values, np.float64)


def parse_number(cell: str) -> float | None:
    """Parses one cell; returns NaN for a gap and None for text."""
    stripped = cell.strip()
    if stripped.lower() in GAPS:
        return math.nan
    try:
        return None if "_" in stripped else float(stripped)  # only Python takes 1_000 for a number
    except ValueError:
        return None


def split_series(
    length: int, test_fraction: float, validation_fraction: float, train_share: float = 1.0
) -> dict[str, slice]:
    """Cuts a series in time: first training, then validation, then test; a split may be empty.

    Args:
        length: number of rows.
        test_fraction: of all rows.
        validation_fraction: of the rows that are not test.
        train_share: of the training rows, those right before the validation rows; earlier ones are in no split.
    """
    test = length - round(length * test_fraction)
    validation = test - round(test * validation_fraction)
    train = validation - round(validation * train_share)
    return {"train": slice(train, validation), "validation": slice(validation, test), "test": slice(test, length)}


def to_table(values: npt.NDArray[np.float64], parts: Mapping[str, slice]) -> pa.Table:
    """Builds a table of `SCHEMA` from values, float64 of shape (rows,), and the slice of each split.

    Values before the first split are left out.
    """
    splits = np.empty(len(values), object)
    for name, part in parts.items():
        splits[part] = name
    table = pa.table({"row": np.arange(1, len(values) + 1), "value": values, "split": splits}, schema=SCHEMA)
    return table.slice(min(part.start for part in parts.values()))
