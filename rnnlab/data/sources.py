"""The files that the data come in: one, or those of a folder."""

from collections.abc import Iterator
from pathlib import Path

from rnnlab.data import csv_rows, parquet_rows
from rnnlab.data.csv_rows import Rows
from rnnlab.project.errors import UserError
from rnnlab.project.params import Data


def find(place: Path, data: Data) -> list[Path]:
    """Lists the files at a place: the one, or those of the folder that match the pattern of ``data``, by name.

    Raises:
        UserError: the folder has none.
    """
    if not place.is_dir():
        return [place]
    found = sorted(file for file in place.glob(data.files) if file.is_file() and not file.name.startswith("."))
    if not found:
        raise UserError(f"{place}: no file in this folder is named as data.files says, {data.files!r}; set that")
    return found


def read_rows(source: Path, data: Data, split_column: str | None) -> Iterator[Rows]:
    """Reads labelled texts, of Parquet where the name ends so, else of a CSV; see `rnnlab.data.csv_rows.read_rows`."""
    if source.suffix == ".parquet":
        return parquet_rows.read_rows(source, data, split_column)
    return csv_rows.read_rows(source, data, split_column)
