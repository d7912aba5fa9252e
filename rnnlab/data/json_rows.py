"""Reads rows of JSON lines, plain or gzipped, in bounded memory: one object a line, whose keys are the columns."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rnnlab.data import headers
from rnnlab.data.csv_files import ROW_CHARACTERS, bounded_lines
from rnnlab.data.csv_rows import Rows, decoded, in_batches, opened, wanted_columns
from rnnlab.project.errors import UserError, first_line
from rnnlab.project.sections.data import Data

MOST_BRACKETS = 100_000  # that open in a line: Python takes a hundred bytes for what "{}," says in three


def read_rows(source: Path, data: Data, split_column: str | None, slices: Sequence[str] = ()) -> Iterator[Rows]:
    """Reads labelled texts from the columns that ``data`` names, as `rnnlab.data.csv_rows.read_rows` does."""
    return in_batches(_cells(source, data, wanted_columns(data, split_column), slices), split_column, slices)


def _cells(source: Path, data: Data, wanted: Mapping[str, str], optional: Sequence[str]) -> headers.Records:
    """Yields each row's number and cells; a column that a row below the first lacks is blank.

    Raises:
        UserError: a row is no object or has a list or an object in one of these columns; or there are no rows.
    """
    names = (*wanted.values(), *optional)
    number = 0
    for number, row in read_objects(source, data):
        if number == 1:
            for key, name in wanted.items():
                headers.find_column(source, list(row), name, f"set {key}")
        yield number, [cell(source, number, name, row.get(name)) for name in names]
    if not number:
        raise UserError(f"{source}: the file is empty; expected one JSON object on each line")


def read_objects(source: Path, data: Data) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields the object of each line that is not blank, with the number of its row, counted from 1.

    Raises:
        UserError: the file cannot be read, or a row is no object.
    """
    number = 0
    with opened(source, data.model_copy(update={"header": False})) as stream:  # so that messages count from 1
        for line in bounded_lines(decoded(stream, data)):
            if line.strip():
                number += 1
                yield number, _object(source, number, line)


def _object(source: Path, number: int, line: str) -> dict[str, Any]:
    if len(line) > ROW_CHARACTERS:
        raise UserError(f"{source}: row {number} has more than {ROW_CHARACTERS:,} characters; shorten it")
    if sum(map(line.count, "[{")) > MOST_BRACKETS:
        raise UserError(f"{source}: row {number} holds more than {MOST_BRACKETS:,} lists or objects; drop them")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as problem:
        advice = 'expected JSON lines, one object on each line, such as {"text": …, "label": …}'
        raise UserError(f"{source}: row {number} is not JSON ({first_line(problem)}); {advice}") from None
    if not isinstance(row, dict):
        raise UserError(f'{source}: row {number} is not a JSON object; expected one such as {{"text": …}} on each line')
    return row


def cell(source: Path, number: int, name: str, value: Any) -> str:
    """Writes a value as a CSV would hold it: null is "", and numbers, true and false are as JSON writes them.

    Raises:
        UserError: it is a list or an object.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # JSON can spell half a surrogate pair
    if isinstance(value, dict | list):
        kind = "a list" if isinstance(value, list) else "an object"
        raise UserError(f"{source}: row {number} holds {kind} in column {name!r}; expected text, or numbers for labels")
    return "" if value is None else json.dumps(value)
