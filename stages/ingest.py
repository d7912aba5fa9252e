"""CSV of labelled texts, or of a series → clean Parquet with splits, and the rows that were refused."""

import argparse
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from rnnlab import engines, params, reviews, screening, series, source_files
from rnnlab.csv_files import row_writer
from rnnlab.errors import UserError, exit_status
from rnnlab.files import replacing, write_json
from rnnlab.params import Params
from rnnlab.spreadsheets import defused

Labels = npt.NDArray[np.int8]
Splits = npt.NDArray[np.int8]
HEADER = ("row", "reason", "label", "text")  # of the refused rows


def write_rejects(target: Path, names: Sequence[str], folders: Sequence[Path]) -> Counter[str]:
    """Writes the refused rows for people to look at, with their file where there are several; counts the reasons."""
    many = len(names) > 1
    reasons: Counter[str] = Counter()
    with target.open("w", newline="", encoding="utf-8") as stream:
        write = row_writer(stream)
        write([*HEADER, *(["file"] if many else [])])
        for name, refused in screening.refused_rows(names, folders):
            reasons.update(refused["reason"].to_pylist())
            columns = (refused[name].to_pylist() for name in ("row", "detail", "label", "text"))
            for row, detail, label, text in zip(*columns, strict=True):
                write([row, detail, defused(label), defused(text), *([defused(name)] if many else [])])
    return reasons


def decide(settings: Params, folders: Sequence[Path], source: Path) -> tuple[Labels, Splits]:
    """Tells each file what becomes of its rows; returns label and split of those that are kept, int8 (rows,)."""
    columns = screening.read_columns(folders)
    fates = reviews.find_duplicates(columns.digests, columns.labels)
    keep = fates.keep
    splits = np.full(len(keep), reviews.UNASSIGNED, np.int8)
    labels = columns.labels[keep]
    if keep.any():
        splits[keep] = reviews.assign_splits(
            columns.digests[keep], labels, columns.assigned[keep], settings.split, settings.seed
        )
        reviews.check_enough(splits[keep], labels, settings.data.labels, source)
    screening.write_fates(folders, columns, fates, splits)
    return labels, splits[keep]


def ingest_reviews(settings: Params, source: Path, target: Path, rejected: Path, summary: Path) -> None:
    """Runs both passes; memory grows by some 60 bytes a row, not with the texts."""
    work = target.parent / "screened"
    files = source_files.find(source, settings.data)
    names = [str(file.relative_to(source)) for file in files]
    folders = screening.screen(settings, files, work)
    try:
        labels, splits = decide(settings, folders, source)
        with replacing(rejected) as refused, replacing(target) as rows:
            screening.keep(settings, names, folders, rows)
            reasons = write_rejects(refused, names, folders)
            if not len(labels):
                counts = ", ".join(f"{count} × {reason}" for reason, count in reasons.items())
                raise UserError(f"{source}: every row was rejected ({counts}); check data.labels and data.text_column")
        write_json(summary, reviews.summarise(labels, splits, reasons, settings.data.labels))
    finally:
        shutil.rmtree(work)


def ingest_series(settings: Params, source: Path, target: Path, rejected: Path, summary: Path) -> None:
    """Splits a series in time; a row cannot be left out of it, so a bad one is an error and none is refused."""
    if source.is_dir():
        raise UserError(f"{source}: is a folder; a series is one CSV: name it in data.csv")
    values = series.read_values(source, settings.data)
    parts = series.split_series(len(values), settings.split.test_fraction, settings.split.validation_fraction)
    with replacing(rejected) as refused:
        write_rejects(refused, [], [])
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
    with engines.started(settings.data.engine):
        ingest(settings, Path(settings.data.csv), flags.out, flags.rejected, flags.summary)


if __name__ == "__main__":
    sys.exit(exit_status(main))
