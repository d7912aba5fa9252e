"""Decides which labelled sequences of numbers are kept, and which split each belongs to."""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rnnlab.data import reviews
from rnnlab.data.reviews import BLANK, UNASSIGNED, Codes, Labels
from rnnlab.data.steps import Columns, Found, read_sequences
from rnnlab.features.clean_rows import SPLITS, carried
from rnnlab.features.sequences import CHANNEL
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.sections.data import Data, Split, is_label
from rnnlab.project.sections.kinds import AUTO
from rnnlab.project.tasks import SLICE

# One row a sequence; columns of channels and slices follow.
SCHEMA = pa.schema(
    [
        ("id", pa.string()),  # hash of the values, 16 hex digits: equal sequences have equal ids
        ("row", pa.int64()),  # of its first step in its file, counted from 1
        ("sequence", pa.string()),  # its name in the CSV
        ("label", pa.int16()),  # number of the label, from 0, as reports/data.json lists them
        ("split", pa.string()),
        ("group", pa.string()),  # "" without split.group_column
        ("rise", pa.float64()),  # the smallest from one step to the next
    ]
)


def schema(channels: Sequence[str], slices: Sequence[str]) -> pa.Schema:
    """Returns the schema of clean sequences with some channels, which carry some columns of the data along."""
    values = [pa.field(f"{CHANNEL}{name}", pa.list_(pa.float64())) for name in channels]
    return pa.schema([*SCHEMA, *values, *(pa.field(*each) for each in carried(slices))])


class Sequences(NamedTuple):
    """All sequences of a file whose label and split are known, and why others are rejected.

    Attributes:
        labels: numbers of labels, of shape (sequences,), by ``names``.
        splits: of shape (sequences,); `UNASSIGNED` for training rows that ``split.train_share`` leaves out.
        rejected: rows of the table of rejected ones: row, reason, detail, label, text (here, the name), file.
    """

    found: list[Found]
    ids: list[str]
    names: Labels
    labels: Codes
    splits: Codes
    rejected: list[dict[str, object]]


def screen(settings: Params, source: Path, files: Sequence[Path], columns: Columns) -> Sequences:
    """Reads all sequences of some files, rejects some, and decides on the splits of the others.

    ``source`` is what the user named: a file, or the folder of these.

    Raises:
        UserError: as `read_sequences` does; or they cannot be split as asked.
    """
    data, rejected, kept = settings.data, [], []
    for one in read_sequences(files, data, columns):
        if reason := _fault(one, settings):
            rejected.append(_refused(one, reason, reason, data))
        else:
            kept.append(one)
    if not kept:
        raise UserError(f"{source}: every sequence was rejected; check data.labels and data.label_column")
    written = [one.facts[data.label_column] for one in kept]
    names = reviews.find_labels(Counter(written), data, source) if data.labels == AUTO else data.labels
    labels = np.array([names.index(label) for label in written], np.int16)
    digests = np.array([_digest(one.values) for one in kept], np.uint64)
    duplicates = reviews.find_duplicates(digests, labels)
    if not duplicates.keep.any():
        raise UserError(f"{source}: every sequence comes up with two labels; check data.channels and data.label_column")
    for index in np.flatnonzero(~duplicates.keep):
        reason = "same values with different labels" if duplicates.conflict[index] else "duplicate"
        first = kept[duplicates.first[index]]
        place = f"row {first.row}" + (f" of {first.file.name}" if len(files) > 1 else "")
        rejected.append(_refused(kept[index], reason, f"{reason} ({place} is the first)", data))
    kept = [one for one, keep in zip(kept, duplicates.keep, strict=True) if keep]
    labels, digests = labels[duplicates.keep], digests[duplicates.keep]
    splits = _assign(settings.split, kept, digests, labels, source)
    reviews.check_enough(splits, labels, names, source)
    return Sequences(kept, [f"{digest:016x}" for digest in digests], names, labels, splits, rejected)


def _fault(one: Found, settings: Params) -> str:
    """Says why a sequence is rejected; "" if it is not."""
    label, known = one.facts[settings.data.label_column], settings.data.labels
    if not is_label(label) if known == AUTO else label not in known:
        return "unknown label"
    split = settings.split
    return "unknown split" if split.method == "column" and one.facts[split.column].lower() not in SPLITS else ""


