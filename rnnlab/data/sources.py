"""The files of a data set: a single one, or those of a folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rnnlab.data import csv_rows, json_rows, parquet_rows
from rnnlab.data.csv_rows import Rows
from rnnlab.project.errors import UserError
from rnnlab.project.sections.data import Data

JSON_LINES = (".jsonl", ".ndjson", ".json")


def find(source: Path, data: Data) -> list[Path]:
    """Lists the file itself, or those files of a folder that match ``data.files``, by name.

    Raises:
        UserError: the folder has none.
    """
    if not source.is_dir():
        return [source]
    files = sorted(file for file in source.glob(data.files) if file.is_file() and not file.name.startswith("."))
    if not files:
        raise UserError(f"{source}: no file in this folder matches {data.files!r}; set data.files")
    return files


def states(source: Path, data: Data) -> dict[Path, tuple[int, int, int]]:
    """Returns inode, size and time of change of each file: they differ once a file was written to or replaced."""
    files = source.glob(data.files) if source.is_dir() else [source]
    found = {file: file.stat() for file in files if file.is_file()}
    return {file: (state.st_ino, state.st_size, state.st_mtime_ns) for file, state in found.items()}


def suffix(source: Path) -> str:
    """Returns what the name says of a file's format, such as ``.csv``, whether it is compressed or not."""
    return Path(source.stem if source.suffix == ".gz" else source.name).suffix.lower()


def read_rows(source: Path, data: Data, split_column: str | None, slices: Sequence[str] = ()) -> Iterator[Rows]:
    """Reads labelled texts from Parquet or JSON lines if the name says so, else from a CSV.

    See `rnnlab.data.csv_rows.read_rows`.
    """
    if source.suffix == ".parquet":
        return parquet_rows.read_rows(source, data, split_column, slices)
    if suffix(source) in JSON_LINES:
        return json_rows.read_rows(source, data, split_column, slices)
    return csv_rows.read_rows(source, data, split_column, slices)
