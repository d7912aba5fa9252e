"""Two passes over the files of labelled texts; each file has a folder for what the first pass leaves for the second."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.parquet import ParquetWriter

from rnnlab.data import reviews, sources
from rnnlab.data.csv_rows import BATCH_ROWS
from rnnlab.data.reviews import Codes, Labels
from rnnlab.features import clean_rows
from rnnlab.project import engines, layout
from rnnlab.project.files import package_digest, replacing
from rnnlab.project.params import Params
from rnnlab.project.sections.data import Data
from rnnlab.project.sections.kinds import AUTO
from rnnlab.project.tasks import SLICE

ACCEPTED, REJECTED, DECISIONS, DUPLICATES = "rows.parquet", "rejected.parquet", "decisions.npz", "duplicates.parquet"
_ACCEPTED = [("row", pa.int64()), ("text", pa.string()), ("label", pa.string()), ("assigned", pa.int8())]
# "detail" is what rejected.csv shows, "reason" what is counted.
_REJECTED = pa.schema([("row", pa.int64()), *((name, pa.string()) for name in ("reason", "detail", "label", "text"))])
Decisions = dict[str, npt.NDArray[Any]]  # of `write_decisions`, on the rows of a batch


class Columns(NamedTuple):
    """What decides on the accepted rows of all files, one file after another; arrays of shape (rows,)."""

    numbers: npt.NDArray[np.int64]  # row in its file
    names: Labels  # of the labels
    labels: Codes
    assigned: Codes  # splits that the data name
    digests: npt.NDArray[np.uint64]  # of the texts
    starts: npt.NDArray[np.int64]  # index of each file's first row, and the number of all rows; shape (files + 1,)


def first_pass(settings: Params, files: Sequence[Path], work: Path) -> list[Path]:
    """Checks each row by itself; returns a folder in ``work`` per file, in the order of the files.

    A folder that an interrupted run left complete is used again.

    Raises:
        UserError: names every file that cannot be read, and why; the other files are done.
    """
    column = settings.split.column if settings.split.method == "column" else None
    task = partial(check_file, settings.data, column, settings.evaluate.slices, work)
    try:
        return [work / name for name in engines.each(settings.data.engine, task, files, "screen")]
    finally:
        with suppress(OSError):
            work.rmdir()  # if no file could be read


def check_file(data: Data, split_column: str | None, slices: Sequence[str], work: Path, source: Path) -> str:
    """Writes a file's accepted rows, with hashes of their texts, and its rejected rows; returns the folder's name."""
    batches = sources.read_rows(source, data, split_column, slices)
    if not source.is_file():
        next(batches)  # raises the complaint
    name = _folder_name(data, split_column, slices, source)
    schema = pa.schema([*_ACCEPTED, *clean_rows.carried(slices), ("digest", pa.uint64())])
    if (work / name).is_dir():
        return name
    with replacing(work / name) as part:
        part.mkdir()
        with ParquetWriter(part / ACCEPTED, schema) as usable, ParquetWriter(part / REJECTED, _REJECTED) as rejected:
            for batch in batches:
                checked = reviews.check_rows(batch, data.labels, split_column is not None, slices)
                usable.write_table(checked.accepted.append_column("digest", pa.array(checked.digests)))
                rejected.write_table(checked.rejected.add_column(2, "detail", checked.rejected["reason"]))
    return name


def _folder_name(data: Data, split_column: str | None, slices: Sequence[str], source: Path) -> str:
    """Hashes all that the result depends on: the state of the file, how it is read, and this code."""
    state = source.stat()
    identity = [
        *(str(source.absolute()), state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns),
        *(split_column, slices, data.model_dump(mode="json", exclude={"csv", "files", "engine"})),
        package_digest(layout.PACKAGE, "data", "features", "project"),
    ]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]


def read_columns(folders: Sequence[Path], data: Data, source: Path) -> Columns:
    """Reads what decides on the rows of all files; takes some 20 bytes per row.

    Raises:
        UserError: the labels are to be found, and cannot be what the user means; names ``source``.
    """
    names = ["row", "assigned", "digest"]
    tables = [
        pq.read_table(folder / ACCEPTED, columns=["label", *names], read_dictionary=["label"]) for folder in folders
    ]
    starts = np.cumsum([0, *(len(table) for table in tables)])
    table = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    numbers, assigned, digests = (table[name].to_numpy() for name in names)
    written = table["label"].combine_chunks()
    found = written.dictionary.to_pylist() if len(written) else []
    counts = dict(zip(found, np.bincount(written.indices.to_numpy(), minlength=len(found)).tolist(), strict=True))
    labels = reviews.find_labels(counts, data, source) if data.labels == AUTO else data.labels
    codes = np.array([labels.index(name) for name in found], np.int16)
    return Columns(numbers, labels, codes[written.indices.to_numpy()], assigned, digests, starts)


def write_decisions(folders: Sequence[Path], columns: Columns, duplicates: reviews.Duplicates, splits: Codes) -> None:
    """Writes what was decided on each file's rows; the first row of a duplicate may be in another file.

    Rows that are not kept have no split, nor have training rows that are left out.
    """
    first_file = np.searchsorted(columns.starts, duplicates.first, side="right") - 1
    decided = {"keep": duplicates.keep, "conflict": duplicates.conflict, "split": splits}
    decided |= {"first_file": first_file, "first_row": columns.numbers[duplicates.first]}
    for folder, (start, end) in zip(folders, pairwise(columns.starts), strict=True):
        of_file = {name: values[start:end] for name, values in decided.items()}
        np.savez(folder / DECISIONS, allow_pickle=False, **of_file)


def second_pass(settings: Params, labels: Labels, names: Sequence[str], folders: Sequence[Path], target: Path) -> None:
    """Writes the kept rows with id and split: a single file's to one file, those of several to a folder of as many.

    Args:
        settings: of the project.
        labels: by their numbers.
        names: of the files, as messages show them.
        folders: of the files, from `first_pass`, with `write_decisions`.
        target: the Parquet file, or the folder.
    """
    targets = [target]
    if len(folders) > 1:
        target.mkdir()
        targets = [target / f"{number:06}.parquet" for number in range(len(folders))]
    counts = [sum(pq.read_metadata(folder / name).num_rows for name in (ACCEPTED, REJECTED)) for folder in folders]
    offsets = np.cumsum([0, *counts])[:-1].tolist()
    task = partial(keep_rows, labels, settings.evaluate.slices, names if len(folders) > 1 else [])
    engines.each(settings.data.engine, task, list(zip(folders, targets, offsets, strict=True)), "keep")


def keep_rows(labels: Labels, slices: Sequence[str], names: Sequence[str], task: tuple[Path, Path, int]) -> None:
    """Writes the kept rows of a file, numbered from an offset, to its part of the target; and the file's duplicates."""
    folder, target, offset = task
    with np.load(folder / DECISIONS, allow_pickle=False) as members:
        decisions = dict(members)
    start = 0
    schema = clean_rows.schema(slices)
    with ParquetWriter(target, schema) as kept, ParquetWriter(folder / DUPLICATES, _REJECTED) as duplicates:
        # With its read-ahead, Arrow would keep the whole file in memory.
        for batch in pq.ParquetFile(folder / ACCEPTED, pre_buffer=False).iter_batches(batch_size=BATCH_ROWS):
            decided = {name: values[start : start + len(batch)] for name, values in decisions.items()}
            start += len(batch)
            is_used = decided["split"] != reviews.UNASSIGNED
            kept.write_table(_clean(batch, decided["split"], offset, labels, schema).filter(pa.array(is_used)))
            if not decided["keep"].all():
                duplicates.write_table(_duplicates(batch, decided, names))


