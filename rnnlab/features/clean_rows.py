"""The clean rows that the ingest stage wrote."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import dataset

from rnnlab.project import layout
from rnnlab.project.files import read_json, reading
from rnnlab.project.tasks import SLICE

SPLITS = ("train", "validation", "test")

SCHEMA = pa.schema(  # of the text task
    [
        ("id", pa.string()),  # hash of the cleaned text, 16 hex digits: equal texts have equal ids
        ("row", pa.int64()),  # in the CSV, counted from 1
        ("text", pa.string()),
        ("label", pa.int16()),  # number of the label, from 0, as reports/data.json lists them
        ("split", pa.string()),
    ]
)


def carried(slices: Sequence[str]) -> list[tuple[str, pa.DataType]]:
    """Returns the fields for columns of the data that are carried along."""
    return [(f"{SLICE}{name}", pa.string()) for name in slices]


def schema(slices: Sequence[str]) -> pa.Schema:
    """Returns the schema of clean rows that carry some columns of the data along."""
    return pa.schema([*SCHEMA, *(pa.field(*each) for each in carried(slices))])


def read_split(shard: Path, split: str) -> Iterator[pa.RecordBatch]:
    """Yields the rows of one split in record batches."""
    with reading(shard):
        # With its read-ahead, Arrow would keep the whole file in memory.
        for batch in pq.ParquetFile(shard, pre_buffer=False).iter_batches(batch_size=4096):
            yield batch.filter(pc.equal(batch["split"], split))


def read_rows(rows: Path, columns: Sequence[str], where: pc.Expression) -> pa.Table:
    """Returns some columns of the rows for which ``where`` holds, in their order.

    One row group is in memory at a time: Arrow's own scan reads ahead, and holds half of the texts before it is done.
    """
    with reading(rows):
        shards = dataset.dataset(rows)
        groups = (group for shard in shards.get_fragments() for group in shard.split_by_row_group())
        found = [group.to_table(columns=columns, filter=where) for group in groups if group.count_rows(filter=where)]
        return pa.concat_tables([shards.head(0, columns=columns), *found])


def read_slices(rows: Path, split: str) -> dict[str, npt.NDArray[Any]]:
    """Returns the columns by whose values results are split, of the rows of one split in their order."""
    with reading(rows):
        names = [name for name in dataset.dataset(rows).schema.names if name.startswith(SLICE)]
    table = read_rows(rows, names, pc.field("split") == split)
    return {name: np.asarray(table[name].to_pylist(), object) for name in names}


def read_labels(summary: Path = layout.SUMMARY) -> tuple[str, ...]:
    """Returns the names of the labels by their numbers, from the counts of the ingest stage."""
    with reading(summary):
        return tuple(read_json(summary)["labels"])


def read_texts(rows: Path, ids: Sequence[str]) -> dict[str, str]:
    """Returns the texts of some rows by id."""
    table = read_rows(rows, ["id", "text"], pc.field("id").isin(pa.array(ids, pa.string())))
    return dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))


def read_sequence_names(rows: Path, ids: Sequence[str]) -> dict[str, str]:
    """Returns where some sequences stand in the user's file, by id."""
    table = read_rows(rows, ["id", "sequence", "row"], pc.field("id").isin(pa.array(ids, pa.string())))
    return {one["id"]: f"sequence {one['sequence']}, from row {one['row']:,} on" for one in table.to_pylist()}
