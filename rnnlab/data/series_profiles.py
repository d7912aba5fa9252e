"""Looks at all rows of a stranger's file of numbers: its time, what stands beside the values, and what is missing."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rnnlab.data import cells, columns, csv_rows, series, sources
from rnnlab.data.columns import Column
from rnnlab.data.guesses import CERTAIN, LIKELY, TOLD, Guess
from rnnlab.data.looking import Table
from rnnlab.data.numbers import is_gap, parse_number
from rnnlab.data.series import Series
from rnnlab.data.times import Times, UnevenTimes, UnreadableTime
from rnnlab.project.errors import UserError
from rnnlab.project.sections.data import Data
from rnnlab.project.sections.kinds import LARGEST_COUNT

FORMATS = (".csv", ".tsv", ".txt")
TIMES = {"date", "datetime", "ds", "time", "timestamp", "year"}
CYCLES = {"month", "day", "hour", "minute", "week", "weekday", "quarter"}  # of the calendar, that come again
MOST_BESIDE, ROWS_EACH = 20, 100  # covariates, and the rows that each of them needs to be more help than hindrance
LONGEST_CYCLE = 200  # rows
MOST_WORDS = 20  # different ones of a column, each of which becomes a channel
FEWEST_EACH = 10  # rows of a series, on average, below which a column does not name series
MOST_GAPS = 0.2  # share of a covariate's rows


class SeriesProfile(NamedTuple):
    """What a file of numbers holds.

    Attributes:
        data: how to read it, with its columns.
        by_name: its series as they are read.
        names: the column of their names, if there are several, and how sure that is.
        time: its column of times, if there is one, and how sure that is; or why there is none.
        calendar: whether the calendar says something about these times.
        beside: why these covariates.
        cycle: of how many rows the shortest period is that the calendar has, or a column that comes again; and why.
    """

    data: Data
    by_name: Mapping[str, Series]
    names: Guess[str | None]
    time: Guess[str | None]
    calendar: bool
    beside: str
    cycle: Guess[int | None]

    @property
    def longest(self) -> Series:
        """The series with the most rows, which tells of season and size."""
        return max(self.by_name.values(), key=lambda one: len(one.values))

    @property
    def lengths(self) -> list[int]:
        """The rows of each series."""
        return [len(one.values) for one in self.by_name.values()]

    @property
    def gaps(self) -> Counter[str]:
        """How many cells have no value, by column, of those that lack any."""
        return sum((Counter(one.gaps) for one in self.by_name.values()), Counter[str]())

    @property
    def longest_gap(self) -> int:
        """Cells without a value that follow each other, the most in any series and column."""
        return max(one.longest_gap for one in self.by_name.values())


def read(table: Table, value: str, train_share: float, names: str | None = None) -> SeriesProfile:
    """Reads series, and decides which of the other columns are their names, their time and their covariates.

    Args:
        table: the file as it looks.
        value: the column to predict.
        train_share: of the rows; nothing is decided by later ones.
        names: the column of the series' names, if the user says so.

    Raises:
        UserError: the file is no single CSV, cannot be read, or its times run backwards or come twice.
    """
    if len(table.files) > 1 or sources.suffix(table.files[0]) not in FORMATS:
        raise UserError(f"{table.files[0]}: a series is read from a single CSV; write its rows into one")
    found = [column for column in columns.profile(table.names, table.rows) if column.name != value]
    series_column, (time, times) = _find_series(table, found, names)
    has_calendar = times is not None and times.has_calendar()
    taken = (time.value, series_column.value)
    able = [column.name for column in found if column.name not in taken and _may_be_beside(column, table, has_calendar)]
    update = {"value_column": value, "time_column": time.value, "covariates": tuple(able), "known_ahead": ()}
    filling = {"missing": "carry_forward", "max_gap": LARGEST_COUNT, "series_column": series_column.value}
    data = table.data.model_copy(update={**update, **filling})
    whole = max(series.read(table.files[0], data).values(), key=lambda one: len(one.values))
    chosen = _choose(whole, round(train_share * len(whole.values)))
    data = data.model_copy(update={"covariates": chosen})
    of_chosen = series.read(table.files[0], data)  # its rows begin where these columns do
    why = f"of {len(able)} other columns of numbers or few words" if able else "no other column of numbers or few words"
    if len(chosen) < len(able):
        why += f", those that go most with the next step; one needs {ROWS_EACH} rows"
    return SeriesProfile(data, of_chosen, series_column, time, has_calendar, why, _find_cycle(times, whole))


Time = tuple[Guess[str | None], Times | None]


def _find_series(table: Table, found: Sequence[Column], wanted: str | None) -> tuple[Guess[str | None], Time]:
    """Finds the column of series' names, within each of which a column has times in order; None of a single series."""
    if wanted:
        return Guess(wanted, TOLD, "--series"), _find_time(table, found, wanted)
    single: Time | UserError
    try:
        single = _find_time(table, found)
    except UserError as mistake:
        single = mistake
    if isinstance(single, UserError) or not single[0].value:
        for column in _may_be_names(table, found):
            try:
                time = _find_time(table, [each for each in found if each.name != column], column)
            except UserError:
                continue
            if time[0].value:
                return Guess(column, CERTAIN, "times ascend in equal steps within each of its values"), time
    if isinstance(single, UserError):
        raise single
    return Guess(None, LIKELY, ""), single


