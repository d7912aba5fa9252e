"""Reads numeric series with columns beside them, and splits each in time."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rnnlab.data.csv_rows import read_cells
from rnnlab.data.numbers import is_gap
from rnnlab.data.series_columns import Column
from rnnlab.data.times import Times
from rnnlab.project.errors import UserError
from rnnlab.project.results import NOTHING
from rnnlab.project.sections.data import Data
from rnnlab.project.tasks import COVARIATE, is_known_ahead

MOST_AHEAD = 100_000  # rows after the last value; no horizon is longer
MOST_SERIES = 10_000  # of a file

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),  # in the CSV, counted from 1: a time step
        ("series", pa.string()),  # its name; "" without data.series_column
        ("value", pa.float64()),
        ("split", pa.string()),
        ("filled", pa.bool_()),  # whether the value is an earlier one, for want of its own
    ]
)


class Series(NamedTuple):
    """A series, one row per time step.

    Attributes:
        values: finite, float64 of shape (rows,).
        filled: whether a value is an earlier one, for want of its own; bool of shape (rows,).
        covariates: the columns beside it by name, float64 or text, of shape (rows,).
        first: the row of the first value in the file, counted from 1.
        early: the rows before that one, which have no value to carry forward.
        gaps: how many cells were filled, by column, of those that have any.
        future: what is known ahead of the covariates by name, of the rows after the last value.
        longest_gap: cells without a value that follow each other, the most in any column.
    """

    values: npt.NDArray[np.float64]
    filled: npt.NDArray[np.bool_]
    covariates: Mapping[str, pa.Array] = NOTHING
    first: int = 1
    early: int = 0
    gaps: Mapping[str, int] = NOTHING
    future: Mapping[str, pa.Array] = NOTHING
    longest_gap: int = 0


class _Reader:
    """The rows of one series, as they come."""

    def __init__(self, told: str, options: Data, first: int) -> None:
        """Expects the rows of a series from a row of the file on; ``told`` says which series of which file it is."""
        wanted = [("data.value_column", options.value_column)]
        wanted += [(f"data.covariates.{number}", name) for number, name in enumerate(options.covariates)]
        longest = 0 if options.missing == "refuse" else options.max_gap
        self._columns = [Column(told, place, name, key, longest) for place, (key, name) in enumerate(wanted)]
        self._times = Times(told, options.time_column) if options.time_column else None
        self._told, self._options, self._first, self._row = told, options, first, first - 1
        self._pending = list[tuple[int, list[str]]]()  # rows that are of the future, unless a value follows

    def add(self, row: int, cells: list[str]) -> None:
        """Takes the cells of the next row: the value, the covariates and the time, in this order."""
        self._row = row
        if self._times:
            self._times.check(row, cells[len(self._columns)])
        self._pending.append((row, cells))
        if not self._options.known_ahead or not is_gap(cells[0]) or len(self._pending) > MOST_AHEAD:
            self._take(self._columns)

    def _take(self, columns: Sequence[Column]) -> None:
        for row, cells in self._pending:
            for column in columns:
                column.add(row, cells[column.place])
        self._pending.clear()

    def series(self, calendar: bool) -> Series:
        """Joins the columns once all rows are taken; raises a `UserError` if one cannot be used."""
        self._take([column for column in self._columns if column.name in self._options.known_ahead])
        rows = self._row - self._first + 1
        for column in self._columns:
            column.check(rows, self._options.missing)
            if column.is_empty(len(self._columns[0].cells)):
                problem = f"column {column.name!r} has no value in any of {rows} rows; name another"
                raise UserError(f"{self._told}: {problem}")
        beside = self._times.calendar() if self._times and calendar else {}
        found = _joined(self._columns, beside, self._options.known_ahead)
        return found._replace(first=found.first + self._first - 1)


def read(source: Path, options: Data, *, calendar: bool = False) -> dict[str, Series]:
    """Reads series by name, one row per time step, from columns of a CSV or TSV, plain or gzipped.

    Without ``data.series_column`` there is one, whose name is "". The rows of a series are next to each other. Where
    ``data.missing`` is carry_forward, a gap takes the value before it, so that nothing is known before its time:
    interpolation would use the value after the gap, which may be one that is to be predicted. Rows before the first
    value of any column are left out. With ``calendar``, parts of the time are further covariates. Where something is
    known ahead, rows at the end that have no value are of the future, and not part of the series.

    Raises:
        UserError: the file cannot be read; times are not ascending in equal steps, or no dates; a row has text for
            a number, a number that float32 cannot hold, or no value where that is refused or has lasted for too long;
            or a series is in two places, or has no name.
    """
    wanted = {"data.value_column": options.value_column}
    wanted |= {f"data.covariates.{number}": name for number, name in enumerate(options.covariates)}
    wanted |= {"data.time_column": options.time_column} if options.time_column else {}
    wanted |= {"data.series_column": options.series_column} if options.series_column else {}
    found, reader, last = dict[str, Series](), None, ""
    for row, cells in read_cells(source, options, wanted, blank_lines=True):
        name = cells[-1].strip() if options.series_column else ""
        if reader is None or name != last:
            if reader:
                found[last] = reader.series(calendar)
            if options.series_column:
                _check_name(source, row, name, options.series_column, found)
            told, last = f"{source}, series {name!r}" if name else f"{source}", name
            reader = _Reader(told, options, row)
        reader.add(row, cells)
    reader = reader or _Reader(f"{source}", options, 1)
    return found | {last: reader.series(calendar)}


def _check_name(source: Path, row: int, name: str, column: str, found: Collection[str]) -> None:
    """Raises a `UserError` where a row begins a series that has no name, came up before, or is one too many."""
    if not name:
        raise UserError(f"{source}: row {row} has no value in column {column!r} (data.series_column)")
    if name in found:
        expected = "expected the rows of a series next to each other; sort the file by series, then by time"
        raise UserError(f"{source}: row {row} begins series {name!r} again; {expected}")
    if len(found) >= MOST_SERIES:
        problem = f"column {column!r} has more than {MOST_SERIES:,} different values up to row {row}"
        raise UserError(f"{source}: {problem}; name the column of the series' names in data.series_column")


def _joined(
    columns: list[Column], calendar: Mapping[str, npt.NDArray[np.float64]], known_ahead: Collection[str]
) -> Series:
    first = max(column.first_value() for column in columns)
    target, *others = columns
    beside = {column.name: column.arrow(first) for column in others}
    beside |= {name: pa.array(column[first:]) for name, column in calendar.items()}
    rows = len(target.cells) - first
    gaps = {column.name: int(np.isnan(column.cells[first:]).sum()) for column in columns}
    return Series(
        target.carried_forward(first),
        np.isnan(target.cells)[first:],
        {name: column.slice(0, rows) for name, column in beside.items()},
        first + 1,
        first,
        {name: count for name, count in gaps.items() if count},
        {name: column.slice(rows) for name, column in beside.items() if is_known_ahead(name, known_ahead)},
        max(column.longest for column in columns),
    )


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


def to_table(series: Series, parts: Mapping[str, slice], name: str = "") -> pa.Table:
    """Builds a table of `SCHEMA`, with a column for each covariate, from a series and the slice of each split.

    Values before the first split and after the last are left out.
    """
    length = len(series.values)
    splits = np.empty(length, object)
    for split, part in parts.items():
        splits[part] = split
    columns = {
        "row": np.arange(series.first, series.first + length),
        "series": np.full(length, name, object),
        "value": series.values,
        "split": splits,
        "filled": series.filled,
    }
    table = pa.table(columns, schema=SCHEMA)
    for column_name, column in series.covariates.items():
        table = table.append_column(f"{COVARIATE}{column_name}", column)
    first, end = min(part.start for part in parts.values()), max(part.stop for part in parts.values())
    return table.slice(first, end - first)
