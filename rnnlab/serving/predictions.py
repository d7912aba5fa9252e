"""Predictions of lines and of CSV files, in bounded memory."""

import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, TypeVar, cast

from rnnlab.data import csv_files
from rnnlab.data.csv_files import bounded_lines
from rnnlab.data.csv_rows import BATCH_CHARACTERS, BATCH_ROWS
from rnnlab.project.errors import UserError
from rnnlab.project.files import replacing
from rnnlab.serving.predictors import Predictor

COLUMNS = ("label", "probability", "model_version")

Item = TypeVar("Item")


class Prediction(NamedTuple):
    """The prediction for one text; the probability is that of the positive label."""

    label: str
    probability: float
    model_version: str


def read_lines(stream: IO[bytes]) -> Iterator[str]:
    """Yields one text per line as lines arrive, without line ends.

    Raises:
        UserError: there is no line, or the stream is a terminal, where it would seem to hang.
    """
    lines = bounded_lines(_readable(stream))
    first = None if stream.isatty() else next(lines, None)
    if first is None:
        raise UserError("no text on standard input; give one a line, or texts as arguments")
    return (line.rstrip("\r\n") for line in itertools.chain([first], lines))


def _readable(stream: IO[bytes]) -> io.TextIOWrapper:
    """Decodes bad bytes as half of a surrogate pair, so that `_checked` can name their line."""
    return io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")


def _checked(lines: Iterable[str], unit: str) -> Iterator[str]:
    """Yields the lines that are text; an error names another by ``unit`` and its number from 1."""
    for number, line in enumerate(lines, start=1):
        if len(line) > csv_files.ROW_CHARACTERS:
            raise UserError(f"{unit} {number} has more than {csv_files.ROW_CHARACTERS:,} characters; split it")
        if "\0" in line:
            raise UserError(f"{unit} {number} holds a NUL character; give text in UTF-8")
        try:
            line.encode()
        except UnicodeEncodeError:
            raise UserError(f"{unit} {number} is not UTF-8; convert it, for example with iconv") from None
        yield line


def predict_lines(
    predictor: Predictor, lines: Iterable[str], batch: int = BATCH_ROWS, place: str = "line"
) -> Iterator[Prediction]:
    """Predicts texts in their order, one batch in memory at a time.

    Args:
        predictor: the model.
        lines: raw texts; one without a word is predicted as the unknown word.
        batch: texts at once; fewer where they are long.
        place: what errors call a text, before its number.

    Yields:
        A prediction per text.

    Raises:
        UserError: a text holds NUL characters or bytes that are not UTF-8.
    """
    for texts in _batches(_checked(lines, place), len, batch):
        labels, probabilities = predictor.classify(texts)
        for label, probability in zip(labels, probabilities, strict=True):
            yield Prediction(label, float(probability), predictor.version)


def _batches(items: Iterable[Item], size: Callable[[Item], int], most: int) -> Iterator[list[Item]]:
    """Groups by number and, for memory's sake, by characters."""
    batch: list[Item] = []
    characters = 0
    for item in items:
        batch.append(item)
        characters += size(item)
        if len(batch) == most or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def check_csv(source: Path, target: Path, column: str, max_megabytes: int) -> None:
    """Checks, before a model is loaded, what `predict_csv` would refuse.

    Raises:
        UserError: no such file, no such column, a column with the name of a prediction, more than ``max_megabytes``, or
            a target that is a folder or the source itself.
    """
    if not source.is_file():
        raise UserError(f"{source}: no such file; name a CSV with a header")
    if target.exists() and (not target.is_file() or target.samefile(source)):
        raise UserError(f"{target}: predictions must go into another file than the texts; name one with --out")
    with _open(source, max_megabytes) as (_, records):
        _read_header(source, records, column)


