"""Guesses which columns of a stranger's table hold labelled sequences of numbers, a row per step."""

from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from rnnlab.data import cells
from rnnlab.data.columns import FEW_NUMBERS, REPEATS, Column
from rnnlab.data.numbers import parse_number

FEWEST = 6  # sequences
Cells = Sequence[Sequence[str]]  # of rows


class Joined(NamedTuple):
    """Rows that a column joins to sequences.

    Attributes:
        column: the one whose equal values stand next to each other.
        runs: the rows of each sequence.
        facts: columns with one value in all rows of a sequence.
        labels: those of the facts that may be the label.
    """

    column: Column
    runs: Sequence[Cells]
    facts: list[Column]
    labels: list[Column]


def joined(columns: Sequence[Column], names: Sequence[str], rows: Cells, name: str | None = None) -> Joined | None:
    """Finds the column that joins rows to the most sequences, each with one label; ``name``, if any, is that column."""
    kept = [row for row in rows if len(row) == len(names)]
    found = []
    for column in columns:
        is_able = column.is_whole or column.kind == cells.WORDS
        if column.name != name and (name or not is_able or not FEWEST <= column.distinct <= column.filled / 2):
            continue
        place = names.index(column.name)
        runs = [list(run) for _, run in groupby(kept, key=lambda row: row[place].strip())]
        facts = [
            each for each in columns if each is not column and _each_run(runs, names.index(each.name), _is_constant)
        ]
        labels = _labels(columns, facts, len(runs))
        if name or (len(runs) == column.distinct and labels):
            found.append(Joined(column, runs, facts, labels))
    return max(found, key=lambda each: (len(each.runs), _is_called(each.column, cells.SEQUENCE_NAMES)), default=None)


def _labels(columns: Sequence[Column], facts: Sequence[Column], sequences: int) -> list[Column]:
    """Returns the facts that may be the label: few words, or numbers if the name says so, and of no group.

    Without any, and without dates, which speak of a series, few whole numbers will do.
    """
    able = [
        fact for fact in facts if 2 <= fact.distinct <= sequences / REPEATS and not _is_called(fact, cells.GROUP_NAMES)
    ]
    numbers = [fact for fact in able if fact.is_whole and fact.distinct <= FEW_NUMBERS]
    named = [fact for fact in numbers if any(_is_called(fact, names) for names in cells.LABEL_NAMES)]
    words = [fact for fact in able if fact.kind == cells.WORDS]
    has_dates = any(column.kind == cells.DATE for column in columns)
    return [*words, *named] or ([] if has_dates else numbers)


def step(columns: Sequence[Column], names: Sequence[str], found: Joined) -> Column | None:
    """Finds the column of steps: numbers that rise in each sequence, called so or the same in each first row."""

    def is_step(column: Column) -> bool:
        place = names.index(column.name)
        starts = {run[0][place].strip() for run in found.runs}
        is_plain = column.is_whole and len(starts) == 1
        return (is_plain or _is_called(column, cells.STEP_NAMES)) and _each_run(found.runs, place, _rises)

    able = [column for column in columns if column.kind == cells.NUMBER and column is not found.column]
    return next(filter(is_step, able), None)


def group(found: Joined, label: str) -> Column | None:
    """Finds the column that says which sequences belong together, such as those of a person."""
    able = [column for column in found.facts if _is_called(column, cells.GROUP_NAMES) and column.name != label]
    return next((column for column in able if 2 <= column.distinct <= len(found.runs) / 2), None)


def channels(columns: Sequence[Column], found: Joined, taken: Sequence[str]) -> list[str]:
    """Returns the columns of numbers that change within sequences and are none of those taken."""
    able = [column for column in columns if column.kind == cells.NUMBER and column.distinct > 1 and not column.counts]
    facts = {column.name for column in found.facts}
    others = [column.name for column in able if column.name not in facts and column.name not in taken]
    return [name for name in others if cells.name_key(name) not in cells.ID_NAMES]


def _is_called(column: Column, names: frozenset[str]) -> bool:
    return cells.is_named(column.name, names)


def _each_run(runs: Sequence[Cells], place: int, holds: Callable[[Sequence[str]], bool]) -> bool:
    return all(holds([row[place].strip() for row in run]) for run in runs)


def _is_constant(run: Sequence[str]) -> bool:
    return len(set(run)) == 1


def _rises(run: Sequence[str]) -> bool:
    numbers = [number for number in map(parse_number, run) if number is not None]
    return len(numbers) == len(run) and all(before < after for before, after in pairwise(numbers))
