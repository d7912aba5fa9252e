"""Turns the user's file or folder into clean rows with splits, and sets the rejected rows aside."""

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rnnlab.data import reviews, screening, sequences, series, sources, steps
from rnnlab.data.csv_files import row_writer
from rnnlab.data.reviews import Codes, Labels
from rnnlab.project.dataframes import defused
from rnnlab.project.errors import UserError
from rnnlab.project.files import replacing, write_json
from rnnlab.project.params import Params
from rnnlab.project.tasks import COVARIATE, SLICE

HEADER = ("row", "reason", "label", "text")  # of the rejected rows


def ingest(settings: Params, source: Path, target: Path, rejected: Path, summary: Path) -> None:
    """Writes the clean rows of a file or folder, its rejected rows, and counts of both.

    Args:
        settings: task, data and split.
        source: the user's file, or a folder of files with the same columns.
        target: Parquet file to write; a folder of these if ``source`` has several files.
        rejected: CSV file to write, for people to look at.
        summary: JSON file to write.

    Raises:
        UserError: the data cannot be read or split; names the file and row.
    """
    before = sources.states(source, settings.data)
    INGESTERS[settings.task](settings, source, target, rejected, summary)
    if sources.states(source, settings.data) != before:
        raise UserError(f"{source}: changed while it was read; run again once it is complete")


def _ingest_reviews(settings: Params, source: Path, target: Path, rejected: Path, summary: Path) -> None:
    """Runs both passes; memory grows by some 60 bytes per row, not with the texts."""
    work = target.parent / "screened"
    files = sources.find(source, settings.data)
    names = [file.relative_to(source).as_posix() for file in files]
    folders = screening.first_pass(settings, files, work)
    try:
        names_of_labels, labels, splits = _decide(settings, folders, source)
        with replacing(rejected) as rejected_part, replacing(target) as rows:
            screening.second_pass(settings, names_of_labels, names, folders, rows)
            reasons = _write_rejected(rejected_part, names, folders)
            slices = _check_slices(settings, rows, source)
            if not len(labels):
                counts = ", ".join(f"{count} × {reason}" for reason, count in reasons.items())
                raise UserError(f"{source}: every row was rejected ({counts}); check data.labels and data.text_column")
        write_json(summary, {**reviews.summarise(labels, splits, reasons, names_of_labels), "slices": slices})
    finally:
        shutil.rmtree(work)


def _decide(settings: Params, folders: Sequence[Path], source: Path) -> tuple[Labels, Codes, Codes]:
    """Decides which rows of each file are kept; returns the names of all labels, and the rows' labels and splits."""
    columns = screening.read_columns(folders, settings.data, source)
    duplicates = reviews.find_duplicates(columns.digests, columns.labels)
    keep = duplicates.keep
    splits = np.full(len(keep), reviews.UNASSIGNED, np.int8)
    labels = columns.labels[keep]
    if keep.any():
        splits[keep] = reviews.assign_splits(columns.digests[keep], labels, columns.assigned[keep], settings.split)
        reviews.check_enough(splits[keep], labels, columns.names, source)
    screening.write_decisions(folders, columns, duplicates, splits)
    return columns.names, labels, splits[keep]


def _check_slices(settings: Params, rows: Path, source: Path) -> dict[str, dict[str, int]]:
    """Counts the kept rows by each column that results are split by; those that no row has a value of are left out."""
    counts = {}
    for name in settings.evaluate.slices:
        column = pq.read_table(rows, columns=[f"{SLICE}{name}"]).column(0)
        counts[name] = {str(pair["values"]): pair["counts"] for pair in column.value_counts().to_pylist()}
    reviews.check_slices(counts, source)
    for name in [name for name, found in counts.items() if set(found) <= {reviews.BLANK}]:
        del counts[name]
        print(f"{source}: no column {name!r}, so that results are not split by it (evaluate.slices)")
    return counts