def predict_csv(predictor: Predictor, source: Path, target: Path, column: str, max_megabytes: int) -> int:
    """Copies a CSV, its rows in the same order, with `COLUMNS` appended.

    Args:
        predictor: the model.
        source: UTF-8 with a header, comma-separated, or with tabs where the name ends in .tsv; .gz is unpacked.
        target: complete or absent; .gz is packed.
        column: of the texts.
        max_megabytes: of ``source``, unpacked.

    Returns:
        The number of rows.

    Raises:
        UserError: as in `check_csv`, or a row is not well-formed; nothing is written.
    """
    from tqdm import tqdm  # a served model imports this module, and tqdm may not be installed there

    check_csv(source, target, column, max_megabytes)
    count = 0
    bar = tqdm(desc="predict", total=source.stat().st_size, unit="B", unit_scale=True, disable=None)
    with (
        replacing(target) as temporary,
        _create(temporary) as out,
        _open(source, max_megabytes) as (raw, records),
        bar,
    ):
        header, index = _read_header(source, records, column)
        write = csv_files.row_writer(out, _delimiter(source))
        write([*header, *COLUMNS])
        for batch in _batches(_rows(source, header, records), lambda row: sum(map(len, row)), BATCH_ROWS):
            labels, probabilities = predictor.classify([row[index] for row in batch])
            for row, label, probability in zip(batch, labels, probabilities, strict=True):
                # Nine digits tell any two float32 apart: a reader's threshold agrees with the label.
                write([*row, label, f"{probability:.9g}", predictor.version])
            count += len(batch)
            bar.update(raw.tell() - bar.n)
        if not count:
            raise UserError(f"{source}: only a header, no rows; expected one row or more below it")
    return count


@contextmanager
def _open(source: Path, max_megabytes: int) -> Iterator[tuple[IO[bytes], Iterator[tuple[int, list[str]]]]]:
    """Opens a CSV: yields the bytes, for the progress bar, and the records, each with its line."""
    with csv_files.open_csv(source, max_megabytes) as (raw, stream), _readable(stream) as readable:
        yield raw, _records(source, bounded_lines(readable))


def _delimiter(source: Path) -> str:
    return "\t" if source.name.removesuffix(".gz").endswith(".tsv") else ","


def _records(source: Path, lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Yields the rows that are not blank, each with the number of the line where it begins."""
    begins = 1
    try:
        for end, record in csv_files.parse(_checked(lines, f"{source}: line"), _delimiter(source)):
            if record:
                yield begins, record
            begins = end + 1
    except csv.Error as problem:
        advice = "look there for an unclosed quote, and double the quotes inside of a cell"
        raise UserError(f"{source}: the row at line {begins} is not well-formed ({problem}); {advice}") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as damage:
        raise UserError(
            f"{source}: the gzip file is damaged or cut short ({damage}); download or pack it again"
        ) from None


def _read_header(source: Path, records: Iterator[tuple[int, list[str]]], column: str) -> tuple[list[str], int]:
    """Takes the header from the records; returns it and the index of the texts."""
    _, header = next(records, (0, None))
    if header is None:
        raise UserError(f"{source}: the file is empty; expected a header and rows below it")
    if header.count(column) != 1:
        problem = "no column" if column not in header else "more than one column"
        raise UserError(f"{source}: {problem} {column!r}; it has: {', '.join(header[:20])}; name one with --column")
    taken = [name for name in COLUMNS if name in header]
    if taken:
        raise UserError(f"{source}: it already has a column {taken[0]!r}, where predictions would go; rename it")
    return header, header.index(column)


def _rows(source: Path, header: list[str], records: Iterator[tuple[int, list[str]]]) -> Iterator[list[str]]:
    for line, record in records:
        if len(record) != len(header):
            problem = f"line {line} has {len(record)} cells where the header has {len(header)}"
            raise UserError(f"{source}: {problem}; quote cells that hold the delimiter")
        yield record


def _create(target: Path) -> IO[str]:
    opener = gzip.open if target.suffix == ".gz" else open
    return cast(IO[str], opener(target, "wt", encoding="utf-8", newline=""))
