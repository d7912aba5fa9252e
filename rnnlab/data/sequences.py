"""Reads labelled sequences of numbers, a row per step, and decides which are kept and which split each belongs to."""

import math
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rnnlab.data import reviews
from rnnlab.data.csv_rows import read_cells, read_first
from rnnlab.data.reviews import BLANK, UNASSIGNED, Codes, Labels
from rnnlab.data.series import LARGEST, parse_number
from rnnlab.features.clean_rows import SPLITS, carried
from rnnlab.features.sequences import CHANNEL
from rnnlab.project.errors import UserError
from rnnlab.project.params import AUTO, Data, Params, Split, is_label
from rnnlab.project.tasks import SLICE

# One row a sequence; columns of channels and slices follow.
SCHEMA = pa.schema(
    [
        ("id", pa.string()),  # hash of the values, 16 hex digits: equal sequences have equal ids
        ("row", pa.int64()),  # of its first step in the CSV, counted from 1
        ("sequence", pa.string()),  # its name in the CSV
        ("label", pa.int16()),  # number of the label, from 0, as reports/data.json lists them
        ("split", pa.string()),
        ("group", pa.string()),  # "" without split.group_column
    ]
)


class Columns(NamedTuple):
    """The names of columns, by what is read from them; all are there but those of slices."""

    channels: tuple[str, ...]
    labels: dict[str, str]  # what each sequence has one of, by the parameter that names its column
    slices: tuple[str, ...]


class Found(NamedTuple):
    """One sequence as it stands in the file."""

    row: int  # of its first step
    name: str
    values: npt.NDArray[np.float64]  # of shape (steps, channels)
    facts: dict[str, str]  # what it has one of, by column


def schema(channels: Sequence[str], slices: Sequence[str]) -> pa.Schema:
    """Returns the schema of clean sequences with some channels, which carry some columns of the data along."""
    values = [pa.field(f"{CHANNEL}{name}", pa.list_(pa.float64())) for name in channels]
    return pa.schema([*SCHEMA, *values, *(pa.field(*each) for each in carried(slices))])


def find_columns(source: Path, settings: Params) -> Columns:
    """Finds the columns to read; channels that are not named are those with a number in the first row.

    Raises:
        UserError: there is no such column, or one has two tasks.
    """
    data, split = settings.data, settings.split
    labels = {"data.label_column": data.label_column}
    labels |= {"split.column": split.column} if split.method == "column" else {}
    labels |= {"split.group_column": split.group_column} if split.group_column else {}
    order = {"data.step_column": data.step_column} if data.step_column else {}
    named = {"data.sequence_column": data.sequence_column, **order, **labels}
    first = read_first(source, data)
    others = [name for name in first if name not in (*named.values(), *settings.evaluate.slices)]
    channels = data.channels or tuple(name for name in others if parse_number(first[name]) is not None)
    if not channels:
        raise UserError(f"{source}: no column begins with a number; name the columns of numbers in data.channels")
    for key, name in named.items():
        if name in channels:
            raise UserError(f"data.channels: {name!r} is the column of {key}; a network would read its own answer")
    slices = tuple(name for name in settings.evaluate.slices if name not in labels.values())
    return Columns(channels, labels, slices)


def read_sequences(source: Path, data: Data, columns: Columns) -> Iterator[Found]:
    """Reads sequences one after the other.

    Raises:
        UserError: a value is no finite number, a sequence has no step, steps that do not rise, two places in the file,
            or two labels (or splits, groups, or values of a slice); names the row.
    """
    ended: dict[str, int] = {}
    open_name, first, last, values = "", 0, 0, array("d")
    facts: dict[str, str] = {}
    step = -math.inf
    for row, name, position, told, numbers in _rows(source, data, columns):
        if name != open_name:
            if first:
                yield _found(first, open_name, values, facts, columns)
                ended[open_name] = last
            if name in ended:
                problem = f"row {row} begins sequence {name!r} again, which ended in row {ended[name]}"
                raise UserError(f"{source}: {problem}; put its rows next to each other, or give one another name")
            open_name, first, facts, values, step = name, row, told, array("d"), -math.inf
        for column, value in told.items():
            if value != facts[column]:
                problem = f"sequence {name!r} has {facts[column]!r} and, in row {row}, {value!r} in column {column!r}"
                raise UserError(f"{source}: {problem}; expected the same in all rows of a sequence")
        if position <= step:
            problem = f"row {row} of sequence {name!r} has step {position:g} after step {step:g}"
            advice = "sort its rows, or set data.step_column to null if they are in order"
            raise UserError(f"{source}: {problem}; expected steps that rise; {advice}")
        values.extend(numbers)
        last, step = row, position
    if first:
        yield _found(first, open_name, values, facts, columns)


