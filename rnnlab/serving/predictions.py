"""Predictions of lines and of CSV files, in bounded memory."""

import csv
import gzip
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar, cast

from rnnlab.data import csv_files, headers
from rnnlab.data.csv_files import DELIMITERS, bounded_lines
from rnnlab.data.csv_rows import BATCH_CHARACTERS, BATCH_ROWS
from rnnlab.project.errors import UserError
from rnnlab.project.files import replacing
from rnnlab.serving.classifier import PROBABILITY
from rnnlab.serving.predictors import Predictor

COLUMNS = ("label", "probability", "model_version")

Item = TypeVar("Item")


class Prediction(NamedTuple):
    """What a model says of one text: a label and its probability, and the probability of each label by its name."""

    label: str
    probability: float
    model_version: str
    all: Mapping[str, float]


def read_lines(stream: IO[bytes]) -> Iterator[str]:
    """Reads one text a line, without line ends, as they come.

    Raises:
        UserError: there is not one line, or the stream is a terminal, where nobody would know what is waited for.
    """
    lines = bounded_lines(_readable(stream))
    first = None if stream.isatty() else next(lines, None)
    if first is None:
        raise UserError("no text on standard input; give one a line, or texts as arguments")
    return (line.rstrip("\r\n") for line in itertools.chain([first], lines))


def _readable(stream: IO[bytes]) -> io.TextIOWrapper:
    """Decodes such that `_checked` can name the line of a bad byte: as half of a surrogate pair."""
    return io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")


def _checked(lines: Iterable[str], place: str) -> Iterator[str]:
    """Passes on what is text; ``place`` and a number from 1 name what is not."""
    for number, line in enumerate(lines, start=1):
        if len(line) > csv_files.ROW_CHARACTERS:
            raise UserError(f"{place} {number} has more than {csv_files.ROW_CHARACTERS:,} characters; split it")
        if "\0" in line:
            raise UserError(f"{place} {number} holds a NUL character, as no text does; give text in UTF-8")
        try:
            line.encode()
        except UnicodeEncodeError:
            raise UserError(f"{place} {number} is not UTF-8; convert it, for example with iconv") from None
        yield line


def predict_lines(
    predictor: Predictor, lines: Iterable[str], batch: int = BATCH_ROWS, place: str = "line"
) -> Iterator[Prediction]:
    """Predicts raw texts in their order, holding one batch of them at a time, a smaller one where they are long.

    A text without a word is predicted as the unknown word; what is no text is called ``place`` and its number.

    Raises:
        UserError: a text holds NUL characters or bytes that are not UTF-8.
    """
    for texts in batches(_checked(lines, place), len, batch):
        yield from predict(predictor, texts)


def predict(predictor: Predictor, rows: Sequence[Any]) -> Iterator[Prediction]:
    """Predicts texts, or sequences of steps, all at once."""
    labels, probabilities = predictor.classify(rows)
    for label, row in zip(labels, probabilities, strict=True):
        found = dict(zip(predictor.labels, map(float, row), strict=True))
        yield Prediction(label, found[label], predictor.version, found)


def batches(
    items: Iterable[Item], size: Callable[[Item], int], most: int, largest: int | None = None
) -> Iterator[list[Item]]:
    """Groups by number and, for memory's sake, by size: `BATCH_CHARACTERS` unless another is given."""
    batch: list[Item] = []
    total = 0
    for item in items:
        batch.append(item)
        total += size(item)
        if len(batch) == most or total >= (largest or BATCH_CHARACTERS):
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


def check_target(source: Path, target: Path, what: str) -> None:
    """Refuses a target that is a folder or the source itself; ``what`` is to be written."""
    if target.exists() and (not target.is_file() or (source.exists() and target.samefile(source))):
        raise UserError(f"{target}: the {what} need a file of their own; name another with --out")


def check_csv(source: Path, target: Path, column: str, max_megabytes: int) -> None:
    """Checks, before a model is loaded, what `predict_csv` would refuse at once.

    Raises:
        UserError: there is no such file or column, one of `COLUMNS` exists already, the file is larger than
            ``max_megabytes``, or the target is a folder or the source itself.
    """
    if not source.is_file():
        raise UserError(f"{source}: no such file; name a CSV with a header")
    check_target(source, target, "predictions")
    with _open(source, column, max_megabytes) as (_, _, records):
        _read_header(source, records, column)