def _write_rejected(target: Path, names: Sequence[str], folders: Sequence[Path]) -> Counter[str]:
    """Writes the rejected rows, with their file if there are several; counts the reasons."""
    columns = len(HEADER) + (len(names) > 1)
    rejected = ((name, row) for name, batch in screening.rejected_rows(names, folders) for row in batch.to_pylist())
    return _write_rows(target, rejected, columns)


def _write_rows(target: Path, rejected: Iterable[tuple[str, Mapping[str, Any]]], columns: int) -> Counter[str]:
    """Writes so many columns of rejected rows, each with the name of its file; counts the reasons."""
    reasons: Counter[str] = Counter()
    with target.open("w", newline="", encoding="utf-8") as stream:
        write = row_writer(stream)
        write([*HEADER, "file"][:columns])
        for name, row in rejected:
            reasons[row["reason"]] += 1
            write([row["row"], row["detail"], *map(defused, (row["label"], row["text"], name))][:columns])
    return reasons


def _ingest_series(settings: Params, source: Path, target: Path, rejected: Path, summary: Path) -> None:
    """Splits each series in time; none can do without a row, so that a bad one is an error instead of rejected."""
    if source.is_dir():
        raise UserError(f"{source}: is a folder; a series is a single CSV, to be named in data.csv")
    found, split = series.read(source, settings.data, calendar=settings.series.calendar), settings.split
    tables, splits = [], Counter[str]()
    for name, one in found.items():
        rows = round(len(one.values) * split.until)
        parts = series.split_series(rows, split.test_fraction, split.validation_fraction, split.train_share)
        tables.append(series.to_table(one, parts, name))
        splits.update({split_name: part.stop - part.start for split_name, part in parts.items()})
    table = _joined(tables, source)
    with replacing(rejected) as rejected_part:
        _write_rejected(rejected_part, [], [])
    with replacing(target) as parquet:
        pq.write_table(table, parquet)
    usable, early = (
        sum(count) for count in zip(*((len(one.values), one.early) for one in found.values()), strict=True)
    )
    counts: dict[str, object] = {"rows_read": usable + early, "rows_kept": len(table)}
    counts |= {"rows_left_out": usable - len(table), "rows_rejected": {"total": 0}, "labels": []}
    filled = sum((Counter(one.gaps) for one in found.values()), Counter[str]())
    several = {"series": list(found)} if settings.data.series_column else {}
    values = {name: {"values": count} for name, count in splits.items()}
    write_json(summary, {**counts, **several, "rows_before_first": early, "filled": dict(filled), "splits": values})


def _joined(tables: Sequence[pa.Table], source: Path) -> pa.Table:
    """Puts the rows of several series one after the other; all have the same kinds of columns, or it is an error."""
    first = tables[0].schema
    for table in tables:
        for field in table.schema:
            if field.type != first.field(field.name).type:
                one, other = (each["series"][0].as_py() for each in (tables[0], table))
                problem = f"column {field.name.removeprefix(COVARIATE)!r} has numbers in one of the series {one!r} and"
                raise UserError(f"{source}: {problem} {other!r}, and words in the other; leave it out")
    return pa.concat_tables(tables)


def _ingest_sequences(settings: Params, source: Path, target: Path, rejected: Path, summary: Path) -> None:
    """Reads sequences whole; one with a bad step is an error, as others of the same making are likely to have some."""
    files = sources.find(source, settings.data)
    columns = steps.find_columns(files[0], settings)
    screened = sequences.screen(settings, source, files, columns)
    with replacing(rejected) as rejected_part, replacing(target) as rows:
        pq.write_table(sequences.to_table(screened, columns, settings), rows)
        refused = ((str(row["file"]), row) for row in screened.rejected)
        reasons = _write_rows(rejected_part, refused, len(HEADER) + (len(files) > 1))
        slices = _check_slices(settings, rows, source)
    counts = reviews.summarise(screened.labels, screened.splits, reasons, screened.names)
    write_json(summary, {**counts, "channels": list(columns.channels), "slices": slices})


INGESTERS = {"text": _ingest_reviews, "series": _ingest_series, "sequences": _ingest_sequences}
