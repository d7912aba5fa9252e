"""Two passes over the files of labelled texts; each file has a folder for what the first pass leaves for the second."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from rnnlab.data import reviews, sources
from rnnlab.data.csv_rows import BATCH_ROWS
from rnnlab.features import clean_rows
from rnnlab.project import engines, layout
from rnnlab.project.files import package_digest, replacing
from rnnlab.project.params import Data, Params

ACCEPTED, REJECTED, DECISIONS, DUPLICATES = "rows.parquet", "rejected.parquet", "decisions.npz", "duplicates.parquet"
_ACCEPTED = pa.schema(
    [("row", pa.int64()), ("text", pa.string()), ("label", pa.int8()), ("assigned", pa.int8()), ("digest", pa.uint64())]
)
# "detail" is what rejected.csv shows, "reason" what is counted.
_REJECTED = pa.schema(
    [
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("label", pa.string()),
        ("text", pa.string()),
    ]
)


class Columns(NamedTuple):
    """What decides on the accepted rows of all files, one file after another; arrays of shape (rows,).

    Attributes:
        numbers: row in its file, int64.
        labels: int8.
        assigned: split that the data name, int8.
        digests: of the texts, uint64.
        starts: index of each file's first row, and the number of all rows, int64 of shape (files + 1,).
    """

    numbers: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int8]
    assigned: npt.NDArray[np.int8]
    digests: npt.NDArray[np.uint64]
    starts: npt.NDArray[np.int64]


def first_pass(settings: Params, files: Sequence[Path], work: Path) -> list[Path]:
    """Checks each row by itself.

    Args:
        settings: of the project.
        files: of the data.
        work: receives one folder per file; a folder that an interrupted run left complete is used again.

    Returns:
        The folders, in the order of the files.

    Raises:
        UserError: names every file that cannot be read, and why; the other files are done.
    """
    column = settings.split.column if settings.split.method == "column" else None
    task = partial(check_file, settings.data, column, work)
    try:
        return [work / name for name in engines.each(settings.data.engine, task, files, "screen")]
    finally:
        with suppress(OSError):
            work.rmdir()  # if no file could be read


def check_file(data: Data, split_column: str | None, work: Path, source: Path) -> str:
    """Writes a file's accepted rows, with hashes of their texts, and its rejected rows; returns the folder's name."""
    batches = sources.read_rows(source, data, split_column)
    if not source.is_file():
        next(batches)  # raises the complaint
    name = _folder_name(data, split_column, source)
    if not (work / name).is_dir():
        with replacing(work / name) as folder:
            folder.mkdir()
            with (
                pq.ParquetWriter(folder / ACCEPTED, _ACCEPTED) as accepted,
                pq.ParquetWriter(folder / REJECTED, _REJECTED) as rejected,
            ):
                for batch in batches:
                    checked = reviews.check_rows(batch, data.labels, split_column is not None)
                    accepted.write_table(checked.accepted.append_column("digest", pa.array(checked.digests)))
                    rejected.write_table(checked.rejected.add_column(2, "detail", checked.rejected["reason"]))
    return name


def _folder_name(data: Data, split_column: str | None, source: Path) -> str:
    """Hashes all that the result depends on: the state of the file, how it is read, and this code."""
    state = source.stat()
    identity = [
        *(str(source.absolute()), state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns),
        *(split_column, data.model_dump(mode="json", exclude={"csv", "files", "engine"})),
        package_digest(layout.PACKAGE, "data", "features", "project"),
    ]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]


def read_columns(folders: Sequence[Path]) -> Columns:
    """Reads what decides on the rows of all files; takes some 18 bytes per row."""
    names = ["row", "label", "assigned", "digest"]
    tables = [pq.read_table(folder / ACCEPTED, columns=names) for folder in folders]
    starts = np.cumsum([0, *(len(table) for table in tables)])
    numbers, labels, assigned, digests = (column.to_numpy() for column in pa.concat_tables(tables).columns)
    return Columns(numbers, labels, assigned, digests, starts)


def write_decisions(
    folders: Sequence[Path], columns: Columns, duplicates: reviews.Duplicates, splits: npt.NDArray[np.int8]
) -> None:
    """Writes what was decided on each file's rows; the first row of a duplicate may be in another file."""
    first_files = np.searchsorted(columns.starts, duplicates.first, side="right") - 1
    for number, folder in enumerate(folders):
        rows = slice(*columns.starts[number : number + 2])
        np.savez(
            folder / DECISIONS,
            allow_pickle=False,
            keep=duplicates.keep[rows],
            conflict=duplicates.conflict[rows],
            split=splits[rows],
            first_file=first_files[rows],
            first_row=columns.numbers[duplicates.first[rows]],
        )


