"""The two passes over each file of labelled texts. What one pass leaves for the next lies in a folder a file."""

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

ROWS, REJECTED, FATES, DUPLICATES = "rows.parquet", "rejected.parquet", "fates.npz", "duplicates.parquet"
_SCREENED = pa.schema(
    [("row", pa.int64()), ("text", pa.string()), ("label", pa.int8()), ("assigned", pa.int8()), ("digest", pa.uint64())]
)
# What a person reads in rejected.csv, and the reason alone to count by.
_REFUSED = pa.schema(
    [
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("label", pa.string()),
        ("text", pa.string()),
    ]
)


class Columns(NamedTuple):
    """What is decided on, of all files' sound rows together, arrays of shape (rows,).

    Attributes:
        numbers: row in its file, int64.
        labels: int8.
        assigned: split that the data name, int8.
        digests: of the texts, uint64.
        starts: where each file's rows begin, int64 of shape (files + 1,), the end included.
    """

    numbers: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int8]
    assigned: npt.NDArray[np.int8]
    digests: npt.NDArray[np.uint64]
    starts: npt.NDArray[np.int64]


def screen(settings: Params, files: Sequence[Path], work: Path) -> list[Path]:
    """First pass: sets aside the rows that are not sound by themselves.

    Args:
        settings: of the project.
        files: of the data.
        work: gets a folder a file; one that an earlier run of the same left is not made again.

    Returns:
        The folders, in the order of the files.

    Raises:
        UserError: what is wrong with the files that cannot be read, each by its name; the others are done.
    """
    column = settings.split.column if settings.split.method == "column" else None
    task = partial(screen_file, settings.data, column, work)
    try:
        return [work / name for name in engines.each(settings.data.engine, task, files, "screen")]
    finally:
        with suppress(OSError):
            work.rmdir()  # where not one file could be read


def screen_file(data: Data, split_column: str | None, work: Path, source: Path) -> str:
    """Writes the sound rows of a file, with hashes of their texts, and the others; returns the name of the folder."""
    batches = sources.read_rows(source, data, split_column)
    if not source.is_file():
        next(batches)  # says what is wrong
    name = _name(data, split_column, source)
    if not (work / name).is_dir():
        with replacing(work / name) as folder:
            folder.mkdir()
            with (
                pq.ParquetWriter(folder / ROWS, _SCREENED) as kept,
                pq.ParquetWriter(folder / REJECTED, _REFUSED) as refused,
            ):
                for batch in batches:
                    found = reviews.screen(batch, data.labels, split_column is not None)
                    kept.write_table(found.rows.append_column("digest", pa.array(found.digests)))
                    refused.write_table(found.rejected.add_column(2, "detail", found.rejected["reason"]))
    return name


def _name(data: Data, split_column: str | None, source: Path) -> str:
    """Names what the result follows from: the file as it is now, how it is read, and this code."""
    state = source.stat()
    told = [
        *(str(source.absolute()), state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns),
        *(split_column, data.model_dump(mode="json", exclude={"csv", "files", "engine"})),
    ]
    code = package_digest(layout.PACKAGE, "data", "features", "project")
    return hashlib.sha256(json.dumps([*told, code]).encode()).hexdigest()[:32]


def read_columns(folders: Sequence[Path]) -> Columns:
    """Reads what decides on the rows of all files; some 18 bytes a row."""
    names = ["row", "label", "assigned", "digest"]
    tables = [pq.read_table(folder / ROWS, columns=names) for folder in folders]
    starts = np.cumsum([0, *(len(table) for table in tables)])
    numbers, labels, assigned, digests = (column.to_numpy() for column in pa.concat_tables(tables).columns)
    return Columns(numbers, labels, assigned, digests, starts)


