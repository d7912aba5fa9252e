"""Decides which rows are kept, why the others are rejected, and which split each belongs to."""

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rnnlab.data.csv_rows import Rows
from rnnlab.features.clean_rows import SPLITS
from rnnlab.features.text import clean
from rnnlab.project.errors import UNSEEN, UserError
from rnnlab.project.params import Split
from rnnlab.project.tasks import SLICE

UNASSIGNED = -1
BLANK = "(blank)"  # the value of a blank cell, or of one that the data lack
MOST_SLICES = 50  # values of a column that results are split by
LONGEST_SLICE = 100  # characters of such a value
Codes = npt.NDArray[np.int8]  # labels (0 or 1), or splits (index in `SPLITS`, or `UNASSIGNED`)


class CheckedRows(NamedTuple):
    """A batch after the checks that look at one row at a time."""

    accepted: pa.Table  # columns row, text, label, assigned (index in `SPLITS` or `UNASSIGNED`), and those of slices
    digests: npt.NDArray[np.uint64]  # 64-bit hashes of the accepted texts, of shape (rows,)
    rejected: pa.Table  # columns row, reason, label, text


class Duplicates(NamedTuple):
    """What a comparison of all accepted rows shows; arrays of shape (rows,)."""

    keep: npt.NDArray[np.bool_]
    first: npt.NDArray[np.int64]  # index of the first row with the same text
    conflict: npt.NDArray[np.bool_]  # whether the text occurs with both labels


def check_rows(rows: Rows, labels: tuple[str, str], has_splits: bool, slices: Sequence[str] = ()) -> CheckedRows:
    """Cleans a batch and rejects blank texts, unknown labels and, if the data name splits, unknown splits."""
    numbers = pa.array(rows.numbers, pa.int64())
    raw, written_labels, split_names = (pa.array(cells, pa.string()) for cells in rows[1:4])
    texts, written_labels = clean(raw), pc.utf8_trim_whitespace(written_labels)
    codes = pc.index_in(written_labels, value_set=pa.array(labels))
    assigned = pc.index_in(pc.utf8_lower(pc.utf8_trim_whitespace(split_names)), value_set=pa.array(SPLITS))
    is_blank = pc.invert(pc.match_substring_regex(texts, r"[\p{L}\p{N}]"))
    faults = pc.make_struct(is_blank, pc.is_null(codes), pc.and_(pc.is_null(assigned), pa.scalar(has_splits)))
    reason = pc.case_when(faults, "blank text", "unknown label", "unknown split")
    known = {"label": codes.cast(pa.int8()), "assigned": pc.fill_null(assigned, UNASSIGNED).cast(pa.int8())}
    carried = zip(slices, zip(*rows.slices, strict=True), strict=True)
    known |= {f"{SLICE}{name}": pa.array([_slice(cell) for cell in cells], pa.string()) for name, cells in carried}
    accepted = pa.table({"row": numbers, "text": texts, **known}).filter(pc.is_null(reason))
    rejected = pa.table({"row": numbers, "reason": reason, "label": written_labels, "text": raw})
    hashes = b"".join(blake2b(text.encode(), digest_size=8).digest() for text in accepted["text"].to_pylist())
    digests = np.frombuffer(hashes, ">u8").astype(np.uint64)
    return CheckedRows(accepted, digests, rejected.filter(pc.is_valid(reason)))


def _slice(cell: str) -> str:
    return UNSEEN.sub("", cell).strip() or BLANK


def check_slices(values: Mapping[str, Collection[str]], source: object) -> None:
    """Refuses columns that do not split the rows into a few groups, from the distinct values of each.

    Raises:
        UserError: a column has too many values, or long texts; names ``source``.
    """
    for name, found in values.items():
        problem = f"{source}: evaluate.slices: column {name!r} has"
        if len(found) > MOST_SLICES:
            raise UserError(f"{problem} {len(found):,} different values; name one of at most {MOST_SLICES}")
        if (longest := max(map(len, found), default=0)) > LONGEST_SLICE:
            raise UserError(f"{problem} values of up to {longest:,} characters; name one of short values")


