"""Settles what a stranger's table is about: which columns hold texts and labels, sequences of numbers, or a series."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rnnlab.data import cells, columns, sequence_columns
from rnnlab.data.columns import Candidates, Column
from rnnlab.data.guesses import CERTAIN, GUESSED, LIKELY, TOLD, Guess
from rnnlab.data.looking import Table
from rnnlab.data.sequence_columns import Joined
from rnnlab.project.errors import UserError
from rnnlab.project.tasks import TaskName

# A question, the flag that answers it, the columns to choose from, and one for want of an answer, if there may be none.
Ask = Callable[[str, str, Sequence[str], str], str]


class Wanted(NamedTuple):
    """The columns that the user named."""

    text: str | None = None
    label: str | None = None
    value: str | None = None
    series: str | None = None
    sequence: str | None = None
    step: str | None = None
    group: str | None = None


class Choice(NamedTuple):
    """What the table is about, each column with how sure that is."""

    task: TaskName
    # text and label; sequence and label, and step and group if any; or value, and series if any; and split if any
    columns: dict[str, Guess[str]]
    split: str | None = None  # the column that names splits
    channels: tuple[str, ...] = ()  # columns of numbers of sequences


def choose(table: Table, wanted: Wanted, most_labels: int, ask: Ask) -> Choice:
    """Chooses the columns; asks where several could be meant.

    Raises:
        UserError: a named column is missing or of the wrong kind, or no column will do.
    """
    found = columns.profile(table.names, table.rows)
    source = table.files[0]
    if not any(column.filled for column in found):
        raise UserError(f"{source}: every cell is blank, or no row has as many cells as the first")
    if wanted.value or wanted.series:
        return _series(table, found, wanted, "", ask)
    texts = columns.text(found)
    if wanted.sequence or (not wanted.text and not texts.names):
        return _sequences(table, found, wanted, most_labels, ask) or _series(table, found, wanted, texts.problem, ask)
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


def _sequences(table: Table, found: Sequence[Column], wanted: Wanted, most_labels: int, ask: Ask) -> Choice | None:
    """Chooses the columns of labelled sequences; None if rows are none."""
    source = table.files[0]
    told = {
        name: _told(source, found, value, f"--{name}", None)
        for name in ("sequence", "step", "label", "group")
        if (value := getattr(wanted, name))
    }
    rows = sequence_columns.joined(found, table.names, table.rows, wanted.sequence)
    if not rows:
        return None
    chosen = {"sequence": told.get("sequence") or Guess(rows.column.name, LIKELY, _joins(rows))}
    split = columns.split(rows.facts, dict(columns.few_values(table.names, table.rows)))
    if "label" not in told:
        labels = columns.label([each for each in rows.labels if each.name != split], "", most_labels)
        if not labels.names:
            problem = f"no column holds one label for all rows of a {rows.column.name!r}, each several times"
            raise UserError(f"{source}: {problem}; name one with --label, or a series with --value")
        told["label"] = labels.guess or _asked(ask, "labels", "--label", labels)
    chosen["label"] = told["label"]
    if step := sequence_columns.step(found, table.names, rows):
        chosen["step"] = Guess(step.name, LIKELY, "rises in each sequence")
    if group := sequence_columns.group(rows, chosen["label"].value):
        chosen["group"] = Guess(group.name, LIKELY, f"its name, and {group.distinct} values, one in each sequence")
    if split:
        chosen["split"] = Guess(split, CERTAIN, "names the split of each sequence")
    chosen |= told
    channels = sequence_columns.channels(found, rows, [guess.value for guess in chosen.values()])
    if not channels:
        raise UserError(f"{source}: no column of numbers changes within a sequence; --sequence names their column")
    return Choice("sequences", chosen, split, tuple(channels))


def _joins(rows: Joined) -> str:
    steps = sum(map(len, rows.runs)) / len(rows.runs)
    return f"joins the rows to {len(rows.runs):,} sequences of {steps:,.0f} steps on average"


def _series(table: Table, found: Sequence[Column], wanted: Wanted, problem: str, ask: Ask) -> Choice:
    source, names = table.files[0], dict[str, Guess[str]]()
    if wanted.series:
        names = {"series": _told(source, found, wanted.series, "--series", None)}
        found = [column for column in found if column.name != wanted.series]
    if wanted.value:
        return Choice("series", names | {"value": _told(source, found, wanted.value, "--value", cells.NUMBER)})
    numbers = columns.series(found)
    if not numbers.names:
        raise UserError(f"{source}: {problem}, {numbers.problem}; name the texts with --text")
    # Rows of numbers with a class, such as those of flowers, have no time, and are no series.
    has_time = any(column.kind == cells.DATE or cells.name_key(column.name) in cells.CALENDAR for column in found)
    last = Guess(numbers.names[-1], GUESSED, "the last column of numbers; --value names another") if has_time else None
    value = numbers.guess or _asked(ask, "the series of numbers to predict", "--value", numbers, last)
    return Choice("series", names | {"value": value})


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