def _refused(one: Found, reason: str, detail: str, data: Data) -> dict[str, object]:
    label = one.facts[data.label_column]
    told = {"row": one.row, "reason": reason, "detail": detail, "label": label, "text": one.name}
    return {**told, "file": one.file.name}


def _digest(values: npt.NDArray[np.float64]) -> int:
    shaped = np.array(values.shape, np.int64).tobytes() + (values + 0.0).tobytes()  # -0.0 equals 0.0
    return int.from_bytes(blake2b(shaped, digest_size=8).digest(), "big")


def _assign(split: Split, kept: Sequence[Found], digests: npt.NDArray[np.uint64], labels: Codes, source: Path) -> Codes:
    """Returns the split of each sequence; whole groups are drawn before rows are."""
    assigned: Codes = np.full(len(kept), UNASSIGNED, np.int8)
    if split.method == "column":
        assigned[:] = [SPLITS.index(one.facts[split.column].lower()) for one in kept]
    if not split.group_column:
        return reviews.assign_splits(digests, labels, assigned, split)
    groups = [one.facts[split.group_column] or BLANK for one in kept]
    assigned = assign_groups(groups, assigned, split, source)
    return reviews.assign_splits(digests, labels, assigned, split.model_copy(update={"method": "column"}))


def assign_groups(groups: Sequence[str], assigned: Codes, split: Split, source: object) -> Codes:
    """Draws the split of whole groups, where the data do not name it; validation groups where they name only others.

    Args:
        groups: of each sequence.
        assigned: the splits that the data name, of shape (sequences,); read by the method ``column`` only.
        split: method, fractions (of the number of groups), and the seed of the draw.
        source: named in messages.

    Raises:
        UserError: there are too few groups, or one is in two splits.
    """
    of_group: dict[str, int] = {}
    for group, number in zip(groups, assigned.tolist(), strict=True):
        if of_group.setdefault(group, number) != number:
            both = " and ".join(SPLITS[each] for each in sorted((of_group[group], number)))
            problem = f"{group!r} in column {split.group_column!r} is in two splits, {both}"
            raise UserError(f"{source}: {problem}; name one split for all its rows, or set split.group_column to null")
    generator = np.random.default_rng(split.seed)
    if split.method == "random":
        _draw(of_group, UNASSIGNED, "test", split.test_fraction, generator, source)
        of_group |= {group: SPLITS.index("train") for group, number in of_group.items() if number == UNASSIGNED}
    if SPLITS.index("validation") not in of_group.values():
        _draw(of_group, SPLITS.index("train"), "validation", split.validation_fraction, generator, source)
    return np.array([of_group[group] for group in groups], np.int8)


def _draw(
    of_group: dict[str, int], pool: int, split: str, share: float, generator: np.random.Generator, source: object
) -> None:
    """Moves a share of the groups in one split, one at least, into another; a group must be left."""
    names = sorted(group for group, number in of_group.items() if number == pool)
    count = max(round(len(names) * share), 1)
    if count >= len(names):
        problem = f"{len(names)} groups to draw those of the {split} split from (split.group_column)"
        raise UserError(f"{source}: {problem}; expected three groups or more, one for each split")
    for index in generator.permutation(len(names))[:count]:
        of_group[names[index]] = SPLITS.index(split)


def to_table(screened: Sequences, columns: Columns, settings: Params) -> pa.Table:
    """Builds a table of `schema` from the sequences that have a split."""
    used = np.flatnonzero(screened.splits != UNASSIGNED).tolist()
    found = [screened.found[index] for index in used]
    group = settings.split.group_column
    slices = settings.evaluate.slices
    rows = {
        "id": [screened.ids[index] for index in used],
        "row": [one.row for one in found],
        "sequence": [one.name for one in found],
        "label": screened.labels[used],
        "split": [SPLITS[number] for number in screened.splits[used]],
        "group": [one.facts[group] or BLANK if group else "" for one in found],
        "rise": [one.rise for one in found],
    }
    rows |= {f"{CHANNEL}{name}": [one.values[:, at] for one in found] for at, name in enumerate(columns.channels)}
    rows |= {f"{SLICE}{name}": [one.facts.get(name) or BLANK for one in found] for name in slices}
    return pa.table(rows, schema(columns.channels, slices))