def _found(row: int, name: str, values: "array[float]", facts: dict[str, str], columns: Columns) -> Found:
    return Found(row, name, np.array(values, np.float64).reshape(-1, len(columns.channels)), facts)


def _rows(source: Path, data: Data, columns: Columns) -> Iterator[tuple[int, str, float, dict[str, str], list[float]]]:
    """Yields the number of each row, its sequence, its step, what its sequence has one of, and its values."""
    wanted = {"data.sequence_column": data.sequence_column}
    wanted |= {"data.step_column": data.step_column} if data.step_column else {}
    wanted |= {f"data.channels[{number}]": name for number, name in enumerate(columns.channels)}
    wanted |= columns.labels
    several = columns.labels.values()
    for row, (name, *cells) in read_cells(source, data, wanted, columns.slices):
        if not name.strip():
            raise UserError(f"{source}: row {row} has no value in column {data.sequence_column!r}; name its sequence")
        position = float(row)
        if data.step_column:
            position = _parse(source, row, data.step_column, cells.pop(0), "data.step_column")
        numbers, told = cells[: len(columns.channels)], cells[len(columns.channels) :]
        if not any(map(str.strip, numbers)):
            problem = f"row {row} of sequence {name!r} has no value in any of the channels"
            raise UserError(f"{source}: {problem}; expected a step of numbers; a sequence without steps cannot be read")
        values = [
            _parse(source, row, channel, cell, "data.channels")
            for channel, cell in zip(columns.channels, numbers, strict=True)
        ]
        facts = {key: cell.strip() for key, cell in zip((*several, *columns.slices), told, strict=True)}
        yield row, name.strip(), position, facts, values


def _parse(source: Path, row: int, column: str, cell: str, key: str) -> float:
    number = parse_number(cell)
    if number is None or math.isnan(number) or abs(number) > LARGEST:
        expected = f"a finite number such as -1.5 (see {key}, data.delimiter)"
        raise UserError(f"{source}: row {row} has {cell[:40]!r} in column {column!r}; expected {expected}")
    return number


class Sequences(NamedTuple):
    """All sequences of a file whose label and split are known, and why others are rejected.

    Attributes:
        labels: numbers of labels, of shape (sequences,), by ``names``.
        splits: of shape (sequences,); `UNASSIGNED` for training rows that ``split.train_share`` leaves out.
        rejected: rows of the table of rejected ones: row, reason, detail, label, text (here, the name).
    """

    found: list[Found]
    ids: list[str]
    names: Labels
    labels: Codes
    splits: Codes
    rejected: list[dict[str, object]]


def screen(settings: Params, source: Path, columns: Columns) -> Sequences:
    """Reads all sequences, rejects some, and decides on the splits of the others.

    Raises:
        UserError: as `read_sequences` does; or they cannot be split as asked.
    """
    data, rejected, kept = settings.data, [], []
    for one in read_sequences(source, data, columns):
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
    for index in np.flatnonzero(~duplicates.keep):
        reason = "same values with different labels" if duplicates.conflict[index] else "duplicate"
        first = kept[duplicates.first[index]].row
        rejected.append(_refused(kept[index], reason, f"{reason} (row {first} is the first)", data))
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
    return {"row": one.row, "reason": reason, "detail": detail, "label": label, "text": one.name}


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
    }
    rows |= {f"{CHANNEL}{name}": [one.values[:, at] for one in found] for at, name in enumerate(columns.channels)}
    rows |= {f"{SLICE}{name}": [one.facts.get(name) or BLANK for one in found] for name in slices}
    return pa.table(rows, schema(columns.channels, slices))
