"""What a stranger's file of numbers is taken for."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnlab.data import looking, series_profiles
from rnnlab.data.series_profiles import SeriesProfile
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params

ROWS = 240
DRAW = np.random.default_rng(1)
HEAT = DRAW.normal(20, 3, ROWS).round(2)
HOURS = pd.date_range("2024-03-01", periods=ROWS, freq="h").strftime("%Y-%m-%d %H:%M")


def profiled(settings: Params, folder: Path, **cells: Any) -> SeriesProfile:
    source = folder / "mine.csv"
    pd.DataFrame({**cells, "heat": cells.get("heat", HEAT)}).to_csv(source, index=False)
    return series_profiles.read(looking.look(source, settings.data), "heat", 0.7)


@pytest.mark.parametrize(
    ("name", "cells", "calendar"),
    [
        ("seen", HOURS, True),
        ("month", [f"{year}-{month:02}-01" for year in range(2000, 2020) for month in range(1, 13)], True),
        ("year", range(1700, 1700 + ROWS), False),
        ("tick", range(1, 1 + ROWS), False),
        ("No", range(10, 10 + 5 * ROWS, 5), False),
    ],
)
def test_a_column_of_equal_steps_is_the_time(
    settings: Params, tmp_path: Path, name: str, cells: Any, calendar: bool
) -> None:
    found = profiled(settings, tmp_path, other=DRAW.normal(size=ROWS), **{name: cells})
    assert (found.time.value, found.calendar, found.data.covariates) == (name, calendar, ("other",))


@pytest.mark.parametrize(
    ("name", "cells", "why"),
    [
        ("date", [19580000 + 7 * row + (row > 9) for row in range(ROWS)], "row 11 has the time '19580071'"),
        ("DATE", [f"{row % 28 + 1}/{row // 28 + 1}/2024" for row in range(ROWS)], "row 1 has '1/1/2024' in column"),
        ("other", DRAW.normal(size=ROWS), "no column of times"),
    ],
)
def test_without_one_the_rows_are_steps(settings: Params, tmp_path: Path, name: str, cells: Any, why: str) -> None:
    found = profiled(settings, tmp_path, **{name: cells})
    assert found.time.value is None and not found.calendar
    assert found.time.why.startswith(why) and found.time.why.endswith(": taken as equal steps")


@pytest.mark.parametrize(
    ("hours", "problem"), [(HOURS[::-1], "which is later"), (HOURS[[0, *range(ROWS - 1)]], "again")]
)
def test_dates_that_do_not_ascend_are_no_series(settings: Params, tmp_path: Path, hours: Any, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        profiled(settings, tmp_path, when=hours)


def test_beside_the_values_stand_numbers_and_few_words(
    settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = {
        "wind": DRAW.normal(size=ROWS),
        "from": ["N", "S", "N", "W"] * (ROWS // 4),
        "hour": [row % 24 for row in range(ROWS)],
        "id": DRAW.permutation(ROWS),
        "flat": [7] * ROWS,
        "late": [7] * (ROWS - 20) + list(range(20)),  # a constant in training
        "names": [f"w{row}" for row in range(ROWS)],
        "sparse": [None, 1.0, None, 2.0] * (ROWS // 4),
        "mixed": ["?", *["1.5", "2.5"] * (ROWS // 2)][:ROWS],  # neither numbers nor words
    }
    monkeypatch.setattr(series_profiles, "ROWS_EACH", 10)
    found, timed = profiled(settings, tmp_path, **many), profiled(settings, tmp_path, when=HOURS, **many)
    assert found.data.covariates == ("wind", "from", "hour")
    assert timed.data.covariates == ("wind", "from")  # the calendar has the hour


def test_few_rows_bear_those_that_tell_most(settings: Params, tmp_path: Path) -> None:
    steps = np.append(np.diff(HEAT), 0.0)
    words = np.where(steps > 0, "up", "down")
    columns = {f"noise_{number}": DRAW.normal(size=ROWS) for number in range(4)}
    found = profiled(settings, tmp_path, words=words, **columns, most=steps + DRAW.normal(0, 0.1, ROWS))
    assert found.data.covariates == ("words", "most")
    assert found.beside.startswith("of 6 other columns of numbers or few words, those that go most with")


@pytest.mark.parametrize(
    ("column", "cycle"),
    [
        ({"when": HOURS}, 24),
        ({"when": HOURS[::2]}, 12),
        ({"when": pd.date_range("2024-03-01", periods=ROWS).strftime("%Y-%m-%d")}, 7),
        ({"when": [f"{year}-{month:02}-01" for year in range(2000, 2020) for month in range(1, 13)]}, 12),
        ({"when": pd.date_range("2024-03-01", periods=ROWS, freq="7h").strftime("%Y-%m-%d %H:%M")}, 24),
        ({"hour": [row % 24 for row in range(ROWS)]}, 24),
        ({"hour": [row % 24 + row // 239 for row in range(ROWS)]}, None),
        ({"part": [row % 130 for row in range(ROWS)]}, None),
        ({"wind": DRAW.normal(size=ROWS)}, None),
        ({}, None),
    ],
    ids=[
        "hours",
        "two hours",
        "days",
        "months",
        "seven hours",
        "a column",
        "nearly one",
        "not even twice",
        "any",
        "none",
    ],
)
def test_a_cycle_is_that_of_the_calendar_or_of_a_column(
    settings: Params, tmp_path: Path, column: dict[str, Any], cycle: int | None
) -> None:
    rows = len(next(iter(column.values()), HEAT))
    assert profiled(settings, tmp_path, heat=HEAT[:rows], **column).cycle.value == cycle


def test_gaps_are_counted(settings: Params, tmp_path: Path) -> None:
    heat = pd.Series(HEAT)
    heat[[0, 1, 50, 51, 52, 90]] = None
    found = profiled(settings, tmp_path, heat=heat)
    assert (found.longest.first, found.longest_gap, found.gaps) == (3, 3, {"heat": 4})


def test_a_series_is_a_single_csv(settings: Params, tmp_path: Path) -> None:
    for number in range(2):
        pd.DataFrame({"heat": HEAT}).to_csv(tmp_path / f"{number}.csv", index=False)
    with pytest.raises(UserError, match="a series is read from a single CSV; write its rows into one"):
        series_profiles.read(looking.look(tmp_path, settings.data), "heat", 0.7)


def of_shops() -> dict[str, Any]:
    """Two series, each with the same hours."""
    half = ROWS // 2
    return {"shop": np.repeat(["north", "south"], half), "code": np.repeat([7, 3], half), "at": [*HOURS[:half]] * 2}


@pytest.mark.parametrize("name", ["shop", "code"])
def test_series_are_told_apart_by_the_column_within_which_times_ascend(
    settings: Params, tmp_path: Path, name: str
) -> None:
    cells = of_shops()
    found = profiled(settings, tmp_path, **{name: cells[name], "at": cells["at"]})
    assert (found.names.value, found.time.value, found.calendar) == (name, "at", True)
    assert (list(found.by_name), found.lengths) == ([str(each) for each in dict.fromkeys(cells[name])], [120, 120])
    assert name not in found.data.covariates


def test_a_column_of_series_can_be_named(settings: Params, tmp_path: Path) -> None:
    source = tmp_path / "mine.csv"
    pd.DataFrame({"shop": of_shops()["shop"], "heat": HEAT}).to_csv(source, index=False)
    table = looking.look(source, settings.data)
    assert series_profiles.read(table, "heat", 0.7).names.value is None  # nothing tells that it begins anew
    found = series_profiles.read(table, "heat", 0.7, "shop")
    assert (list(found.by_name), found.time.value) == (["north", "south"], None)


def test_times_that_run_backwards_are_an_error_where_no_column_tells_series_apart(
    settings: Params, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="which is later; expected ascending times"):
        profiled(settings, tmp_path, at=[*HOURS[:120]] * 2)


def test_a_series_that_comes_back_below_the_sample_has_no_name(settings: Params, tmp_path: Path) -> None:
    source, third = tmp_path / "mine.csv", ROWS // 3
    shop = np.repeat(["north", "south", "north"], third)
    pd.DataFrame({"shop": shop, "at": [*HOURS[:third]] * 3, "heat": HEAT}).to_csv(source, index=False)
    table = looking.look(source, settings.data)
    with pytest.raises(UserError, match="which is later; expected ascending times"):
        series_profiles.read(table._replace(rows=table.rows[: 2 * third]), "heat", 0.7)
