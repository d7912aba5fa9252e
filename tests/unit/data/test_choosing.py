from collections.abc import Sequence
from pathlib import Path

import pytest

from rnnlab.data import choosing
from rnnlab.data.choosing import Wanted
from rnnlab.data.looking import Table
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params

ROWS = range(60)
NUMBERS = {"heat": [f"{row * 7 % 13}.5" for row in ROWS]}
TEXTS = {
    "text": [f"the text number {row}" for row in ROWS],
    "label": ["bad" if row % 2 else "good" for row in ROWS],
}
STEPS = {"run": [f"r{row // 10}" for row in ROWS], "kind": ["up" if row < 30 else "down" for row in ROWS]}


def never(question: str, flag: str, names: Sequence[str], default: str) -> str:
    raise UserError(f"{question} {flag}")


@pytest.mark.parametrize(
    ("cells", "wanted", "task"),
    [
        (NUMBERS, Wanted(), "series"),
        (NUMBERS | TEXTS, Wanted(), "text"),
        (NUMBERS | TEXTS, Wanted(value="heat"), "series"),
        (NUMBERS | STEPS, Wanted(), "sequences"),
        (NUMBERS | STEPS | {"text": TEXTS["text"]}, Wanted(sequence="run"), "sequences"),
    ],
)
def test_columns_decide_on_the_task(settings: Params, cells: dict[str, list[str]], wanted: Wanted, task: str) -> None:
    rows = [list(row) for row in zip(*cells.values(), strict=True)]
    table = Table(settings.data, [Path("mine.csv")], list(cells), rows, len(rows), {})
    assert choosing.choose(table, wanted, 50, never).task == task