def predict_csv(
    predictor: Predictor, source: Path, target: Path, column: str, max_megabytes: int, *, every_label: bool = False
) -> int:
    """Copies a CSV, in the same order, and adds `COLUMNS` to it; returns the number of rows.

    Args:
        predictor: labels the texts.
        source: UTF-8 with a header, which tells what separates the cells; .gz is decompressed.
        target: replaced once everything is written, with the same delimiter; .gz is compressed.
        column: holds the texts.
        max_megabytes: limit on the size of ``source``, decompressed.
        every_label: whether to add a column with the probability of each label too.

    Raises:
        UserError: as in `check_csv`, or a row is not well-formed; nothing is written.
    """
    from tqdm import tqdm  # a served model imports this module where tqdm need not be installed

    check_csv(source, target, column, max_megabytes)
    count = 0
    bar = tqdm(desc="predict", total=source.stat().st_size, unit="B", unit_scale=True, disable=None)
    opened = _open(source, column, max_megabytes)
    with replacing(target) as temporary, _create(temporary) as out, opened as (raw, delimiter, records), bar:
        header, text_index = _read_header(source, records, column)
        write = csv_files.row_writer(out, delimiter)
        of_labels = [f"{PROBABILITY}{label}" for label in predictor.labels] if every_label else []
        write([*header, *COLUMNS, *of_labels])
        rows = (row for _, row in headers.rows_below(source, header, records, "line"))
        for batch in batches(rows, lambda row: sum(map(len, row)), BATCH_ROWS):
            found = predict(predictor, [row[text_index] for row in batch])
            for row, told in zip(batch, found, strict=True):
                # Nine digits tell any two float32 apart.
                others = [f"{probability:.9g}" for probability in told.all.values()] if every_label else []
                write([*row, told.label, f"{told.probability:.9g}", told.model_version, *others])
            count += len(batch)
            bar.update(raw.tell() - bar.n)
    return count


@contextmanager
def _open(source: Path, column: str, max_megabytes: int) -> Iterator[tuple[IO[bytes], str, headers.Records]]:
    """Opens a CSV: yields the file, whose position shows the progress, its delimiter, and its records with lines."""
    with csv_files.open_csv(source, max_megabytes) as (raw, stream), _readable(stream) as readable:
        lines = bounded_lines(readable)
        first = next(lines, "")
        delimiter = _delimiter(source, first, column)
        yield raw, delimiter, _records(source, itertools.chain([first], lines), delimiter)


def _delimiter(source: Path, header: str, column: str) -> str:
    """Returns what separates the column's name from the others, or what is usual where nothing does.

    Raises:
        UserError: its name is part of another, as if the cells were not separated.
    """
    usual = "\t" if source.name.removesuffix(".gz").endswith(".tsv") else ","
    cells = {mark: next(csv.reader([header], delimiter=mark), []) for mark in (usual, *DELIMITERS)}
    found = next((mark for mark, names in cells.items() if column in names), usual)
    if all(len(names) == 1 for names in cells.values()) and column in header and column not in cells[usual]:
        problem = f"its header looks like a single column ({header.strip()[:80]!r})"
        raise UserError(f"{source}: {problem}; separate the cells by a comma, a semicolon, a tab or |")
    return found


def _records(source: Path, lines: Iterable[str], delimiter: str) -> headers.Records:
    """Yields the rows, each with the number of the line it begins in; skips blank lines."""
    begins = 1
    try:
        for end, record in csv_files.parse(_checked(lines, f"{source}: line"), delimiter):
            if record:
                yield begins, record
            begins = end + 1
    except csv.Error as problem:
        raise headers.not_well_formed(source, f"the row that begins in line {begins}", problem) from None


def _read_header(source: Path, records: headers.Records, column: str) -> tuple[list[str], int]:
    """Takes the header off the records; returns it with the index of the column of texts."""
    header = headers.take_header(source, records)
    index = headers.find_column(source, header, column, "name one with --column")
    taken = [name for name in COLUMNS if name in header]
    if taken:
        raise UserError(f"{source}: it already has a column {taken[0]!r}, where predictions would go; rename it")
    return header, index


def _create(target: Path) -> IO[str]:
    opener = gzip.open if target.suffix == ".gz" else open
    return cast(IO[str], opener(target, "wt", encoding="utf-8", newline=""))
