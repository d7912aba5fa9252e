"""The texts of single rows."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rnnlab.files import reading


def read_texts(rows: Path, ids: Sequence[str]) -> dict[str, str]:
    """Reads the texts of some rows of the ingest stage, by id; of none, where there are no ids."""
    wanted = pc.field("id").isin(pa.array(ids, pa.string()))
    with reading(rows):
        table = pq.read_table(rows, columns=["id", "text"], filters=wanted)
    return dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))
