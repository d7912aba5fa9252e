"""The shape of a table that a person hands in: a header with the columns asked for, and rows that fit it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rnnlab.project.errors import UserError

SHOWN = 20  # column names in a message

Records = Iterator[tuple[int, list[str]]]  # cells, each row with its number


def take_header(source: Path, records: Records) -> list[str]:
    """Takes the first record.

    Raises:
        UserError: there is none.
    """
    _, header = next(records, (0, None))
    if header is None:
        raise UserError(f"{source}: the file is empty; expected a header and rows below it")
    return header


def find_column(source: Path, header: Sequence[str], name: str, advice: str) -> int:
    """Returns the index of a column.

    Raises:
        UserError: there is no such column, or more than one; ends with ``advice``.
    """
    if header.count(name) != 1:
        problem = "no column" if name not in header else "more than one column"
        raise UserError(f"{source}: {problem} {name!r}; its columns are: {', '.join(header[:SHOWN])}; {advice}")
    return header.index(name)


def rows_below(source: Path, header: Sequence[str], records: Records, unit: str, advice: str = "") -> Records:
    """Passes on the rows below a header; blank ones are empty lists.

    Args:
        source: the file.
        header: from `take_header`.
        records: the rest of the file.
        unit: what the numbers count, rows or lines.
        advice: added where a row does not fit the header.

    Raises:
        UserError: a row has more or fewer cells than the header; or there are no rows.
    """
    is_empty = True
    for number, record in records:
        if record and len(record) != len(header):
            problem = f"{unit} {number} has {len(record)} cells where the header has {len(header)}"
            raise UserError(f"{source}: {problem}; quote cells that hold the delimiter{advice}")
        is_empty = False
        yield number, record
    if is_empty:
        raise UserError(f"{source}: only a header, no rows; expected one row or more below it")


def not_well_formed(source: Path, row: str, problem: Exception) -> UserError:
    """Returns the complaint about a row that is not CSV."""
    advice = "look there for an unclosed quote, and double the quotes inside a cell"
    return UserError(f"{source}: {row} is not well-formed ({problem}); {advice}")
