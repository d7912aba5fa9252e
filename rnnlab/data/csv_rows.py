"""Reads rows of a CSV or TSV, plain or gzipped, in bounded memory."""

import codecs
import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, cast

from rnnlab.data import headers
from rnnlab.data.csv_files import bounded_lines, open_csv, parse
from rnnlab.project.errors import UserError
from rnnlab.project.sections.data import Data

BATCH_ROWS = 4096
BATCH_CHARACTERS = 8 << 20
MISREAD = ", or set data.delimiter"
SAMPLES = "data/sample/reviews.csv or data/sample/series.csv"


class Rows(NamedTuple):
    """A batch of rows; row 1 is the first below the header, or of the file if it has none."""

    numbers: list[int]
    texts: list[str]
    labels: list[str]
    splits: list[str]
    slices: list[list[str]]  # of each row, the cells by which results are split; empty if they are not


def read_rows(source: Path, data: Data, split_column: str | None, slices: Sequence[str] = ()) -> Iterator[Rows]:
    """Reads labelled texts from the columns that ``data`` names, as `read_cells` and `in_batches` do."""
    return in_batches(read_cells(source, data, wanted_columns(data, split_column), slices), split_column, slices)


def in_batches(cells: headers.Records, split_column: str | None, slices: Sequence[str]) -> Iterator[Rows]:
    """Gathers rows, each with its number and the cells of `wanted_columns` and ``slices``.

    Yields:
        Batches of at most `BATCH_ROWS` rows and about `BATCH_CHARACTERS` characters; ``splits`` holds "" without
        a split column, ``slices`` holds "" for a column that the file lacks.
    """
    rows, characters = Rows([], [], [], [], []), 0
    for number, (text, label, *others) in cells:
        rows.numbers.append(number)
        rows.texts.append(text)
        rows.labels.append(label)
        characters += len(text) + len(label) + sum(map(len, others))
        rows.splits.append(others.pop(0) if split_column else "")
        if slices:
            rows.slices.append(others)
        if len(rows.numbers) == BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield rows
            rows, characters = Rows([], [], [], [], []), 0
    if rows.numbers:
        yield rows


def wanted_columns(data: Data, split_column: str | None) -> dict[str, str]:
    """Returns the columns of labelled texts, by the parameter that sets them."""
    wanted = {"data.text_column": data.text_column, "data.label_column": data.label_column}
    return wanted if split_column is None else {**wanted, "split.column": split_column}


def read_first(source: Path, data: Data) -> dict[str, str]:
    """Reads the first row by column; raises as `read_cells` does."""
    header, records, top = _headed(source, read_records(source, data), data)
    _, cells = next(headers.rows_below(source, header, records, "row", MISREAD, top))
    return dict(zip(header, cells, strict=True))


