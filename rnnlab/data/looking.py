"""Looks at a stranger's file or folder: how it is to be read, and a sample of its rows from beginning to end."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from rnnlab.data import csv_rows, dialects, encodings, headers, json_rows, parquet_rows, sources
from rnnlab.data.csv_files import open_csv
from rnnlab.data.guesses import GUESSED, Guess
from rnnlab.project.errors import UserError
from rnnlab.project.sections.data import Data

BLOCK = 1 << 20  # bytes
MOST_ROWS = 20_000  # of a sample
MOST_CHARACTERS = 32 << 20  # of a sample
LONGEST_CELL = 4_000  # characters of a cell that a guess is made from
MOST_NAMES = 1_000  # columns
EXCEL = re.compile(r"sep=.(?=[\r\n])")  # tells Excel the delimiter
FORMATS = (".csv", ".tsv", ".txt", ".parquet", *sources.JSON_LINES)  # of the files of a folder


class Table(NamedTuple):
    """A file as it looks."""

    data: Data  # how to read it
    files: list[Path]
    names: list[str]  # of its columns
    rows: list[list[str]]  # a sample; long cells are cut
    total: int  # number of all rows
    guesses: dict[str, Guess[str]]  # encoding, delimiter and header, where the format leaves them open


Item = TypeVar("Item")


class Thinned(Generic[Item]):
    """A sample of as many items as fit, evenly from all that were added."""

    def __init__(self, most: int = MOST_ROWS, characters: int = MOST_CHARACTERS) -> None:
        self.items: list[Item] = []
        self.count = 0
        self._most, self._characters, self._step = most, characters, 1
        self._sizes: list[int] = []
        self._size = 0

    def add(self, item: Item, size: int) -> None:
        """Adds an item of so many characters."""
        if self.count % self._step == 0:
            self.items.append(item)
            self._sizes.append(size)
            self._size += size
        self.count += 1
        while len(self.items) > 1 and (len(self.items) > self._most or self._size > self._characters):
            self._step *= 2
            self.items, self._sizes = self.items[::2], self._sizes[::2]
            self._size = sum(self._sizes)


def look(source: Path, data: Data) -> Table:
    """Guesses how a file or folder is to be read, and takes a sample of its rows; ``data`` has the limits.

    Raises:
        UserError: there is no such file, it is no table, it has no rows, or its header comes up again in it.
    """
    if not source.is_file() and not source.is_dir():
        raise UserError(
            f"{source}: {'not a regular file' if source.exists() else 'no such file'}; name a table of texts"
        )
    data = data.model_copy(update={"files": _pattern(source) if source.is_dir() else "*"})
    files = sources.find(source, data)
    if sources.suffix(files[0]) == ".parquet":
        return _look_at_parquet(files, data)
    if files[0].stat().st_size == 0:
        raise UserError(f"{files[0]}: the file is empty; expected rows of texts and labels")
    encoding, text, is_whole = _decode(files[0], data)
    data = data.model_copy(update={"encoding": encoding.value, "header": True})
    if sources.suffix(files[0]) in sources.JSON_LINES:
        return _look_at_json(files, data, encoding)
    if line := EXCEL.match(text):
        problem = f"its first line, {line[0]!r}, is for Excel alone"
        raise UserError(f"{files[0]}: {problem}; remove that line")
    single = Guess(",", GUESSED, "a single column")
    delimiter = dialects.delimiter(text, is_whole) or single
    data = data.model_copy(update={"delimiter": delimiter.value})
    return _look_at_csv(files, data, {"encoding": encoding, "delimiter": delimiter})


def _pattern(folder: Path) -> str:
    """Returns the pattern of the files of a folder that are tables: those with the most frequent suffix."""
    files = [file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")]
    suffixes = Counter(file.name[len(file.name.split(".")[0]) :] for file in files if sources.suffix(file) in FORMATS)
    if not suffixes:
        raise UserError(f"{folder}: no file in this folder is a table; expected files ending in {', '.join(FORMATS)}")
    return f"*{suffixes.most_common(1)[0][0]}"


def _decode(source: Path, data: Data) -> tuple[Guess[str], str, bool]:
    """Guesses the encoding from all bytes; returns the characters of the first block, and whether these are all."""
    with open_csv(source, data.max_megabytes) as (_, stream):
        seen = encodings.see(iter(partial(stream.read, BLOCK), b""))
    if not seen.start:
        raise UserError(f"{source}: the file is empty; expected rows of texts and labels")
    if problem := encodings.format_of(seen.start):
        raise UserError(f"{source}: {problem}")
    found = encodings.guess(seen)
    text = seen.start.decode(found.value, "replace").removeprefix("\ufeff")
    return found, text, len(seen.start) < BLOCK


def _look_at_csv(files: list[Path], data: Data, guesses: dict[str, Guess[str]]) -> Table:
    sample: Thinned[list[str]] = Thinned()
    first: list[str] = []
    repeats: list[int] = []
    for file in files:
        records = csv_rows.read_records(file, data)
        _, top = next(records, (0, []))
        first = first or top
        if not top:
            raise UserError(f"{file}: the file is empty; expected rows of texts and labels")
        if top != first:
            sample.add(_cut(top), sum(map(len, top)))
        for number, record in records:
            sample.add(_cut(record), sum(map(len, record)))
            if record == first:
                repeats.append(number)
    header = dialects.header(first, sample.items)
    if not header.value:
        names, _ = headers.number_columns(files[0], iter([(1, first)]))
        rows, count = [_cut(first), *sample.items], sample.count + len(files)
    else:
        names, rows, count = first, sample.items, sample.count
        if repeats:
            problem = f"row {repeats[0]:,} repeats the header ({len(repeats):,} such rows)"
            raise UserError(f"{files[0]}: {problem}; files were joined: remove these rows")
    if not rows:
        raise UserError(f"{files[0]}: only a header, no rows; expected rows of texts and labels")
    told = Guess("yes" if header.value else f"none: {names[0]}, …", header.sure, header.why)
    data = data.model_copy(update={"header": header.value})
    return Table(data, files, names, rows, count, {**guesses, "header": told})


def _look_at_json(files: list[Path], data: Data, encoding: Guess[str]) -> Table:
    sample: Thinned[dict[str, str]] = Thinned()
    nested: set[str] = set()
    for file in files:
        for _, row in json_rows.read_objects(file, data):
            nested |= {name for name, value in row.items() if isinstance(value, dict | list)}
            plain = {
                name: json_rows.cell(file, 0, name, row[name])[:LONGEST_CELL] for name in row if name not in nested
            }
            sample.add(plain, sum(map(len, plain.values())) + 50 * len(plain))
    if not sample.items:
        raise UserError(f"{files[0]}: the file is empty; expected one JSON object on each line")
    # The reader wants the columns in the first row, see `rnnlab.data.json_rows`.
    names = [name for name in islice(sample.items[0], MOST_NAMES) if name not in nested]
    rows = [[row.get(name, "") for name in names] for row in sample.items]
    return Table(data, files, names, rows, sample.count, {"encoding": encoding})


def _look_at_parquet(files: list[Path], data: Data) -> Table:
    names = parquet_rows.column_names(files[0])[:MOST_NAMES]
    if not names:
        raise UserError(f"{files[0]}: no column of texts or numbers")
    sample: Thinned[list[str]] = Thinned()
    for row in _parquet_rows(files, names, data.max_megabytes):
        sample.add(_cut(row), sum(map(len, row)))
    return Table(data, files, names, sample.items, sample.count, {})


def _parquet_rows(files: list[Path], names: list[str], max_megabytes: int) -> Iterator[list[str]]:
    for file in files:
        yield from parquet_rows.read_cells(file, names, max_megabytes)


def _cut(record: list[str]) -> list[str]:
    return [cell if len(cell) <= LONGEST_CELL else cell[:LONGEST_CELL] for cell in record]
