"""Decides which rows are kept, why the others are rejected, and which split each belongs to."""

from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rnnlab.data.csv_rows import Rows
from rnnlab.features.clean_rows import SPLITS
from rnnlab.features.text import clean
from rnnlab.project.errors import UserError
from rnnlab.project.params import Split

UNASSIGNED = -1


class CheckedRows(NamedTuple):
    """A batch after the checks that look at one row at a time.

    Attributes:
        accepted: columns row, text, label, assigned (index in `SPLITS` or `UNASSIGNED`).
        digests: 64-bit hashes of the accepted texts, uint64 of shape (rows,).
        rejected: columns row, reason, label, text.
    """

    accepted: pa.Table
    digests: npt.NDArray[np.uint64]
    rejected: pa.Table


class Duplicates(NamedTuple):
    """What a comparison of all accepted rows shows; arrays of shape (rows,).

    Attributes:
        keep: bool, whether the row is kept.
        first: index of the first row with the same text.
        conflict: bool, whether the text occurs with both labels.
    """

    keep: npt.NDArray[np.bool_]
    first: npt.NDArray[np.int64]
    conflict: npt.NDArray[np.bool_]


def check_rows(rows: Rows, labels: tuple[str, str], has_splits: bool) -> CheckedRows:
    """Cleans a batch and rejects blank texts, unknown labels and, if the data name splits, unknown splits."""
    texts = clean(pa.array(rows.texts, pa.string()))
    written_labels = pc.utf8_trim_whitespace(pa.array(rows.labels, pa.string()))
    codes = pc.index_in(written_labels, value_set=pa.array(labels))
    split_names = pc.utf8_lower(pc.utf8_trim_whitespace(pa.array(rows.splits, pa.string())))
    assigned = pc.index_in(split_names, value_set=pa.array(SPLITS))
    has_words = pc.match_substring_regex(texts, r"[\p{L}\p{N}]")
    reason = pc.case_when(
        pc.make_struct(pc.invert(has_words), pc.is_null(codes), pc.and_(pc.is_null(assigned), pa.scalar(has_splits))),
        "blank text",
        "unknown label",
        "unknown split",
    )
    numbers = pa.array(rows.numbers, pa.int64())
    accepted = pa.table(
        {
            "row": numbers,
            "text": texts,
            "label": codes.cast(pa.int8()),
            "assigned": pc.fill_null(assigned, UNASSIGNED).cast(pa.int8()),
        }
    ).filter(pc.is_null(reason))
    rejected = pa.table(
        {"row": numbers, "reason": reason, "label": written_labels, "text": pa.array(rows.texts, pa.string())}
    )
    return CheckedRows(accepted, _digests(accepted["text"]), rejected.filter(pc.is_valid(reason)))


def _digests(texts: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    hashes = b"".join(blake2b(text.encode(), digest_size=8).digest() for text in texts.to_pylist())
    return np.frombuffer(hashes, ">u8").astype(np.uint64)


def find_duplicates(digests: npt.NDArray[np.uint64], labels: npt.NDArray[np.int8]) -> Duplicates:
    """Keeps the first row of each text, and none of a text that occurs with both labels.

    Args:
        digests: hashes of the texts, uint64 of shape (rows,).
        labels: 0 or 1, int8 of shape (rows,).
    """
    _, first, group, count = np.unique(digests, return_index=True, return_inverse=True, return_counts=True)
    positive = np.bincount(group, weights=labels, minlength=len(count))
    conflict = ((positive > 0) & (positive < count))[group]
    return Duplicates(~conflict & (first[group] == np.arange(len(digests))), first[group], conflict)


def assign_splits(
    digests: npt.NDArray[np.uint64],
    labels: npt.NDArray[np.int8],
    assigned: npt.NDArray[np.int8],
    split: Split,
) -> npt.NDArray[np.int8]:
    """Draws the splits, stratified by label; the same texts in another order get the same splits.

    Args:
        digests: hashes of the texts, uint64 of shape (rows,).
        labels: 0 or 1, int8 of shape (rows,).
        assigned: splits that the data name, int8 of shape (rows,); read by the method ``column`` only.
        split: method, fractions, and the seed of the draw.

    Returns:
        Index in `SPLITS` of each row, int8 of shape (rows,).
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
        splits[rows] = SPLITS.index("train")
    return splits


def check_enough(
    splits: npt.NDArray[np.int8], labels: npt.NDArray[np.int8], names: tuple[str, str], source: object
) -> None:
    """Refuses data that no model can be trained or tested on.

    Raises:
        UserError: a class has no rows at all, or none in one of the splits; names ``source``.
    """
    for code, name in enumerate(names):
        if not (labels == code).any():
            raise UserError(f"{source}: no usable row has the label {name!r}; two classes are needed (data.labels)")
    for index, split in enumerate(SPLITS):
        for code, name in enumerate(names):
            if not ((splits == index) & (labels == code)).any():
                total = int((labels == code).sum())
                raise UserError(
                    f"{source}: {total} usable rows are labelled {name!r}, too few for a row in the {split} split;"
                    " add rows, or change split.test_fraction or split.validation_fraction"
                )


def summarise(
    labels: npt.NDArray[np.int8],
    splits: npt.NDArray[np.int8],
    reasons: dict[str, int],
    names: tuple[str, str],
) -> dict[str, object]:
    """Counts kept rows by split and label, and rejected rows by reason."""
    counts = {
        split: {name: int(((splits == index) & (labels == code)).sum()) for code, name in enumerate(names)}
        for index, split in enumerate(SPLITS)
    }
    rejected = sum(reasons.values())
    return {
        "rows_read": len(labels) + rejected,
        "rows_kept": len(labels),
        "rows_rejected": {"total": rejected, **dict(sorted(reasons.items()))},
        "splits": counts,
    }
