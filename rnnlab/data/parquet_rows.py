"""Reads rows of a Parquet file, in bounded memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rnnlab.data.csv_files import MEGABYTE, ROW_CHARACTERS, too_large
from rnnlab.data.csv_rows import BATCH_CHARACTERS, BATCH_ROWS, Rows, wanted_columns
from rnnlab.data.headers import find_column
from rnnlab.project.errors import UserError, first_line
from rnnlab.project.sections.data import Data

DECODED = 128 * MEGABYTE  # at once, of values that the file holds once for many rows
DICTIONARY = 2  # the kind of page that holds such values
FEW_ROWS = 1_000_000  # are read within seconds, whatever they hold
_BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)


def read_cells(source: Path, names: Sequence[str], max_megabytes: int) -> Iterator[list[str]]:
    """Reads the cells of some columns row by row, as `read_rows` does."""
    with _open(source) as file:
        _check(source, file, {f"column {name}": name for name in names}, max_megabytes)
        start = 1
        for columns in _columns(source, file, names, max_megabytes):
            cells = [_cells(source, start, column) for column in columns]
            start += len(cells[0])
            yield from map(list, zip(*cells, strict=True))


def column_names(source: Path) -> list[str]:
    """Lists the columns that can be read as text; those of lists, structures or bytes are left out."""
    with _open(source) as file:
        return [field.name for field in file.schema_arrow if _is_plain(field.type)]


def _is_plain(kind: pa.DataType) -> bool:
    values = kind.value_type if pa.types.is_dictionary(kind) else kind
    return not (pa.types.is_nested(values) or any(holds(values) for holds in _BYTES))


@contextmanager
def _open(source: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(source, pre_buffer=False) as file:
            yield file
    except (UserError, MemoryError, PermissionError):
        raise
    except Exception as damage:  # Arrow raises any of half a dozen types
        problem = f"not a whole Parquet file ({first_line(damage)})"
        raise UserError(f"{source}: {problem}; download or write it again") from None


def read_rows(source: Path, data: Data, split_column: str | None, slices: Sequence[str] = ()) -> Iterator[Rows]:
    """Reads labelled texts from the columns that ``data`` names.

    Yields:
        Batches of about `BATCH_ROWS` rows or `BATCH_CHARACTERS`: the cells of a CSV of the same table; a null is "".

    Raises:
        UserError: the file is not Parquet, is damaged or too large, or lacks a column.
    """
    wanted = wanted_columns(data, split_column)
    with _open(source) as file:
        present = [name for name in slices if name in file.schema_arrow.names]
        wanted |= {f"evaluate.slices ({name})": name for name in present}
        _check(source, file, wanted, data.max_megabytes)
        names = list(dict.fromkeys(wanted.values()))
        start = 1
        for columns in _columns(source, file, names, data.max_megabytes):
            cells = {name: _cells(source, start, column) for name, column in zip(names, columns, strict=True)}
            texts = cells[data.text_column]
            blank, end = [""] * len(texts), start + len(texts)
            splits = cells[split_column] if split_column else blank
            each = zip(*(cells.get(name, blank) for name in slices), strict=True)
            yield Rows(list(range(start, end)), texts, cells[data.label_column], splits, list(map(list, each)))
            start = end


def _check(source: Path, file: pq.ParquetFile, wanted: dict[str, str], max_megabytes: int) -> None:
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    rows, packed, size = file.metadata.num_rows, source.stat().st_size, sum(group.total_byte_size for group in groups)
    if size > max_megabytes * MEGABYTE:
        raise too_large(source, f"unpacks to {size / MEGABYTE:,.0f} MB, more", max_megabytes)
    names = file.schema_arrow.names
    for key, name in wanted.items():
        find_column(source, names, name, f"set {key}")
        kind = file.schema_arrow.field(name).type
        if not _is_plain(kind):
            raise UserError(f"{source}: column {name!r} holds {kind}; expected text, or numbers for labels; set {key}")
    if not rows:
        raise UserError(f"{source}: no rows; expected one or more")
    if rows > max(packed, FEW_ROWS):
        raise UserError(f"{source}: {rows:,} rows in {packed:,} bytes cannot be texts that differ; drop the duplicates")


def _columns(
    source: Path, file: pq.ParquetFile, names: Sequence[str], max_megabytes: int
) -> Iterator[list[pa.ChunkedArray]]:
    """Yields the columns of about `BATCH_ROWS` rows or `BATCH_CHARACTERS`, decoded a few rows at a time."""
    parts: list[list[pa.Array]] = []
    rows = size = total = 0
    for batch in file.iter_batches(_rows_at_once(source, file, names), columns=list(names)):
        parts.append([_plain(batch[name]) for name in names])
        rows, size = rows + len(batch), size + sum(part.nbytes for part in parts[-1])
        if total + size > max_megabytes * MEGABYTE:
            raise too_large(source, "unpacks to more", max_megabytes)
        if rows >= BATCH_ROWS or size >= BATCH_CHARACTERS:
            yield [pa.chunked_array(column) for column in zip(*parts, strict=True)]
            parts, rows, size, total = [], 0, 0, total + size
    if parts:
        yield [pa.chunked_array(column) for column in zip(*parts, strict=True)]


def _rows_at_once(source: Path, file: pq.ParquetFile, names: Sequence[str]) -> int:
    """Returns how many rows cannot fill the memory, whatever they repeat."""
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    with source.open("rb") as stream:
        repeated = max(_repeated(stream, chunk) for chunk in chunks if chunk.path_in_schema in names)
    return max(1, min(BATCH_ROWS, DECODED // max(1, repeated)))


def _repeated(stream: IO[bytes], chunk: pq.ColumnChunkMetaData) -> int:
    """Returns the bytes of a column's values that many rows may share: all of its dictionary, or a common prefix.

    The footer does not tell the size of a dictionary: the page itself begins with its kind and its unpacked size.
    """
    if "DELTA_BYTE_ARRAY" in chunk.encodings:
        return int(chunk.total_uncompressed_size)
    stream.seek(min(place for place in (chunk.dictionary_page_offset, chunk.data_page_offset) if place))
    kind, size = (_number(stream) for _ in range(2))
    return size if kind == DICTIONARY else 0


def _number(stream: IO[bytes]) -> int:
    """Reads a field of a page's header: 0x15 says that the next one is an integer, of 7 bits in each byte."""
    if stream.read(1) != b"\x15":
        raise ValueError("a page without a header")
    value, shift = 0, 0
    while True:
        (byte,) = stream.read(1)
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value >> 1


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _cells(source: Path, start: int, column: pa.ChunkedArray) -> list[str]:
    texts = column.cast(pa.string())
    lengths = pc.fill_null(pc.utf8_length(texts), 0)
    if (longest := pc.max(lengths)).as_py() > ROW_CHARACTERS:
        problem = f"row {start + lengths.index(longest).as_py()} has more than {ROW_CHARACTERS:,} characters"
        raise UserError(f"{source}: {problem} in a cell; shorten it")
    cells: list[str] = pc.fill_null(texts, "").to_pylist()
    return cells
