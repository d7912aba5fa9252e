"""CSV of labelled texts, or of a series → clean Parquet with splits, and the rows that were refused."""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from rnnlab import params, reviews, series
from rnnlab.csv_files import row_writer
from rnnlab.csv_rows import BATCH_ROWS, read_rows
from rnnlab.errors import UserError, exit_status
from rnnlab.files import replacing, write_json
from rnnlab.params import Params
from rnnlab.spreadsheets import defused


class Rejects:
    """Writes each refused row as it is met, for people to look at, and counts the reasons."""

    def __init__(self, stream: TextIO, labels: tuple[str, str]) -> None:
        self.reasons: Counter[str] = Counter()
        self._labels = labels
        self._write = row_writer(stream)
        self._write(["row", "reason", "label", "text"])

    def add_screened(self, rejected: pa.Table) -> None:
        """Adds rows that `reviews.screen` refused."""
        self.reasons.update(rejected["reason"].to_pylist())
        for row, reason, label, text in zip(*(column.to_pylist() for column in rejected.columns), strict=True):
            self._write([row, reason, defused(label), defused(text)])

    def add_duplicate(self, row: int, first: int, conflict: bool, label: int, text: str) -> None:
        """Adds a row whose text is not its own."""
        reason = "same text with both labels" if conflict else "duplicate"
        self.reasons[reason] += 1
        detail = f"{reason} (row {first} is the first)"
        self._write([row, detail, defused(self._labels[label]), defused(text)])


def screen_rows(settings: Params, source: Path, screened: Path, rejects: Rejects) -> npt.NDArray[np.uint64]:
    """First pass: writes the rows that are sound by themselves and returns their hashes, uint64 (rows,)."""
    own_split = settings.split.method == "column"
    digests = []
    writer = None
    try:
        for batch in read_rows(source, settings.data, settings.split.column if own_split else None):
            result = reviews.screen(batch, settings.data.labels, own_split)
            writer = writer or pq.ParquetWriter(screened, result.rows.schema)
            writer.write_table(result.rows)
            rejects.add_screened(result.rejected)
            digests.append(result.digests)
    finally:
        if writer:
            writer.close()
    return np.concatenate(digests)


def keep_rows(
    screened: Path,
    target: Path,
    digests: npt.NDArray[np.uint64],
    splits: npt.NDArray[np.int8],
    fates: reviews.Fates,
    rejects: Rejects,
) -> None:
    """Second pass: writes the kept rows with id and split; duplicates join the rejects."""
    names = np.array(reviews.SPLITS, object)
    numbers = pq.read_table(screened, columns=["row"])["row"].to_numpy()
    offset = 0
    with pq.ParquetWriter(target, reviews.SCHEMA) as writer:
        # Read ahead, Arrow would keep the whole file in memory.
        for batch in pq.ParquetFile(screened, pre_buffer=False).iter_batches(batch_size=BATCH_ROWS):
            part = slice(offset, offset := offset + len(batch))
            table = pa.table(
                {
                    "id": [f"{digest:016x}" for digest in digests[part].tolist()],
                    "row": batch["row"],
                    "text": batch["text"],
                    "label": batch["label"],
                    "split": pa.array(names[splits[part]], pa.string()),
                },
                schema=reviews.SCHEMA,
            )
            writer.write_table(table.filter(pa.array(fates.keep[part])))
            for index in np.flatnonzero(~fates.keep[part]).tolist():
                place = part.start + index
                first, conflict = int(numbers[fates.first[place]]), bool(fates.conflict[place])
                label, text = batch["label"][index].as_py(), batch["text"][index].as_py()
                rejects.add_duplicate(int(numbers[place]), first, conflict, label, text)


def ingest_reviews(settings: Params, source: Path, target: Path, rejected: Path, summary: Path) -> None:
    """Runs both passes; memory grows by some 60 bytes a row, not with the texts."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=target.parent, prefix=".ingest-") as folder,
        replacing(rejected) as refused,
        replacing(target) as parquet,
    ):
        screened = Path(folder) / "screened.parquet"
        with refused.open("w", newline="", encoding="utf-8") as stream:
            rejects = Rejects(stream, settings.data.labels)
            digests = screen_rows(settings, source, screened, rejects)
            columns = pq.read_table(screened, columns=["label", "assigned"])
            labels, assigned = columns["label"].to_numpy(), columns["assigned"].to_numpy()
            fates = reviews.find_duplicates(digests, labels)
            keep = fates.keep
            if not keep.any():
                counts = ", ".join(f"{count} × {reason}" for reason, count in rejects.reasons.items())
                raise UserError(f"{source}: every row was rejected ({counts}); check data.labels and data.text_column")
            splits = np.full(len(labels), reviews.UNASSIGNED, np.int8)
            splits[keep] = reviews.assign_splits(
                digests[keep], labels[keep], assigned[keep], settings.split, settings.seed
            )
            reviews.check_enough(splits[keep], labels[keep], settings.data.labels, source)
            keep_rows(screened, parquet, digests, splits, fates, rejects)
        write_json(summary, reviews.summarise(labels[keep], splits[keep], rejects.reasons, settings.data.labels))


def ingest_series(settings: Params, source: Path, target: Path, rejected: Path, summary: Path) -> None:
    """Splits a series in time; a row cannot be left out of it, so a bad one is an error and none is refused."""
    values = series.read_values(source, settings.data)
    parts = series.split_series(len(values), settings.split.test_fraction, settings.split.validation_fraction)
    with replacing(rejected) as refused, refused.open("w", newline="", encoding="utf-8") as stream:
        Rejects(stream, settings.data.labels)
    with replacing(target) as parquet:
        pq.write_table(series.to_table(values, parts), parquet)
    splits = {name: {"values": part.stop - part.start} for name, part in parts.items()}
    counts = {"rows_read": len(values), "rows_kept": len(values), "rows_rejected": {"total": 0}}
    write_json(summary, {**counts, "splits": splits})


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rejected", type=Path, required=True)
    parser.add_argument("--summary", type=Path, required=True)
    flags = parser.parse_args()
    settings = params.read()
    ingest = ingest_series if settings.task == "series" else ingest_reviews
    ingest(settings, Path(settings.data.csv), flags.out, flags.rejected, flags.summary)


if __name__ == "__main__":
    sys.exit(exit_status(main))