def second_pass(settings: Params, names: Sequence[str], folders: Sequence[Path], target: Path) -> None:
    """Writes the kept rows with id and split: a single file's to one file, those of several to a folder of as many.

    Args:
        settings: of the project.
        names: of the files, as messages show them.
        folders: of the files, from `first_pass`, with `write_decisions`.
        target: the Parquet file, or the folder.
    """
    is_folder = len(folders) > 1
    if is_folder:
        target.mkdir()
    counts = [sum(pq.read_metadata(folder / name).num_rows for name in (ACCEPTED, REJECTED)) for folder in folders]
    offsets = np.cumsum([0, *counts])[:-1].tolist()
    tasks = [
        (folder, target / f"{number:06}.parquet" if is_folder else target, offsets[number])
        for number, folder in enumerate(folders)
    ]
    task = partial(keep_rows, settings.data.labels, names if is_folder else [])
    engines.each(settings.data.engine, task, tasks, "keep")


def keep_rows(labels: tuple[str, str], names: Sequence[str], task: tuple[Path, Path, int]) -> None:
    """Writes the kept rows of a file, numbered from an offset, to its part of the target; and the file's duplicates."""
    folder, target, offset = task
    with np.load(folder / DECISIONS, allow_pickle=False) as members:
        decisions = dict(members)
    start = 0
    with (
        pq.ParquetWriter(target, clean_rows.SCHEMA) as kept,
        pq.ParquetWriter(folder / DUPLICATES, _REJECTED) as duplicates,
    ):
        # With its read-ahead, Arrow would keep the whole file in memory.
        for batch in pq.ParquetFile(folder / ACCEPTED, pre_buffer=False).iter_batches(batch_size=BATCH_ROWS):
            decided = {name: values[start : start + len(batch)] for name, values in decisions.items()}
            start += len(batch)
            kept.write_table(_clean(batch, decided["split"], offset).filter(pa.array(decided["keep"])))
            dropped = [_duplicate(batch, decided, labels, names, index) for index in np.flatnonzero(~decided["keep"])]
            if dropped:
                duplicates.write_table(pa.Table.from_pylist(dropped, _REJECTED))


def _clean(batch: pa.RecordBatch, splits: npt.NDArray[np.int8], offset: int) -> pa.Table:
    """Returns a batch as the pipeline goes on with it; rows that are not kept have any split."""
    return pa.table(
        {
            "id": [f"{digest:016x}" for digest in batch["digest"].to_pylist()],
            "row": batch["row"].to_numpy() + offset,
            "text": batch["text"],
            "label": batch["label"],
            "split": pa.array(np.array(clean_rows.SPLITS, object)[splits], pa.string()),
        },
        schema=clean_rows.SCHEMA,
    )


def _duplicate(
    batch: pa.RecordBatch,
    decided: dict[str, npt.NDArray[np.int64]],
    labels: tuple[str, str],
    names: Sequence[str],
    index: np.intp,
) -> dict[str, object]:
    reason = "same text with both labels" if decided["conflict"][index] else "duplicate"
    of_file = f" of {names[decided['first_file'][index]]}" if names else ""
    row, label, text = (batch[column][int(index)].as_py() for column in ("row", "label", "text"))
    detail = f"{reason} (row {decided['first_row'][index]}{of_file} is the first)"
    return {"row": row, "reason": reason, "detail": detail, "label": labels[label], "text": text}


def rejected_rows(names: Sequence[str], folders: Sequence[Path]) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yields rejected rows with the name of their file: those of all files that failed a check, then all duplicates."""
    for part in (REJECTED, DUPLICATES):
        for name, folder in zip(names, folders, strict=True):
            for batch in pq.ParquetFile(folder / part, pre_buffer=False).iter_batches(batch_size=BATCH_ROWS):
                yield name, batch
