"""Settles what a stranger's table is about: which columns hold texts and labels, or a series."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rnnlab.data import cells, columns
from rnnlab.data.columns import Candidates, Column
from rnnlab.data.guesses import CERTAIN, GUESSED, TOLD, Guess
from rnnlab.data.looking import Table
from rnnlab.project.errors import UserError
from rnnlab.project.tasks import TaskName

# A question, the flag that answers it, the columns to choose from, and one for want of an answer, if there may be none.
Ask = Callable[[str, str, Sequence[str], str], str]


class Wanted(NamedTuple):
    """The columns that the user named."""

    text: str | None = None
    label: str | None = None
    value: str | None = None


class Choice(NamedTuple):
    """What the table is about, each column with how sure that is."""

    task: TaskName
    columns: dict[str, Guess[str]]  # text and label, and split if there is one; or value
    split: str | None = None  # the column that names splits


def choose(table: Table, wanted: Wanted, most_labels: int, ask: Ask) -> Choice:
    """Chooses the columns; asks where several could be meant.

    Raises:
        UserError: a named column is missing or of the wrong kind, or no column will do.
    """
    found = columns.profile(table.names, table.rows)
    source = table.files[0]
    if not any(column.filled for column in found):
        raise UserError(f"{source}: every cell is blank, or no row has as many cells as the first")
    if wanted.value:
        return Choice("series", {"value": _told(source, found, wanted.value, "--value", cells.NUMBER)})
    texts = columns.text(found)
    if not wanted.text and not texts.names:
        return _series(table, found, texts.problem, ask)
    text = _told(source, found, wanted.text, "--text", cells.WORDS) if wanted.text else None
    text = text or texts.guess or _asked(ask, "texts", "--text", texts)
    split = columns.split(found, dict(columns.few_values(table.names, table.rows)))
    others = [column for column in found if column.name != split]
    label = _told(source, found, wanted.label, "--label", None) if wanted.label else None
    if not label:
        labels = columns.label(others, text.value, most_labels)
        if not labels.names:
            raise UserError(f"{source}: {labels.problem}; name one with --label")
        label = labels.guess or _asked(ask, "labels", "--label", labels)
    if label.value == text.value:
        raise UserError(f"{source}: column {label.value!r} cannot hold both the texts and the labels")
    chosen = {"text": text, "label": label}
    if split and split not in (text.value, label.value):
        return Choice("text", {**chosen, "split": Guess(split, CERTAIN, "names the split of each row")}, split)
    return Choice("text", chosen)


def _series(table: Table, found: Sequence[Column], problem: str, ask: Ask) -> Choice:
    source = table.files[0]
    numbers = columns.series(found)
    if not numbers.names:
        raise UserError(f"{source}: {problem}, {numbers.problem}; name the texts with --text")
    if group := columns.groups(found, table.names, table.rows):
        told = f"the rows are labelled sequences of numbers, which column {group!r} joins"
        raise UserError(f"{source}: {told}; texts with labels and single series (--value COLUMN) are supported so far")
    # Rows of numbers with a class, such as those of flowers, have no time, and are no series.
    has_time = any(column.kind == cells.DATE or cells.name_key(column.name) in cells.CALENDAR for column in found)
    last = Guess(numbers.names[-1], GUESSED, "the last column of numbers; --value names another") if has_time else None
    value = numbers.guess or _asked(ask, "the series of numbers to predict", "--value", numbers, last)
    return Choice("series", {"value": value})


def _told(source: object, found: Sequence[Column], name: str, flag: str, kind: str | None) -> Guess[str]:
    column = next((column for column in found if column.name == name), None)
    if column is None:
        known = ", ".join(column.name for column in found[:20])
        raise UserError(f"{source}: no column {name!r} for {flag}; its columns are: {known}")
    if kind == cells.WORDS and column.kind == cells.NUMBER:
        advice = f"for a series of numbers, use --value {name} (task: series)"
        raise UserError(f"{source}: column {name!r} holds numbers and no texts; {advice}")
    if kind == cells.NUMBER and column.kind != cells.NUMBER:
        raise UserError(f"{source}: column {name!r} for {flag} holds {column.kind or 'nothing'}, and not numbers")
    return Guess(name, TOLD, flag)


def _asked(ask: Ask, what: str, flag: str, candidates: Candidates, default: Guess[str] | None = None) -> Guess[str]:
    answer = ask(f"which column holds {what}?", flag, candidates.names, default.value if default else "")
    return default if default and answer == default.value else Guess(answer, TOLD, "your choice")
