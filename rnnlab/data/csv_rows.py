"""Rows of a CSV or TSV, plain or gzipped, in bounded memory."""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, NamedTuple, cast

from rnnlab.data.csv_files import bounded_lines, open_csv, parse
from rnnlab.project.errors import UserError
from rnnlab.project.params import Data

BATCH_ROWS = 4096
BATCH_CHARACTERS = 8 << 20
SAMPLES = "data/sample/reviews.csv or data/sample/series.csv"


class Rows(NamedTuple):
    """A batch of rows; row 1 is the first below the header."""

    numbers: list[int]
    texts: list[str]
    labels: list[str]
    splits: list[str]


def read_rows(source: Path, data: Data, split_column: str | None) -> Iterator[Rows]:
    """Reads labelled texts from the columns that ``data`` names.

    Args:
        source: the file; ``.gz`` is unpacked on the way.
        data: column names, delimiter and encoding.
        split_column: the column of the data's own split, or None.

    Yields:
        Batches of at most `BATCH_ROWS` rows and about `BATCH_CHARACTERS` characters; ``splits`` holds "" without
        a split column.

    Raises:
        UserError: as in `read_cells`.
    """
    wanted = wanted_columns(data, split_column)
    rows, characters = Rows([], [], [], []), 0
    for number, (text, label, *split) in read_cells(source, data, wanted):
        rows.numbers.append(number)
        rows.texts.append(text)
        rows.labels.append(label)
        rows.splits.append(split[0] if split else "")
        characters += len(text) + len(label) + sum(map(len, split))
        if len(rows.numbers) == BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield rows
            rows, characters = Rows([], [], [], []), 0
    if rows.numbers:
        yield rows


def wanted_columns(data: Data, split_column: str | None) -> dict[str, str]:
    """Gives the columns of labelled texts, by the parameter that sets them."""
    wanted = {"data.text_column": data.text_column, "data.label_column": data.label_column}
    return wanted if split_column is None else {**wanted, "split.column": split_column}


def read_cells(
    source: Path, data: Data, wanted: Mapping[str, str], blank_lines: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Reads some columns, row by row.

    Args:
        source: the file; ``.gz`` is unpacked on the way.
        data: delimiter and encoding.
        wanted: names of the columns by the parameter that sets them.
        blank_lines: whether a blank line between two rows is a row of blank cells.

    Yields:
        The number of the row, 1 for the first below the header, and its cells in the order of ``wanted``.

    Raises:
        UserError: the file is missing, empty, cut short, not in this encoding or not well-formed.
    """
    if not source.is_file():
        raise UserError(f"{source}: no such file; set data.csv to a CSV, or leave it at {SAMPLES}")
    try:
        try:
            with open_csv(source, data.max_megabytes) as (_, stream):
                records = _numbered(source, _parse(stream, data), blank_lines)
                yield from _pick(source, records, wanted)
        except UnicodeError:  # reads again, and may find the file torn behind the wrong byte
            raise UserError(_undecodable(source, data)) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as damage:
        raise UserError(f"{source}: not a whole gzip file ({damage}); download or pack it again") from None


def _parse(stream: IO[bytes], data: Data, errors: str = "strict", strict: bool = True) -> Iterator[list[str]]:
    encoding = "utf-8-sig" if codecs.lookup(data.encoding).name == "utf-8" else data.encoding
    text = io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")
    delimiter = "\t" if data.delimiter == "tab" else data.delimiter
    return (record for _, record in parse(bounded_lines(text), delimiter, strict))


def _numbered(source: Path, records: Iterator[list[str]], blank_lines: bool) -> Iterator[tuple[int, list[str]]]:
    """Counts records, the header as 0, and names the row where the CSV is broken; a counted blank line is []."""
    number = blank = 0
    try:
        for record in records:
            if not record:
                blank += blank_lines and number > 0
                continue
            yield from ((number + ahead, []) for ahead in range(blank))
            yield number + blank, record
            number, blank = number + blank + 1, 0
    except csv.Error as problem:
        advice = "look there for an unclosed quote, and double the quotes inside of a cell"
        raise UserError(f"{source}: row {number + blank} is not well-formed ({problem}); {advice}") from None


def _pick(
    source: Path, records: Iterator[tuple[int, list[str]]], wanted: Mapping[str, str]
) -> Iterator[tuple[int, list[str]]]:
    _, header = next(records, (0, None))
    if header is None:
        raise UserError(f"{source}: the file is empty; expected a header and rows below it")
    places, number = _columns(source, header, wanted), 0
    for number, record in records:
        if record and len(record) != len(header):
            problem = f"row {number} has {len(record)} cells where the header has {len(header)}"
            raise UserError(f"{source}: {problem}; quote cells that hold the delimiter, or set data.delimiter")
        yield number, [record[place] if record else "" for place in places]
    if number == 0:
        raise UserError(f"{source}: only a header, no rows; expected one row or more below it")


def _columns(source: Path, header: list[str], wanted: Mapping[str, str]) -> list[int]:
    for key, name in wanted.items():
        if header.count(name) != 1:
            problem = "no column" if name not in header else "more than one column"
            existing = ", ".join(header[:20])
            raise UserError(f"{source}: {problem} {name!r}; the header has: {existing}; set {key} (or data.delimiter)")
    return [header.index(name) for name in wanted.values()]


def _undecodable(source: Path, data: Data) -> str:
    """Finds the row and byte that broke the decoder; only runs after a failure, so it may read again."""
    position = _first_bad_byte(source, data)
    try:
        with open_csv(source, data.max_megabytes) as (_, stream):
            records = enumerate(filter(None, _parse(stream, data, errors="surrogateescape", strict=False)))
            undecoded = (row for row, record in records if re.search("[\udc80-\udcff]", "".join(record)))
            row = str(next(undecoded, "?"))
    except (UnicodeError, csv.Error):  # UTF-16 has no place for surrogates; other faults come next
        row = "?"
    return f"{source}: row {row}, byte {position} is not {data.encoding}; set data.encoding (cp1252, latin-1, …)"


def _first_bad_byte(source: Path, data: Data) -> int:
    encoding = data.encoding
    # utf-8-sig would swallow the byte order mark, and its three bytes with it.
    decoder = codecs.getincrementaldecoder("utf-8" if codecs.lookup(encoding).name == "utf-8-sig" else encoding)()
    position = 0
    with open_csv(source, data.max_megabytes) as (_, stream):
        while True:
            block = cast(io.BufferedReader, stream).read1(1 << 16)  # a torn gzip still gives what came before the tear
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