def _clean(batch: pa.RecordBatch, splits: Codes, offset: int, labels: Labels, schema: pa.Schema) -> pa.Table:
    """Returns a batch as the pipeline goes on with it; rows without a split have any."""
    ids = [f"{digest:016x}" for digest in batch["digest"].to_pylist()]
    names = np.array(clean_rows.SPLITS, object)[splits]
    carried = [batch[name] for name in schema.names if name.startswith(SLICE)]
    codes = pc.index_in(batch["label"], value_set=pa.array(labels, pa.string())).cast(pa.int16())
    columns = [ids, batch["row"].to_numpy() + offset, batch["text"], codes, names, *carried]
    return pa.table(dict(zip(schema.names, columns, strict=True)), schema)


def _duplicates(batch: pa.RecordBatch, decided: Decisions, names: Sequence[str]) -> pa.Table:
    """Returns the rows that are not kept, each with the row that its text first occurs in."""
    dropped = ~decided["keep"]
    rows = batch.filter(pa.array(dropped)).to_pylist()
    decisions = zip(*(decided[name][dropped] for name in ("conflict", "first_file", "first_row")), strict=True)
    for row, (conflict, first_file, first_row) in zip(rows, decisions, strict=True):
        of_file = f" of {names[first_file]}" if names else ""
        row["reason"] = "same text with different labels" if conflict else "duplicate"
        row["detail"] = f"{row['reason']} (row {first_row}{of_file} is the first)"
    return pa.Table.from_pylist(rows, _REJECTED)


def rejected_rows(names: Sequence[str], folders: Sequence[Path]) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yields rejected rows with the name of their file: those of all files that failed a check, then all duplicates."""
    for part in (REJECTED, DUPLICATES):
        for name, folder in zip(names, folders, strict=True):
            for batch in pq.ParquetFile(folder / part, pre_buffer=False).iter_batches(batch_size=BATCH_ROWS):
                yield name, batch
