"""Decides which rows are kept, why the others are rejected, and which split each belongs to."""

from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rnnlab.data import labels
from rnnlab.data.csv_rows import Rows
from rnnlab.features.clean_rows import SPLITS
from rnnlab.features.text import clean
from rnnlab.project.errors import UNSEEN, UserError
from rnnlab.project.sections.data import Data, Split, is_label
from rnnlab.project.sections.kinds import AUTO
from rnnlab.project.tasks import SLICE

UNASSIGNED = -1
BLANK = "(blank)"  # the value of a blank cell, or of one that the data lack
MOST_SLICES = 50  # values of a column that results are split by
LONGEST_SLICE = 100  # characters of such a value
SHOWN_LABELS = 5  # in a message
Codes = npt.NDArray[np.integer[Any]]  # numbers of labels, or splits (index in `SPLITS`, or `UNASSIGNED`)
Labels = Sequence[str]  # by their numbers


class CheckedRows(NamedTuple):
    """A batch after the checks that look at one row at a time."""

    accepted: pa.Table  # columns row, text, label, assigned (index in `SPLITS` or `UNASSIGNED`), and those of slices
    digests: npt.NDArray[np.uint64]  # 64-bit hashes of the accepted texts, of shape (rows,)
    rejected: pa.Table  # columns row, reason, label, text


class Duplicates(NamedTuple):
    """What a comparison of all accepted rows shows; arrays of shape (rows,)."""

    keep: npt.NDArray[np.bool_]
    first: npt.NDArray[np.int64]  # index of the first row with the same text
    conflict: npt.NDArray[np.bool_]  # whether the text occurs with different labels


def check_rows(rows: Rows, labels: Labels, has_splits: bool, slices: Sequence[str] = ()) -> CheckedRows:
    """Cleans a batch and rejects blank texts, unknown labels and, if the data name splits, unknown splits.

    Where the labels are `AUTO`, each that can be one is known.
    """
    numbers = pa.array(rows.numbers, pa.int64())
    raw, written_labels, split_names = (pa.array(cells, pa.string()) for cells in rows[1:4])
    texts, written_labels = clean(raw), pc.utf8_trim_whitespace(written_labels)
    known_labels = filter(is_label, written_labels.unique().to_pylist()) if labels == AUTO else labels
    is_known = pc.is_in(written_labels, value_set=pa.array(list(known_labels), pa.string()))
    assigned = pc.index_in(pc.utf8_lower(pc.utf8_trim_whitespace(split_names)), value_set=pa.array(SPLITS))
    is_blank = pc.invert(pc.match_substring_regex(texts, r"[\p{L}\p{N}]"))
    faults = pc.make_struct(is_blank, pc.invert(is_known), pc.and_(pc.is_null(assigned), pa.scalar(has_splits)))
    reason = pc.case_when(faults, "blank text", "unknown label", "unknown split")
    known = {"label": written_labels, "assigned": pc.fill_null(assigned, UNASSIGNED).cast(pa.int8())}
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


def find_labels(counts: Mapping[str, int], data: Data, source: object) -> Labels:
    """Puts the labels of all accepted rows, with their numbers of rows, in order: numbers by size, others by alphabet.

    Raises:
        UserError: they cannot be what the user means; names ``source``.
    """
    if data.label_column in counts:
        problem = f"a row has the label {data.label_column!r}: remove the header that is repeated among the rows"
        raise UserError(f"{source}: {problem}")
    if counts and (wrong := labels.problem(counts, data.max_labels)):
        raise UserError(f"{source}: column {data.label_column!r} {wrong}; data.label_column names the column")
    try:
        return sorted(counts, key=float)
    except ValueError:
        return sorted(counts)


def find_duplicates(digests: npt.NDArray[np.uint64], labels: Codes) -> Duplicates:
    """Keeps the first row of each text, and none of a text that has different labels; arrays of shape (rows,)."""
    _, first, group, count = np.unique(digests, return_index=True, return_inverse=True, return_counts=True)
    differs = labels != labels[first][group]
    conflict = (np.bincount(group, weights=differs, minlength=len(count)) > 0)[group]
    return Duplicates(~conflict & (first[group] == np.arange(len(digests))), first[group], conflict)


