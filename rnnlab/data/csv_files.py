"""CSV files from anyone: compressed, damaged, or with rows that would fill the memory."""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, cast

from rnnlab.project.errors import UserError

MEGABYTE = 1_000_000  # bytes
DELIMITERS = (",", "\t", ";", "|")  # that are looked for; of equally good ones, the first
ROW_CHARACTERS = 16 << 20  # in all cells together: three million words; in tiny cells, Python takes 20 bytes for each


@contextmanager
def open_csv(source: Path, max_megabytes: int) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Opens a file, decompressed if its name ends in ``.gz``; the limit is on its decompressed size.

    Yields:
        The file, whose position shows the progress, and a stream of its decompressed bytes.

    Raises:
        UserError: it is larger, which may show only while it is read; or it is compressed and damaged.
    """
    with source.open("rb") as raw:
        if (size := source.stat().st_size) > max_megabytes * MEGABYTE:
            raise too_large(source, f"has {size / MEGABYTE:,.0f} MB, more", max_megabytes)
        if source.suffix != ".gz":
            yield raw, raw
            return
        try:
            with _Unpacked(raw, source, max_megabytes) as unpacked:
                yield raw, cast(IO[bytes], unpacked)
        except (EOFError, gzip.BadGzipFile, zlib.error) as damage:
            raise UserError(f"{source}: not a whole gzip file ({damage}); download or compress it again") from None


class _Unpacked(gzip.GzipFile):
    """Decompresses up to a limit: a zip bomb grows a thousandfold."""

    def __init__(self, raw: IO[bytes], source: Path, max_megabytes: int) -> None:
        super().__init__(fileobj=raw, mode="rb")
        self._source, self._max_megabytes, self._unpacked = source, max_megabytes, 0

    def read1(self, size: int = -1) -> bytes:
        block = super().read1(size)
        self._unpacked += len(block)
        if self._unpacked > self._max_megabytes * MEGABYTE:
            raise too_large(self._source, "unpacks to more", self._max_megabytes)
        return block


def too_large(source: Path, problem: str, max_megabytes: int) -> UserError:
    """Returns the complaint about a file over the limit."""
    advice = "if it is meant to be that large, raise data.max_megabytes"
    return UserError(f"{source}: {problem} than {max_megabytes:,} MB; {advice}")


def bounded_lines(stream: io.TextIOWrapper) -> Iterator[str]:
    """Yields lines with their ends; truncates overlong ones, which `parse` rejects, before they fill the memory."""
    return iter(partial(stream.readline, ROW_CHARACTERS + 1), "")


def parse(lines: Iterable[str], delimiter: str, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Parses like `csv.reader`, but rejects an endless row instead of filling the memory with it.

    Yields:
        The number of the line that a row ends in, and the row's cells; none for a blank line.

    Raises:
        csv.Error: a row is not well-formed, or has more than `ROW_CHARACTERS`, blank lines before it included.
    """
    csv.field_size_limit(ROW_CHARACTERS)  # Python's default is 131,072
    characters = 0

    def counted() -> Iterator[str]:
        nonlocal characters
        for line in lines:
            characters += len(line)
            if characters > ROW_CHARACTERS:
                raise csv.Error(f"more than {ROW_CHARACTERS:,} characters")
            yield line

    reader = csv.reader(counted(), delimiter=delimiter, strict=strict)
    for record in reader:
        if record:  # endless blank lines are rejected, too
            characters = 0
        yield reader.line_num, record


def row_writer(stream: IO[str], delimiter: str = ",") -> Callable[[Iterable[object]], object]:
    """Returns a function that writes a row so that every cell is read back unchanged."""
    plain = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    quoted = csv.writer(stream, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(cells: Iterable[object]) -> object:
        row = list(cells)
        # Python does not quote a lone carriage return, which it then reads as the end of the row.
        return (quoted if any("\r" in cell for cell in row if isinstance(cell, str)) else plain).writerow(row)

    return write
