from pathlib import Path

import pytest

from rnnlab.data.times import Times
from rnnlab.project.errors import UserError


def checked(*cells: str) -> None:
    times = Times(Path("mine.csv"), "when")
    for row, cell in enumerate(cells, start=1):
        times.check(row, cell)


@pytest.mark.parametrize(
    "cells",
    [
        ("1", "2", "3"),
        ("2010", "2011.0", " 2012 "),
        ("0.1", "0.2", "0.3", "0.4"),
        ("2024-01-01", "2024-01-02", "2024-01-03"),
        ("2024-02-28T23:00", "2024-02-29T00:00", "2024-02-29T01:00"),
        ("2024-03-31 01:00+01:00", "2024-03-31 03:00+02:00", "2024-03-31 04:00+02:00"),
        ("2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"),
        ("2023-01-01", "2024-01-01", "2025-01-01"),
    ],
)
def test_ascending_times_in_equal_steps_pass(cells: tuple[str, ...]) -> None:
    checked(*cells)


AFTER = "mine.csv: row 3 has the time {1!r} in column 'when', after {0!r}"


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (("1", "2", "2"), ", the same again; expected ascending times: sort the rows, drop duplicates, or name"),
        (("1", "2", "1"), ", which is later; expected ascending times: sort the rows, drop duplicates, or name"),
        (("1", "2", "4"), ": a step of 2, where the first is 1; expected equal steps: add missing rows"),
        (("2024-01-01", "2024-01-02", "2024-01-05"), ": a step of 3 days, 0:00:00, where the first is 1 day, 0:00:00"),
        (("2024-01-01", "2024-02-01", "2024-04-01"), ": a step of 2 months, where the first is 1 months"),
    ],
)
def test_others_are_named_by_their_row_and_both_times(cells: tuple[str, ...], problem: str) -> None:
    with pytest.raises(UserError) as told:
        checked(*cells)
    assert str(told.value).startswith(AFTER.format(*cells[1:]) + problem)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (("soon",), "a date or a number"),
        (("1", ""), "a date or a number"),
        (("1", "nan"), "a date or a number"),
        (("2024-01-01", "2"), "a date such as 2024-01-31 or 2024-01-31 18:00"),
    ],
)
def test_what_is_no_time_is_named(cells: tuple[str, ...], kind: str) -> None:
    with pytest.raises(UserError) as told:
        checked(*cells)
    assert str(told.value) == (
        f"mine.csv: row {len(cells)} has {cells[-1]!r} in column 'when'; expected {kind} (see data.time_column)"
    )