def assign_splits(digests: npt.NDArray[np.uint64], labels: Codes, assigned: Codes, split: Split) -> Codes:
    """Draws the splits, stratified by label; the same texts in another order get the same splits.

    Args:
        digests: hashes of the texts, of shape (rows,).
        labels: numbers of labels, of shape (rows,).
        assigned: splits that the data name, of shape (rows,); read by the method ``column`` only.
        split: method, fractions, and the seed of the draw.

    Returns:
        Index in `SPLITS` of each row, of shape (rows,); `UNASSIGNED` for training rows that the share of these leaves
        out. The rows of a smaller share are among those of a larger one. A label of three rows is in every split.
    """
    splits = np.full(len(digests), UNASSIGNED, np.int8) if split.method == "random" else assigned.copy()
    generator = np.random.default_rng(split.seed)
    for label in range(int(labels.max()) + 1):
        rows = np.flatnonzero(labels == label)
        rows = rows[np.argsort(digests[rows])]
        generator.shuffle(rows)
        if split.method == "random":
            tests = rows_of(split.test_fraction, len(rows))
            splits[rows[:tests]] = SPLITS.index("test")
            rows = rows[tests:]
        else:
            rows = rows[splits[rows] == SPLITS.index("train")]
        if split.method == "random" or not (assigned == SPLITS.index("validation")).any():
            held_out = rows_of(split.validation_fraction, len(rows))
            splits[rows[:held_out]] = SPLITS.index("validation")
            rows = rows[held_out:]
        kept = rows_of(split.train_share, len(rows))
        splits[rows[:kept]] = SPLITS.index("train")
        splits[rows[kept:]] = UNASSIGNED
    return splits


def rows_of(share: float, rows: int) -> int:
    """Returns how many of a label's rows a share is, one at least where others are left."""
    return max(round(rows * share), int(rows > 1))


def check_enough(splits: Codes, labels: Codes, names: Labels, source: object) -> None:
    """Refuses data that no model can be trained or tested on.

    Raises:
        UserError: a label has no rows at all, or none in one of the splits; names ``source``.
    """
    totals = np.bincount(labels, minlength=len(names))
    for name, total in zip(names, totals, strict=True):
        if not total:
            raise UserError(f"{source}: no usable row has the label {name!r}; correct data.labels")
    for split, counts in _counts(splits, labels, names).items():
        missing = [f"{name!r} ({totals[number]})" for number, name in enumerate(names) if not counts[name]]
        if missing:
            more = f" and {len(missing) - SHOWN_LABELS} more" if len(missing) > SHOWN_LABELS else ""
            which = ", ".join(missing[:SHOWN_LABELS]) + more
            problem = f"no row in the {split} split for each label with so few usable rows: {which}"
            advice = "add rows, leave these labels out by naming the others in data.labels, or change split"
            raise UserError(f"{source}: {problem}; {advice}")


def summarise(labels: Codes, splits: Codes, reasons: dict[str, int], names: Labels) -> dict[str, object]:
    """Lists the labels, counts kept rows by split and label, rows that are left out, and rejected rows by reason."""
    rejected = {"total": sum(reasons.values()), **dict(sorted(reasons.items()))}
    kept = int((splits != UNASSIGNED).sum())
    counts = {"rows_kept": kept, "rows_left_out": len(labels) - kept, "rows_rejected": rejected}
    return {
        "labels": list(names),
        "rows_read": len(labels) + rejected["total"],
        **counts,
        "splits": _counts(splits, labels, names),
    }


def _counts(splits: Codes, labels: Codes, names: Labels) -> dict[str, dict[str, int]]:
    counts = {split: np.bincount(labels[splits == index], minlength=len(names)) for index, split in enumerate(SPLITS)}
    return {split: dict(zip(names, of_split.tolist(), strict=True)) for split, of_split in counts.items()}