def _may_be_names(table: Table, found: Sequence[Column]) -> Iterator[str]:
    """Names the columns whose equal cells stand next to each other in the sample, a few at least."""
    for column in found:
        place = table.names.index(column.name)
        cells_ = [row[place].strip() for row in table.rows if len(row) == len(table.names)]
        runs = sum(1 for _ in groupby(cells_))
        if column.kind != cells.DATE and runs == len({*cells_}) and len(cells_) >= FEWEST_EACH * runs:
            yield column.name


def _find_cycle(times: Times | None, found: Series) -> Guess[int | None]:
    """Finds the shortest period by the calendar, or by a column of numbers that comes again, such as the hour."""
    if times and (steps := times.cycle()):
        return Guess(steps, LIKELY, f"{steps} steps are a day, a week or a year")
    for name, column in found.covariates.items():
        cells_ = column.to_numpy(zero_copy_only=False)
        period = len(np.unique(cells_[: 2 * LONGEST_CYCLE]))
        if 2 < period <= LONGEST_CYCLE and len(cells_) > 2 * period and (cells_[period:] == cells_[:-period]).all():
            return Guess(period, LIKELY, f"column {name!r} comes again every {period} rows")
    return Guess(None, LIKELY, "")


def _find_time(table: Table, found: Sequence[Column], names: str | None = None) -> Time:
    """Finds the first column whose cells are times in order and in equal steps, within each series."""
    dates = [column for column in found if column.kind == cells.DATE]
    numbers = [column for column in found if column.kind == cells.NUMBER]
    named = [column for column in found if cells.name_key(column.name) in TIMES]
    counts = [column for column in numbers if column.counts or cells.name_key(column.name) in cells.ID_NAMES]
    problem, wrong = "no column of times", list[UserError]()
    for column in dict.fromkeys([*dates, *named, *counts]):
        try:
            times = _check_times(table, column.name, names)
        except (UnevenTimes, UnreadableTime) as mistake:
            problem = str(mistake).removeprefix(f"{table.files[0]}: ").split(";")[0]
        except UserError as mistake:
            wrong += [mistake] if column in dates else []
        else:
            return Guess(column.name, CERTAIN, "ascending, in equal steps"), times
    if wrong:
        raise wrong[0]
    return Guess(None, LIKELY, f"{problem}: taken as equal steps"), None


def _check_times(table: Table, column: str, names: str | None) -> Times:
    """Checks the times of a column, of each series by itself, and returns those of the last one."""
    source, wanted = table.files[0], {"data.time_column": column} | ({"data.series_column": names} if names else {})
    times, last, seen = Times(source, column), None, set[str]()
    for row, cells_ in csv_rows.read_cells(source, table.data, wanted, blank_lines=True):
        if names and cells_[1] != last:
            if cells_[1] in seen:
                raise UserError(f"{source}: row {row} begins series {cells_[1]!r} again")
            times, last = Times(source, column), cells_[1]
            seen.add(last)
        times.check(row, cells_[0])
    return times


def _may_be_beside(column: Column, table: Table, has_calendar: bool) -> bool:
    """Whether a column can be read as a covariate, by its sample, and is no second time."""
    name = cells.name_key(column.name)
    if column.distinct < 2 or column.counts or name in TIMES | cells.ID_NAMES or (has_calendar and name in CYCLES):
        return False
    place = table.names.index(column.name)
    filled = [row[place] for row in table.rows if len(row) == len(table.names) and not is_gap(row[place])]
    if len(filled) < (1 - MOST_GAPS) * len(table.rows):
        return False
    are_numbers = [parse_number(cell) is not None for cell in filled]
    if all(are_numbers):
        return True
    return column.kind == cells.WORDS and not are_numbers[0] and column.distinct <= MOST_WORDS


def _choose(found: Series, training: int) -> tuple[str, ...]:
    """Chooses the covariates that go most with the next step of the values, as many as the rows bear."""
    steps = np.diff(found.values[:training])
    gains = {name: _gain(column.slice(0, max(training - 1, 0)), steps) for name, column in found.covariates.items()}
    able = sorted((name for name, gain in gains.items() if gain is not None), key=lambda name: -(gains[name] or 0.0))
    kept = able[: min(MOST_BESIDE, len(found.values) // ROWS_EACH)]
    return tuple(name for name in found.covariates if name in kept)


def _gain(column: pa.Array, steps: npt.NDArray[np.float64]) -> float | None:
    """Returns the share of the variance of the next steps that a column explains; None if it never changes."""
    cells_, codes = column.to_numpy(zero_copy_only=False), column.dictionary_encode().indices.to_numpy()
    if len(np.unique(codes)) < 2:
        return None
    if not steps.std():
        return 0.0
    if pa.types.is_string(column.type):
        means = np.bincount(codes, steps) / np.bincount(codes)
        return float(means[codes].var() / steps.var())
    return float(np.corrcoef(cells_, steps)[0, 1] ** 2)
