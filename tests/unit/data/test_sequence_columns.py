"""Labelled sequences of numbers are told from other tables by their cells, and by names where cells do not tell."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rnnlab.data import choosing, looking
from rnnlab.data.choosing import Choice, Wanted
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from tests.support.builders import write_csv

STEPS, WALKS = 10, 24
ROWS = [(walk, step) for walk in range(WALKS) for step in range(STEPS)]
DRAW = random.Random(1)
X = [f"{DRAW.gauss(0, 1):.3f}" for _ in ROWS]


def table(**changed: Sequence[Any] | None) -> dict[str, Sequence[Any]]:
    """Columns of labelled walks, some of them changed, added, or with None left out."""
    made: dict[str, Sequence[Any] | None] = {
        "walk": [walk + 1 for walk, _ in ROWS],
        "t": [step for _, step in ROWS],
        "x": X,
        "moved": ["yes" if walk % 2 else "no" for walk, _ in ROWS],
        "person": [walk // 4 for walk, _ in ROWS],
    }
    return {name: column for name, column in (made | changed).items() if column is not None}


def refuse(question: str, flag: str, names: Sequence[str], default: str) -> str:
    raise UserError(f"{question} {flag} {list(names)}")


def chosen(settings: Params, folder: Path, columns: dict[str, Sequence[Any]], **wanted: str) -> Choice:
    source = write_csv(folder / "mine.csv", list(columns), *zip(*columns.values(), strict=True))
    return choosing.choose(looking.look(source, settings.data), Wanted(**wanted), 50, refuse)


def values(choice: Choice) -> dict[str, str]:
    return {name: guess.value for name, guess in choice.columns.items()}


def test_each_column_is_recognised(settings: Params, tmp_path: Path) -> None:
    choice = chosen(settings, tmp_path, table())
    assert choice.task == "sequences" and choice.channels == ("x",)
    assert values(choice) == {"sequence": "walk", "label": "moved", "step": "t", "group": "person"}


CASES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "names that are words": (
        {"walk": [f"w{walk}" for walk, _ in ROWS]},
        {"sequence": "walk", "label": "moved", "step": "t", "group": "person"},
    ),
    "whole numbers of any name as labels": (
        {"moved": None, "digit": [walk % 3 for walk, _ in ROWS], "person": None},
        {"sequence": "walk", "label": "digit", "step": "t"},
    ),
    "whole numbers as labels": (
        {"moved": None, "class": [walk % 3 for walk, _ in ROWS], "person": None},
        {"sequence": "walk", "label": "class", "step": "t"},
    ),
    "no column of steps": ({"t": None, "person": None}, {"sequence": "walk", "label": "moved"}),
    "a number that is the same in each sequence": (
        {"height": [150.5 + walk for walk, _ in ROWS], "person": None},
        {"sequence": "walk", "label": "moved", "step": "t"},
    ),
    "a column of splits": (
        {"part": ["train" if walk < 16 else "test" for walk, _ in ROWS], "person": None},
        {"sequence": "walk", "label": "moved", "step": "t", "split": "part"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_cells_and_names_tell_columns_apart(case: str, settings: Params, tmp_path: Path) -> None:
    changes, wanted = CASES[case]
    choice = chosen(settings, tmp_path, table(**changes))
    assert (values(choice), choice.channels) == (wanted, ("x",))


def test_columns_may_be_named(settings: Params, tmp_path: Path) -> None:
    choice = chosen(settings, tmp_path, table(), sequence="walk", label="person", step="t")
    assert values(choice)["label"] == "person" and "group" not in values(choice)
    with pytest.raises(UserError, match=r"no column 'w' for --sequence; its columns are: walk, t, x"):
        chosen(settings, tmp_path, table(), sequence="w")
    with pytest.raises(UserError, match=r"no column of numbers changes within a sequence"):
        chosen(settings, tmp_path, table(x=None), sequence="walk")
    with pytest.raises(UserError, match=r"no column holds one label for all rows of a 'walk'"):
        chosen(settings, tmp_path, table(moved=None), sequence="walk")


def test_two_columns_that_may_be_labels_are_asked_about(settings: Params, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"which column holds labels\? --label \['moved', 'rain'\]"):
        chosen(settings, tmp_path, table(rain=["wet" if walk % 3 else "dry" for walk, _ in ROWS]))


def test_dates_speak_for_a_series_where_only_a_number_could_be_the_label(settings: Params, tmp_path: Path) -> None:
    days = [f"2024-01-{step + 1:02}" for _, step in ROWS]
    columns = table(moved=None, floor=[walk % 3 for walk, _ in ROWS], person=None, t=days)
    with pytest.raises(UserError, match="which column holds the series of numbers to predict"):
        chosen(settings, tmp_path, {**columns, "y": X[::-1]})


def test_a_series_with_words_is_no_set_of_sequences(settings: Params, tmp_path: Path) -> None:
    mixed = ["yn"[step % 2] for _, step in ROWS]
    assert chosen(settings, tmp_path, table(moved=mixed, person=None), value="x").task == "series"
    with pytest.raises(UserError, match="which column holds the series of numbers to predict"):
        chosen(settings, tmp_path, table(moved=mixed, person=None))