def find_duplicates(digests: npt.NDArray[np.uint64], labels: Codes) -> Duplicates:
    """Keeps the first row of each text, and none of a text that occurs with both labels; arrays of shape (rows,)."""
    _, first, group, count = np.unique(digests, return_index=True, return_inverse=True, return_counts=True)
    positive = np.bincount(group, weights=labels, minlength=len(count))
    conflict = ((positive > 0) & (positive < count))[group]
    return Duplicates(~conflict & (first[group] == np.arange(len(digests))), first[group], conflict)


def assign_splits(digests: npt.NDArray[np.uint64], labels: Codes, assigned: Codes, split: Split) -> Codes:
    """Draws the splits, stratified by label; the same texts in another order get the same splits.

    Args:
        digests: hashes of the texts, of shape (rows,).
        labels: 0 or 1, of shape (rows,).
        assigned: splits that the data name, of shape (rows,); read by the method ``column`` only.
        split: method, fractions, and the seed of the draw.

    Returns:
        Index in `SPLITS` of each row, of shape (rows,); `UNASSIGNED` for training rows that the share of these leaves
        out. The rows of a smaller share are among those of a larger one.
    """
    splits = np.full(len(digests), UNASSIGNED, np.int8) if split.method == "random" else assigned.copy()
    generator = np.random.default_rng(split.seed)
    for label in (0, 1):
        rows = np.flatnonzero(labels == label)
        rows = rows[np.argsort(digests[rows])]
        generator.shuffle(rows)
        if split.method == "random":
            tests = round(len(rows) * split.test_fraction)
            splits[rows[:tests]] = SPLITS.index("test")
            rows = rows[tests:]
        else:
            rows = rows[splits[rows] == SPLITS.index("train")]
        if split.method == "random" or not (assigned == SPLITS.index("validation")).any():
            held_out = round(len(rows) * split.validation_fraction)
            splits[rows[:held_out]] = SPLITS.index("validation")
            rows = rows[held_out:]
        kept = round(len(rows) * split.train_share)
        splits[rows[:kept]] = SPLITS.index("train")
        splits[rows[kept:]] = UNASSIGNED
    return splits


def check_enough(splits: Codes, labels: Codes, names: tuple[str, str], source: object) -> None:
    """Refuses data that no model can be trained or tested on.

    Raises:
        UserError: a class has no rows at all, or none in one of the splits; names ``source``.
    """
    totals = {name: int((labels == code).sum()) for code, name in enumerate(names)}
    for name, total in totals.items():
        if not total:
            raise UserError(f"{source}: no usable row has the label {name!r}; two classes are needed (data.labels)")
    for split, counts in _counts(splits, labels, names).items():
        for name, rows in counts.items():
            if not rows:
                problem = f"{totals[name]} usable rows are labelled {name!r}, too few for a row in the {split} split"
                advice = "add rows, or change split.test_fraction, split.validation_fraction or split.train_share"
                raise UserError(f"{source}: {problem}; {advice}")


def summarise(labels: Codes, splits: Codes, reasons: dict[str, int], names: tuple[str, str]) -> dict[str, object]:
    """Counts kept rows by split and label, training rows that are left out, and rejected rows by reason."""
    rejected = {"total": sum(reasons.values()), **dict(sorted(reasons.items()))}
    kept = int((splits != UNASSIGNED).sum())
    counts = {"rows_kept": kept, "rows_left_out": len(labels) - kept, "rows_rejected": rejected}
    return {
        "rows_read": len(labels) + rejected["total"],
        **counts,
        "splits": _counts(splits, labels, names),
    }


def _counts(splits: Codes, labels: Codes, names: tuple[str, str]) -> dict[str, dict[str, int]]:
    return {
        split: {name: int(((splits == index) & (labels == code)).sum()) for code, name in enumerate(names)}
        for index, split in enumerate(SPLITS)
    }
