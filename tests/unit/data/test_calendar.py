from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from rnnlab.data import series
from rnnlab.data.times import Times
from rnnlab.features import series_encoding, series_rows
from rnnlab.features.series_encoding import Scaler
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from tests.support.builders import read_one
from tests.support.results import SERIES, changed

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def of(*cells: str) -> dict[str, list[float]]:
    times = Times(Path("mine.csv"), "when")
    for row, cell in enumerate(cells, start=1):
        times.check(row, cell)
    return {name: column.tolist() for name, column in times.calendar().items()}


def rows_of(step: timedelta, count: int = 4, first: str = "2024-01-01") -> list[str]:
    return [str(datetime.fromisoformat(first) + number * step) for number in range(count)]


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (rows_of(HOUR), ["hour", "weekday", "yearday"]),
        (rows_of(DAY), ["weekday", "yearday"]),
        (rows_of(2 * DAY), ["weekday", "yearday"]),
        (rows_of(7 * DAY), ["yearday"]),
        (["2024-01-01", "2024-02-01", "2024-03-01"], ["yearday"]),
        (["2024-03-29 12:00+01:00", "2024-03-30 12:00+01:00", "2024-03-31 12:00+01:00"], ["weekday", "yearday"]),
    ],
)
def test_only_what_a_step_changes_is_a_channel(cells: list[str], names: list[str]) -> None:
    assert list(of(*cells)) == [f"calendar_{name}_{wave}" for name in names for wave in ("sin", "cos")]


def test_where_in_the_day_and_the_week_a_time_is() -> None:
    found = of("2024-01-01 00:00", "2024-01-01 06:00", "2024-01-01 12:00")  # a Monday
    assert found["calendar_hour_sin"] == pytest.approx([0, 1, 0])
    assert found["calendar_hour_cos"] == pytest.approx([1, 0, -1])
    assert found["calendar_weekday_sin"] == [0, 0, 0]
    assert found["calendar_yearday_cos"] == [1, 1, 1]
    week = of(*rows_of(DAY, 8, "1960-02-29"))  # a Monday before 1970
    assert week["calendar_weekday_sin"] == pytest.approx([np.sin(2 * np.pi * day / 7) for day in range(8)])
    assert week["calendar_yearday_sin"][0] == pytest.approx(np.sin(2 * np.pi * 59 / 366))


def test_the_clock_is_that_of_the_cells() -> None:
    assert of("2024-06-01 06:00+02:00", "2024-06-01 07:00+02:00")["calendar_hour_sin"][0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (("1", "2"), "mine.csv: column 'when' holds numbers; expected dates for series.calendar"),
        (("2020-01-01", "2021-01-01", "2022-01-01"), "mine.csv: column 'when' has a step of a year or more"),
    ],
)
def test_times_without_a_calendar_are_a_sentence(cells: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(UserError) as told:
        of(*cells)
    assert str(told.value).startswith(sentence)


def test_the_calendar_is_a_covariate_that_is_not_standardised(tmp_path: Path, settings: Params) -> None:
    source = tmp_path / "mine.csv"
    rows = [f"{day},{7 + number % 3}" for number, day in enumerate(rows_of(DAY, 40))]
    source.write_text("\n".join(["day,value", f"{datetime(2023, 12, 31)},", *rows]))
    ours = {"data.time_column": "day", "series.calendar": True, "data.missing": "carry_forward"}
    options = changed(settings, **SERIES, **ours)
    read = read_one(source, options.data, calendar=options.series.calendar)
    assert read.first == 2  # the first row has no value, and its time is left out with it
    assert {len(column) for column in read.covariates.values()} == {40}
    assert read.covariates["calendar_yearday_sin"][0].as_py() == 0
    table = series.to_table(read, series.split_series(40, 0.2, 0.25))
    encoding = series_encoding.fit(series_rows.read_split(table, "train"), "none", window=5)
    assert set(encoding.covariates.values()) == {Scaler(0.0, 1.0)}


def test_a_column_of_the_same_name_is_refused(settings: Params) -> None:
    ours = {"data.time_column": "day", "series.calendar": True, "data.covariates": ["calendar_x"]}
    with pytest.raises(UserError, match=r"series.calendar: makes columns whose names begin with calendar_, as one in"):
        changed(settings, **SERIES, **ours)