def read_cells(
    source: Path, data: Data, wanted: Mapping[str, str], optional: Sequence[str] = (), blank_lines: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Reads some columns, row by row; decompresses ``.gz`` on the fly.

    Args:
        source: the file.
        data: delimiter and encoding, and whether there is a header.
        wanted: names of the columns by the parameter that sets them.
        optional: names of columns that the file may lack; then their cells are "".
        blank_lines: whether a blank line between two rows counts as a row of blank cells.

    Yields:
        The number of the row, 1 for the first below the header, or of a file without one, and its cells in the order
        of ``wanted`` and ``optional``.

    Raises:
        UserError: the file is missing, empty, cut short, not in this encoding or not well-formed.
    """
    yield from _pick(source, read_records(source, data, blank_lines), data, wanted, optional)


def read_records(source: Path, data: Data, blank_lines: bool = False) -> headers.Records:
    """Reads all cells of all records with their numbers, a header, if any, as number 0; see `read_cells`."""
    with opened(source, data) as stream:
        yield from _numbered(source, _parse(stream, data), data.header, blank_lines)


@contextmanager
def opened(source: Path, data: Data) -> Iterator[IO[bytes]]:
    """Opens a file that is read row by row; decompresses ``.gz`` on the fly.

    Raises:
        UserError: the file is missing, too large, cut short, or what reads it finds that it is not in its encoding.
    """
    if os.path.lexists(source) and not source.is_file() and not source.is_dir():
        raise UserError(f"{source}: not a regular file; set data.csv to a CSV")
    if not source.is_file():
        raise UserError(f"{source}: no such file; set data.csv to a CSV, or leave it at {SAMPLES}")
    try:
        with open_csv(source, data.max_megabytes) as (_, stream):
            yield stream
    except UnicodeError:  # reads again, and may find the file damaged after the wrong byte
        raise UserError(_undecodable(source, data)) from None


def decoded(stream: IO[bytes], data: Data, errors: str = "strict") -> io.TextIOWrapper:
    """Returns the characters of a stream, without the byte order mark; ends of lines stay as they are."""
    encoding = "utf-8-sig" if codecs.lookup(data.encoding).name == "utf-8" else data.encoding
    return io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")


def _parse(stream: IO[bytes], data: Data, errors: str = "strict", strict: bool = True) -> Iterator[list[str]]:
    delimiter = "\t" if data.delimiter == "tab" else data.delimiter
    return (record for _, record in parse(bounded_lines(decoded(stream, data, errors)), delimiter, strict))


def _numbered(source: Path, records: Iterator[list[str]], header: bool, blank_lines: bool) -> headers.Records:
    """Numbers records, the header 0, and names the row where the CSV is broken; a counted blank line is []."""
    number = first = 0 if header else 1
    blank = 0
    try:
        for record in records:
            if not record:
                blank += blank_lines and number > first
                continue
            yield from ((number + ahead, []) for ahead in range(blank))
            yield number + blank, record
            number, blank = number + blank + 1, 0
    except csv.Error as problem:
        raise headers.not_well_formed(source, f"row {number + blank}", problem) from None


def _pick(
    source: Path, records: headers.Records, data: Data, wanted: Mapping[str, str], optional: Sequence[str]
) -> headers.Records:
    header, records, top = _headed(source, records, data)
    columns: list[int | None] = [
        headers.find_column(source, header, name, f"set {key} (or data.delimiter)") for key, name in wanted.items()
    ]
    columns += [header.index(name) if name in header else None for name in optional]
    for number, record in headers.rows_below(source, header, records, "row", MISREAD, top):
        yield number, [record[column] if record and column is not None else "" for column in columns]


def _headed(source: Path, records: headers.Records, data: Data) -> tuple[list[str], headers.Records, str]:
    """Returns the names of columns, the records that they name, and what tells how many cells each should have."""
    if data.header:
        return headers.take_header(source, records), records, "the header"
    return *headers.number_columns(source, records), "the first row"


def _undecodable(source: Path, data: Data) -> str:
    """Names the row and byte that broke the decoder; runs only after a failure, so it may read again."""
    position = _first_bad_byte(source, data)
    try:
        with open_csv(source, data.max_megabytes) as (_, stream):
            records = enumerate(filter(None, _parse(stream, data, "surrogateescape", strict=False)), 1 - data.header)
            undecoded = (row for row, record in records if re.search("[\udc80-\udcff]", "".join(record)))
            row = str(next(undecoded, "?"))
    except (UnicodeError, csv.Error):  # UTF-16 cannot hold surrogates; or the CSV is broken, too
        row = "?"
    return f"{source}: row {row}, byte {position} is not {data.encoding}; set data.encoding (cp1252, latin-1, …)"


def _first_bad_byte(source: Path, data: Data) -> int:
    encoding = data.encoding
    # utf-8-sig would not count the three bytes of the byte order mark.
    decoder = codecs.getincrementaldecoder("utf-8" if codecs.lookup(encoding).name == "utf-8-sig" else encoding)()
    position = 0
    with open_csv(source, data.max_megabytes) as (_, stream):
        while True:
            block = cast(io.BufferedReader, stream).read1(1 << 16)  # returns what precedes the damage of a gzip file
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return position - pending + error.start
            except UnicodeError:  # UTF-16 without its byte order mark
                return 0
            if not block:
                return position
            position += len(block)
