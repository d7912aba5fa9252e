"""Guesses which columns of a stranger's table hold the texts, the labels, the splits or a series."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from rnnlab.data import cells
from rnnlab.data.guesses import CERTAIN, LIKELY, Guess
from rnnlab.data.numbers import is_gap
from rnnlab.features.clean_rows import SPLITS
from rnnlab.project.sections.data import MOST_LABELS

MOST = 0.95  # share of a column's cells that speaks for all of them
RIVAL = 0.5  # of the words of the wordiest column, from which on another may be the text
REPEATS = 3  # rows of a label, on average, below which a column holds no labels
MANY_REPEATS = 20  # the same, of more labels than `data.max_labels`
FEW_NUMBERS = 20  # whole numbers that may be labels, such as stars


class Column(NamedTuple):
    """What a sample of a column's cells looks like."""

    name: str
    kind: str  # of `rnnlab.data.cells`, or "" for a column without cells
    filled: int  # cells that are not blank
    distinct: int
    words: float  # mean, of the cells that are not blank
    capitals: float  # share of words that begin with one
    is_whole: bool  # whether every cell is a whole number
    counts: bool  # whether each number is the one before it, or one more


class Candidates(NamedTuple):
    """Columns that could be meant: the best guess, or several of which one must be named; or why there is none."""

    names: tuple[str, ...]
    guess: Guess[str] | None
    problem: str = ""


def profile(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Column]:
    """Looks at each column of a sample; rows of another width are left out."""
    kept = [row for row in rows if len(row) == len(names)]
    values = zip(*kept, strict=True) if kept else ([] for _ in names)
    return [_column(name, [cell.strip() for cell in column]) for name, column in zip(names, values, strict=True)]


