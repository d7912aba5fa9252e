"""Reads rows of a Parquet file, in bounded memory."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rnnlab.data.csv_files import MEGABYTE, too_large
from rnnlab.data.csv_rows import BATCH_ROWS, Rows, wanted_columns
from rnnlab.data.headers import find_column
from rnnlab.project.errors import UserError, first_line
from rnnlab.project.params import Data


def read_rows(source: Path, data: Data, split_column: str | None) -> Iterator[Rows]:
    """Reads labelled texts from the columns that ``data`` names.

    Args:
        source: the file.
        data: column names.
        split_column: the column that names each row's split, or None.

    Yields:
        Batches of at most `BATCH_ROWS` rows, with the same cells as in a CSV of the table; a null is "".

    Raises:
        UserError: the file is not Parquet, is damaged or too large, or lacks a column.
    """
    wanted = wanted_columns(data, split_column)
    try:
        with pq.ParquetFile(source, pre_buffer=False) as file:
            _check(source, file, wanted, data.max_megabytes)
            start = 1
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(wanted.values())):
                texts, labels, *split = (_cells(batch[name]) for name in wanted.values())
                yield Rows(
                    list(range(start, start + len(batch))), texts, labels, split[0] if split else [""] * len(batch)
                )
                start += len(batch)
    except (UserError, MemoryError, PermissionError):
        raise
    except Exception as damage:  # Arrow raises any of half a dozen types
        raise UserError(
            f"{source}: not a whole Parquet file ({first_line(damage)}); download or write it again"
        ) from None


def _check(source: Path, file: pq.ParquetFile, wanted: dict[str, str], max_megabytes: int) -> None:
    size = sum(file.metadata.row_group(number).total_byte_size for number in range(file.metadata.num_row_groups))
    if size > max_megabytes * MEGABYTE:
        raise too_large(source, f"unpacks to {size / MEGABYTE:,.0f} MB, more", max_megabytes)
    names = file.schema_arrow.names
    for key, name in wanted.items():
        find_column(source, names, name, f"set {key}")
        kind = file.schema_arrow.field(name).type
        if pa.types.is_nested(kind) or pa.types.is_binary(kind):
            raise UserError(f"{source}: column {name!r} holds {kind}; expected text, or numbers for labels; set {key}")
    if not file.metadata.num_rows:
        raise UserError(f"{source}: no rows; expected one or more")


def _cells(column: pa.Array) -> list[str]:
    cells: list[str] = pc.fill_null(column.cast(pa.string()), "").to_pylist()
    return cells
