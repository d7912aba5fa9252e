"""Reads labelled sequences of numbers from files with a row per step."""

import math
from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rnnlab.data import sources
from rnnlab.data.csv_rows import read_cells, read_first
from rnnlab.data.numbers import LARGEST, parse_number
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.sections.data import Data


class Columns(NamedTuple):
    """The names of columns, by what is read from them; all are there but those of slices."""

    channels: tuple[str, ...]
    labels: dict[str, str]  # what each sequence has one of, by the parameter that names its column
    slices: tuple[str, ...]


class Found(NamedTuple):
    """One sequence as it stands in its file."""

    file: Path
    row: int  # of its first step
    name: str
    values: npt.NDArray[np.float64]  # of shape (steps, channels)
    facts: dict[str, str]  # what it has one of, by column
    rise: float  # the smallest from one step to the next; 1 for a single step


class Step(NamedTuple):
    """One row of a file."""

    row: int
    name: str  # of its sequence
    position: float
    facts: dict[str, str]  # what its sequence has one of, by column
    values: list[float]  # of the channels


def find_columns(source: Path, settings: Params) -> Columns:
    """Finds the columns to read; channels that are not named are those with a number in the first row.

    Raises:
        UserError: there is no such column, or one has two tasks.
    """
    _check_format(source)
    data, split = settings.data, settings.split
    labels = {"data.label_column": data.label_column}
    labels |= {"split.column": split.column} if split.method == "column" else {}
    labels |= {"split.group_column": split.group_column} if split.group_column else {}
    order = {"data.step_column": data.step_column} if data.step_column else {}
    named = {"data.sequence_column": data.sequence_column, **order, **labels}
    first = read_first(source, data)
    others = [name for name in first if name not in (*named.values(), *settings.evaluate.slices)]
    channels = data.channels or tuple(name for name in others if parse_number(first[name]) is not None)
    if not channels:
        raise UserError(f"{source}: no column begins with a number; name the columns of numbers in data.channels")
    for key, name in named.items():
        if name in channels:
            raise UserError(f"data.channels: {name!r} is the column of {key}; a network would read its own answer")
    slices = tuple(name for name in settings.evaluate.slices if name not in labels.values())
    return Columns(channels, labels, slices)


def read_sequences(files: Sequence[Path], data: Data, columns: Columns) -> Iterator[Found]:
    """Reads sequences one after the other.

    Raises:
        UserError: a value is no finite number, a sequence has no step, steps that do not rise, two places in the
            files, or two labels (or splits, groups, or values of a slice); names the file and row.
    """
    ended: dict[str, str] = {}
    for source in files:
        _check_format(source)
        for name, steps in groupby(_read_steps(source, data, columns), key=lambda step: step.name):
            found, last = _join(source, steps)
            if name in ended:
                problem = f"row {found.row} begins sequence {name!r} again, which ended in {ended[name]}"
                raise UserError(f"{source}: {problem}; put its rows next to each other, or give one another name")
            ended[name] = f"row {last}" + (f" of {source.name}" if len(files) > 1 else "")
            yield found


def _check_format(source: Path) -> None:
    if sources.suffix(source) in (".parquet", *sources.JSON_LINES):
        raise UserError(f"{source}: sequences are read from a CSV or TSV; save it as one")


def _join(source: Path, steps: Iterator[Step]) -> tuple[Found, int]:
    """Returns the sequence of these steps, and the row of the last of them."""
    first = last = next(steps)
    values, rise = array("d", first.values), math.inf
    for step in steps:
        for column, value in step.facts.items():
            if value != first.facts[column]:
                problem = f"has {first.facts[column]!r} and, in row {step.row}, {value!r} in column {column!r}"
                raise UserError(f"{source}: sequence {step.name!r} {problem}; expected the same in all its rows")
        if step.position <= last.position:
            problem = f"row {step.row} of sequence {step.name!r} has step {step.position:g} after {last.position:g}"
            advice = "sort its rows, or set data.step_column to null if they are in order"
            raise UserError(f"{source}: {problem}; expected steps that rise; {advice}")
        values.extend(step.values)
        last, rise = step, min(rise, step.position - last.position)
    shaped = np.array(values, np.float64).reshape(-1, len(first.values))
    return Found(source, first.row, first.name, shaped, first.facts, rise if len(shaped) > 1 else 1.0), last.row


def _read_steps(source: Path, data: Data, columns: Columns) -> Iterator[Step]:
    wanted = {"data.sequence_column": data.sequence_column}
    wanted |= {"data.step_column": data.step_column} if data.step_column else {}
    wanted |= {f"data.channels[{number}]": name for number, name in enumerate(columns.channels)}
    wanted |= columns.labels
    several = columns.labels.values()
    for row, (name, *cells) in read_cells(source, data, wanted, columns.slices):
        if not name.strip():
            raise UserError(f"{source}: row {row} has no value in column {data.sequence_column!r}; name its sequence")
        position = float(row)
        if data.step_column:
            position = _parse(source, row, data.step_column, cells.pop(0), "data.step_column")
        numbers, told = cells[: len(columns.channels)], cells[len(columns.channels) :]
        if not any(map(str.strip, numbers)):
            problem = f"row {row} of sequence {name!r} has no value in any of the channels"
            raise UserError(f"{source}: {problem}; expected a step of numbers; a sequence without steps cannot be read")
        values = [
            _parse(source, row, channel, cell, "data.channels")
            for channel, cell in zip(columns.channels, numbers, strict=True)
        ]
        facts = {key: cell.strip() for key, cell in zip((*several, *columns.slices), told, strict=True)}
        yield Step(row, name.strip(), position, facts, values)


def _parse(source: Path, row: int, column: str, cell: str, key: str) -> float:
    number = parse_number(cell)
    if number is not None and math.isnan(number):
        advice = f"fill the gap, or leave the column out of {key}"
        raise UserError(f"{source}: row {row} has no value in column {column!r}, but {cell[:40]!r}; {advice}")
    if number is None or abs(number) > LARGEST:
        expected = f"a finite number such as -1.5 (see {key}, data.delimiter)"
        raise UserError(f"{source}: row {row} has {cell[:40]!r} in column {column!r}; expected {expected}")
    return number