def _column(name: str, column: Sequence[str]) -> Column:
    filled = [cell for cell in column if not is_gap(cell)]
    some = filled[:: max(1, len(filled) // 2000)]
    kinds = Counter(map(cells.kind, some))
    common, count = kinds.most_common(1)[0] if kinds else ("", 0)
    kind = common if not kinds or count >= MOST * len(some) else cells.WORDS
    words = [word for cell in some for word in cell.split()]
    capitals = sum(word[0].isupper() or not word[0].isalpha() for word in words) / max(1, len(words))
    numbers = [int(cell) for cell in some if re.fullmatch(r"[-+]?\d{1,15}", cell)]
    is_whole = bool(numbers) and len(numbers) == len(some)
    steps = {after - before for before, after in pairwise(numbers)} if is_whole and len(some) == len(filled) else set()
    return Column(
        name, kind, len(filled), len(set(filled)), len(words) / max(1, len(some)), capitals, is_whole, steps == {1}
    )


def text(columns: Sequence[Column]) -> Candidates:
    """Finds the column of texts: the one with the most words, unless another has nearly as many."""
    able = [column for column in columns if _may_be_text(column)]
    if not able:
        return Candidates((), None, "no column of texts of two words or more")
    longest = max(column.words for column in able)
    rivals = [column for column in able if column.words >= RIVAL * longest]
    if len(rivals) > 1:  # names of products or people are short, and in capitals
        rivals = [column for column in rivals if column.capitals < 0.8 or column.words > 10] or rivals
    alike = [column for column in rivals if cells.is_named(column.name, cells.TEXT_NAMES)]
    named = [column for column in alike if cells.name_key(column.name) in cells.TEXT_NAMES] or alike
    if len(rivals) > 1 and len(named) == 1:
        return _found(named[0], LIKELY, "its name says so")
    if len(rivals) > 1:
        return Candidates(tuple(column.name for column in rivals), None)
    is_plain = longest >= 5 or bool(named)
    return _found(rivals[0], CERTAIN if is_plain else LIKELY, f"{longest:.0f} words a row, more than any other column")


def _may_be_text(column: Column) -> bool:
    is_varied = column.distinct > 20 or column.distinct > column.filled / 3
    return column.kind == cells.WORDS and column.words >= 1.5 and is_varied


def label(columns: Sequence[Column], text_column: str, most: int) -> Candidates:
    """Finds the column of labels: few values that come up again and again; over ``most`` only if none has fewer."""
    others = [column for column in columns if column.name != text_column]
    able = [column for column in others if _may_be_label(column, most, REPEATS)]
    able = able or [column for column in others if _may_be_label(column, MOST_LABELS, MANY_REPEATS)]
    for names in cells.LABEL_NAMES:
        alike = [column for column in able if cells.is_named(column.name, names)]
        named = [column for column in alike if cells.name_key(column.name) in names] or alike
        if len(named) == 1:
            sure = CERTAIN if len(able) == 1 else LIKELY
            return _found(named[0], sure, f"its name, and {_times(named[0])}")
        if named:
            return Candidates(tuple(column.name for column in named), None)
    if len(able) == 1:
        return _found(able[0], LIKELY, f"the only column of few values, {_times(able[0])}")
    if able:
        return Candidates(tuple(column.name for column in able), None)
    return Candidates((), None, _no_labels(others, most))


def _times(column: Column) -> str:
    return f"{column.distinct} values, each {column.filled / max(1, column.distinct):,.0f} times on average"


def _may_be_label(column: Column, most: int, repeats: int) -> bool:
    if column.kind == cells.NUMBER and not (column.is_whole and column.distinct <= FEW_NUMBERS):
        return False
    if column.kind not in (cells.WORDS, cells.NUMBER) or cells.name_key(column.name) in cells.CALENDAR:
        return False
    return 2 <= column.distinct <= most and column.filled >= repeats * column.distinct


def _no_labels(others: Sequence[Column], most: int) -> str:
    """Says why no column holds labels, of the column that comes closest."""
    if not others:
        return "no column beside the texts, and each text needs a label"
    named = [column for column in others if any(cells.is_named(column.name, names) for names in cells.LABEL_NAMES)]
    column = min(named or others, key=lambda column: (column.distinct < 1, column.distinct))
    if column.distinct == 1:
        return f"column {column.name!r} has one label only, and two are needed"
    looks = "; an id?" if column.distinct > 0.9 * column.filled else ""
    return (
        f"no column of labels: {column.name!r} comes closest, with {column.distinct:,} values in {column.filled:,}"
        f" rows{looks} (expected 2 to {most}, each several times)"
    )


def split(columns: Sequence[Column], values: dict[str, Collection[str]]) -> str | None:
    """Finds the column that says which split a row belongs to, from the distinct values of columns with few."""
    for column in columns:
        found = {value.strip().lower() for value in values.get(column.name, ())}
        if {"train", "test"} <= found <= set(SPLITS):
            return column.name
    return None


def series(columns: Sequence[Column]) -> Candidates:
    """Finds the column of a series: numbers that are neither ids nor parts of a date."""
    able = [column for column in columns if column.kind == cells.NUMBER and column.distinct > 2 and not column.counts]
    able = [column for column in able if cells.name_key(column.name) not in cells.CALENDAR | cells.ID_NAMES]
    named = [column for column in able if cells.name_key(column.name) == "value"]
    if len(able) == 1 or len(named) == 1:
        return _found((named or able)[0], LIKELY, "numbers, and no column of texts")
    return Candidates(tuple(column.name for column in able), None, "" if able else "no column of numbers either")


def few_values(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[tuple[str, set[str]]]:
    """Yields the columns that have no more values than there are splits, with these values."""
    for place, name in enumerate(names):
        found = {row[place].strip().lower() for row in rows if len(row) == len(names)}
        if len(found) <= len(SPLITS):
            yield name, found


def _found(column: Column, sure: str, why: str) -> Candidates:
    return Candidates((column.name,), Guess(column.name, sure, why))
