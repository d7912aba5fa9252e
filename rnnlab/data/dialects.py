"""Guesses how a CSV separates its cells, and whether its first row is a header."""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from statistics import median

from rnnlab.data import cells
from rnnlab.data.csv_files import DELIMITERS, parse
from rnnlab.data.guesses import CERTAIN, GUESSED, LIKELY, Guess

RECORDS = 1000  # that a delimiter is judged by
SPELLED = {"\t": "tab"}  # in params.yaml
NOT_CSV = 0.7  # for a delimiter with which a row is not well-formed
NAME = re.compile(r"[^\W\d][\w .#/-]{0,40}")


def delimiter(text: str, is_whole: bool) -> Guess[str] | None:
    """Guesses the delimiter, as ``data.delimiter`` spells it, by which most records have as many cells.

    Args:
        text: the beginning of a file, or all of it.
        is_whole: whether it is all.

    Returns:
        None if the file has a single column.
    """
    scores = {mark: _score(text, mark, is_whole) for mark in DELIMITERS}
    best = max(scores, key=scores.__getitem__)
    share, _, width = scores[best]
    if width < 2 or share < 0.3:
        return None
    others = max(shared for mark, (shared, *_) in scores.items() if mark != best)
    sure = CERTAIN if share > 0.95 and others < 0.8 else LIKELY if share > others + 0.1 else GUESSED
    return Guess(SPELLED.get(best, best), sure, f"{share:.0%} of the rows have {width} cells")


def _score(text: str, mark: str, is_whole: bool) -> tuple[float, bool, int]:
    """Returns the share of records that have the most frequent number of cells, whether the first does, and the number.

    Where each text has a comma, only the header tells that semicolons separate.
    """
    widths, is_well_formed = _widths(text, mark, is_whole)
    split = Counter(width for width in widths if width > 1)
    if not split:
        return 0.0, False, 1
    width, count = max(split.items(), key=lambda pair: (pair[1], pair[0]))
    return round(count / len(widths) * (1 if is_well_formed else NOT_CSV), 2), widths[0] == width, width


def _widths(text: str, mark: str, is_whole: bool) -> tuple[list[int], bool]:
    widths: list[int] = []
    for strict in (True, False):
        widths = []
        try:
            for _, record in parse(io.StringIO(text, newline=""), mark, strict):
                if record:
                    widths.append(len(record))
                if len(widths) > RECORDS:
                    break
            else:
                if not is_whole and len(widths) > 1:
                    widths.pop()  # which may be cut
            return widths, strict
        except csv.Error as problem:
            if strict and not is_whole and "end of data" in str(problem) and len(widths) > 1:
                return widths, True  # the last record is cut
    return widths, False


def header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> Guess[bool]:
    """Guesses whether the first record names the columns, from rows below it; rows of other widths are ignored."""
    below = [row for row in rows if len(row) == len(first) and list(row) != list(first)]
    names = [cell.strip().lower() for cell in first]
    if any(cells.kind(cell) in (cells.DATE, cells.URL, cells.NUMBER) for cell in first):
        return Guess(False, CERTAIN, "the first row holds numbers, dates or addresses")
    known = sum(name in cells.KNOWN_NAMES for name in names)
    votes = 2.0 * known - (len(set(names)) < len(names)) - 2 * any(len(name) > 100 for name in names)
    columns = list(zip(*below, strict=True)) or [()] * len(first)
    votes += sum(_vote(cell, column) for cell, column in zip(first, columns, strict=True))
    sure = CERTAIN if abs(votes) >= 3 else LIKELY if abs(votes) >= 1 else GUESSED
    if votes > 0 or (votes == 0 and not below):
        return Guess(True, sure, "its first row differs from those below")
    return Guess(False, sure, "its first row is like those below")


def _vote(cell: str, column: Sequence[str]) -> float:
    """Returns what a column says for a header, above 0, or against it."""
    values = [value.strip() for value in column if value.strip()]
    if not values or not cell.strip():
        return 0.0
    special = sum(cells.kind(value) != cells.WORDS for value in values) / len(values)
    if special > 0.9:
        return 2.0  # and the cell is none of these
    counts = Counter(values)
    if len(counts) <= max(2, len(values) // 3):  # a category
        return -3.0 if cell.strip() in counts else 1.5
    typical, words = median(len(value.split()) for value in values), len(cell.split())
    if typical >= 5:
        return 2.0 if words <= 2 and bool(NAME.fullmatch(cell.strip())) else -2.0 if words > typical / 2 else 0.0
    if len({_shape(value) for value in values[:200]}) == 1:
        return -1.0 if _shape(cell) == _shape(values[0]) else 1.5
    return 0.0


def _shape(cell: str) -> str:
    """Replaces letters and digits by kinds: ids of one sort have one shape."""
    return re.sub(r"a+", "a", re.sub(r"\d", "0", re.sub(r"[^\W\d_]", "a", cell.strip())))
