"""CSV files as they lie on a disk, perhaps a stranger's: packed, endless, with rows that would fill the memory."""

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, cast

from rnnlab.project.errors import UserError

MEGABYTE = 1_000_000  # bytes
ROW_CHARACTERS = 16 << 20  # in all cells together: three million words; in tiny cells, Python takes 20 bytes for each


@contextmanager
def open_csv(source: Path, max_megabytes: int) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Opens a file that may be packed.

    Args:
        source: the file; where its name ends in ``.gz``, it is unpacked.
        max_megabytes: more are not read, `MEGABYTE` bytes each, unpacked.

    Yields:
        The file, which tells how far it is read, and the bytes in it.

    Raises:
        UserError: it is larger, at once or when that many bytes were unpacked.
    """
    with source.open("rb") as raw:
        size = source.stat().st_size
        if size > max_megabytes * MEGABYTE:
            raise UserError(_too_large(source, f"has {size / MEGABYTE:,.0f} MB, more", max_megabytes))
        if source.suffix != ".gz":
            yield raw, raw
            return
        with _Unpacked(raw, source, max_megabytes) as unpacked:
            yield raw, cast(IO[bytes], unpacked)


class _Unpacked(gzip.GzipFile):
    """Unpacks up to a limit: each megabyte of a zip bomb stands for a thousand."""

    def __init__(self, raw: IO[bytes], source: Path, max_megabytes: int) -> None:
        super().__init__(fileobj=raw, mode="rb")
        self._place, self._max_megabytes, self._unpacked = source, max_megabytes, 0

    def read1(self, size: int = -1) -> bytes:
        block = super().read1(size)
        self._unpacked += len(block)
        if self._unpacked > self._max_megabytes * MEGABYTE:
            raise UserError(_too_large(self._place, "unpacks to more", self._max_megabytes))
        return block


def _too_large(source: Path, what: str, max_megabytes: int) -> str:
    advice = "if it is meant to be so large, raise data.max_megabytes"
    return f"{source}: {what} than {max_megabytes:,} MB; {advice}"


def bounded_lines(stream: io.TextIOWrapper) -> Iterator[str]:
    """Gives lines with their ends; of one that would fill the memory, a part that is too long for `parse`."""
    return iter(partial(stream.readline, ROW_CHARACTERS + 1), "")


def parse(lines: Iterable[str], delimiter: str, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Does what `csv.reader` does, which by itself gathers a row without end until the memory is full.

    Yields:
        How many lines were read so far, and the cells of the row that they ended.

    Raises:
        csv.Error: a row is not well-formed, or has more than `ROW_CHARACTERS`, blank lines before it included.
    """
    csv.field_size_limit(ROW_CHARACTERS)  # Python's own is 131,072
    gathered = 0

    def counted() -> Iterator[str]:
        nonlocal gathered
        for line in lines:
            gathered += len(line)
            if gathered > ROW_CHARACTERS:
                raise csv.Error(f"more than {ROW_CHARACTERS:,} characters")
            yield line

    reader = csv.reader(counted(), delimiter=delimiter, strict=strict)
    for record in reader:
        if record:  # blank lines without end are as bad
            gathered = 0
        yield reader.line_num, record


def row_writer(stream: IO[str], delimiter: str = ",") -> Callable[[Iterable[object]], object]:
    """Gives a function that writes a row, such that any cell is read as it was."""
    plain = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    quoted = csv.writer(stream, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(cells: Iterable[object]) -> object:
        row = list(cells)
        # Python leaves a lone carriage return without quotes, and then reads it as the end of the row.
        return (quoted if any("\r" in cell for cell in row if isinstance(cell, str)) else plain).writerow(row)

    return write
