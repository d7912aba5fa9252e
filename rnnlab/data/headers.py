"""The shape of a table that a person hands in: a header with the columns asked for, and rows that fit it."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from rnnlab.project.errors import UserError

SHOWN = 20  # column names in a message

Records = Iterator[tuple[int, list[str]]]  # cells, each row with its number


def take_header(source: Path, records: Records) -> list[str]:
    """Takes the first record; raises a `UserError` if there is none."""
    _, header = next(records, (0, None))
    if header is None:
        raise UserError(f"{source}: the file is empty; expected a header and rows below it")
    return header


def number_columns(source: Path, records: Records) -> tuple[list[str], Records]:
    """Names the columns of records without a header: column_1, column_2, …; returns these names, and all records.

    Raises:
        UserError: there are no records.
    """
    first = next(records, None)
    if first is None:
        raise UserError(f"{source}: the file is empty; expected one row or more")
    return [f"column_{number}" for number, _ in enumerate(first[1], start=1)], chain([first], records)


def find_column(source: Path, header: Sequence[str], name: str, advice: str) -> int:
    """Returns the index of a column; raises a `UserError` with ``advice`` if there is none, or more than one."""
    if header.count(name) != 1:
        problem = "no column" if name not in header else "more than one column"
        raise UserError(f"{source}: {problem} {name!r}; its columns are: {', '.join(header[:SHOWN])}; {advice}")
    return header.index(name)


def rows_below(
    source: Path, header: Sequence[str], records: Records, unit: str, advice: str = "", top: str = "the header"
) -> Records:
    """Passes on the rows below a header; blank ones are empty lists, and ``unit`` says what their numbers count.

    ``top`` names what has as many cells as each row should.

    Raises:
        UserError: a row has more or fewer cells than the header, ends with ``advice``; or there are no rows.
    """
    is_empty = True
    for number, record in records:
        if record and len(record) != len(header):
            problem = f"{unit} {number} has {len(record)} cells where {top} has {len(header)}"
            raise UserError(f"{source}: {problem}; quote cells that hold the delimiter{advice}")
        is_empty = False
        yield number, record
    if is_empty:
        raise UserError(f"{source}: only a header, no rows; expected one row or more below it")


def not_well_formed(source: Path, row: str, problem: Exception) -> UserError:
    """Returns the complaint about a row that is not CSV."""
    advice = "look there for an unclosed quote, and double the quotes inside a cell"
    return UserError(f"{source}: {row} is not well-formed ({problem}); {advice}")