def write_fates(folders: Sequence[Path], columns: Columns, fates: reviews.Fates, splits: npt.NDArray[np.int8]) -> None:
    """Tells each file what becomes of its rows; a duplicate's first row may be in another one."""
    owners = np.searchsorted(columns.starts, fates.first, side="right") - 1
    for number, folder in enumerate(folders):
        part = slice(*columns.starts[number : number + 2])
        np.savez(
            folder / FATES,
            allow_pickle=False,
            keep=fates.keep[part],
            conflict=fates.conflict[part],
            split=splits[part],
            first_file=owners[part],
            first_row=columns.numbers[fates.first[part]],
        )


def keep(settings: Params, names: Sequence[str], folders: Sequence[Path], target: Path) -> None:
    """Second pass: writes the kept rows with id and split, of one file to one, of many to a folder of as many.

    Args:
        settings: of the project.
        names: of the files, as people are told of them.
        folders: of the files, from `screen`, with `write_fates`.
        target: the Parquet file, or the folder.
    """
    many = len(folders) > 1
    if many:
        target.mkdir()
    read = [sum(pq.read_metadata(folder / name).num_rows for name in (ROWS, REJECTED)) for folder in folders]
    offsets = np.cumsum([0, *read])[:-1].tolist()
    tasks = [
        (folder, target / f"{number:06}.parquet" if many else target, offsets[number])
        for number, folder in enumerate(folders)
    ]
    task = partial(keep_rows, settings.data.labels, names if many else [])
    engines.each(settings.data.engine, task, tasks, "keep")


def keep_rows(labels: tuple[str, str], names: Sequence[str], task: tuple[Path, Path, int]) -> None:
    """Writes the kept rows of a file to its part of the target, counted on from ``offset``; and its duplicates."""
    folder, target, offset = task
    with np.load(folder / FATES, allow_pickle=False) as members:
        fates = dict(members)
    splits, start = np.array(clean_rows.SPLITS, object), 0
    with (
        pq.ParquetWriter(target, clean_rows.SCHEMA) as kept,
        pq.ParquetWriter(folder / DUPLICATES, _REFUSED) as refused,
    ):
        # Read ahead, Arrow would keep the whole file in memory.
        for batch in pq.ParquetFile(folder / ROWS, pre_buffer=False).iter_batches(batch_size=BATCH_ROWS):
            part = {name: fate[start : start + len(batch)] for name, fate in fates.items()}
            start += len(batch)
            table = pa.table(
                {
                    "id": [f"{digest:016x}" for digest in batch["digest"].to_pylist()],
                    "row": batch["row"].to_numpy() + offset,
                    "text": batch["text"],
                    "label": batch["label"],
                    "split": pa.array(splits[part["split"]], pa.string()),
                },
                schema=clean_rows.SCHEMA,
            )
            kept.write_table(table.filter(pa.array(part["keep"])))
            dropped = [_duplicate(batch, part, labels, names, int(place)) for place in np.flatnonzero(~part["keep"])]
            if dropped:
                refused.write_table(pa.Table.from_pylist(dropped, _REFUSED))


def _duplicate(
    batch: pa.RecordBatch,
    fates: dict[str, npt.NDArray[np.int64]],
    labels: tuple[str, str],
    names: Sequence[str],
    place: int,
) -> dict[str, object]:
    reason = "same text with both labels" if fates["conflict"][place] else "duplicate"
    where = f" of {names[fates['first_file'][place]]}" if names else ""
    return {
        "row": batch["row"][place].as_py(),
        "reason": reason,
        "detail": f"{reason} (row {fates['first_row'][place]}{where} is the first)",
        "label": labels[batch["label"][place].as_py()],
        "text": batch["text"][place].as_py(),
    }


def refused_rows(names: Sequence[str], folders: Sequence[Path]) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yields the refused rows with the name of their file: the unsound ones of all files, then the duplicates."""
    for part in (REJECTED, DUPLICATES):
        for name, folder in zip(names, folders, strict=True):
            for batch in pq.ParquetFile(folder / part, pre_buffer=False).iter_batches(batch_size=BATCH_ROWS):
                yield name, batch
