"""The times of a series: ascending, in equal steps."""

import math
from array import array
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from rnnlab.data import calendar
from rnnlab.project.errors import UserError

MONTH = timedelta(days=28)  # the shortest


class UnevenTimes(UserError):
    """Times that ascend in unequal steps."""


class UnreadableTime(UserError):
    """A cell that is no time, or none in ISO format."""


class Times:
    """Checks times one by one: numbers, or dates with or without a clock time in ISO format; a step may be a month."""

    def __init__(self, source: object, column: str) -> None:
        """Expects the times of a column; ``source`` is named in errors."""
        self._source, self._column = source, column
        self._is_date: bool | None = None
        self._last: tuple[str, float, int] | None = None  # as written, in seconds or as a number, and month
        self._step: float | None = None
        self._by_month = False
        self._clock = array("d")  # what a clock on the spot shows, in seconds; of dates alone

    def check(self, row: int, cell: str) -> None:
        """Checks the time of the next row.

        Raises:
            UnreadableTime: it is missing, or no time.
            UnevenTimes: it is not a step from the one before.
            UserError: it is not after the one before.
        """
        shown = cell.strip()[:40]
        at, month = self._parse(row, shown)
        if self._last is not None:
            before, last, last_month = self._last
            told = f"{self._source}: row {row} has the time {shown!r} in column {self._column!r}, after {before!r}"
            if at <= last:
                problem = "the same again" if at == last else "which is later"
                remedy = "sort the rows, drop duplicates, or name the column of several series (data.series_column)"
                raise UserError(f"{told}, {problem}; expected ascending times: {remedy}")
            if self._step is None:
                self._by_month = self._is_month(month - last_month, at - last, before, shown)
            step = month - last_month if self._by_month else at - last
            self._step = self._step or step
            if abs(step - self._step) > 1e-6 * self._step:
                steps = f"a step of {self._written(step)}, where the first is {self._written(self._step)}"
                raise UnevenTimes(f"{told}: {steps}; expected equal steps: add missing rows (see data.missing)")
        self._last = (shown, at, month)

    def cycle(self) -> int | None:
        """Returns how many steps a day has, or else a week or a year, if it is a whole number; None for numbers."""
        if not self._is_date or not self._step:
            return None
        periods = (12.0,) if self._by_month else (calendar.DAY, calendar.WEEK)
        whole = (period / self._step for period in periods)
        return next((round(steps) for steps in whole if steps >= 2 and steps.is_integer()), None)

    def has_calendar(self) -> bool:
        """Whether the times are dates, and so close that the calendar says something about them."""
        try:
            return bool(self.calendar())
        except UserError:
            return False

    def calendar(self) -> dict[str, npt.NDArray[np.float64]]:
        """Returns the calendar's columns for all rows; see `rnnlab.data.calendar.columns`.

        Raises:
            UserError: the times are no dates, or so far apart that the calendar says nothing.
        """
        told = f"{self._source}: column {self._column!r}"
        if not self._is_date:
            raise UserError(
                f"{told} holds numbers; expected dates for series.calendar; name another in data.time_column"
            )
        clock = np.array(self._clock)
        found = calendar.columns(clock, float(np.median(np.diff(clock))) if len(clock) > 1 else 0.0)
        if not found:
            problem = "has a step of a year or more, on which the calendar says nothing"
            raise UserError(f"{told} {problem}; set series.calendar to false")
        return found

    def _parse(self, row: int, cell: str) -> tuple[float, int]:
        """Returns a time in seconds, or a number, and the number of its month."""
        if self._is_date is None:
            self._is_date = _date(cell) is not None
        date = _date(cell) if self._is_date else None
        if date is not None:
            self._clock.append(date.replace(tzinfo=UTC).timestamp())
            return date.replace(tzinfo=date.tzinfo or UTC).timestamp(), 12 * date.year + date.month
        try:
            if self._is_date or not math.isfinite(number := float(cell)):
                raise ValueError("no number, or a number among dates")
            return number, 0
        except ValueError:
            kind = "a date such as 2024-01-31 or 2024-01-31 18:00" if self._is_date else "a date or a number"
            told = f"{self._source}: row {row} has {cell!r} in column {self._column!r}"
            raise UnreadableTime(f"{told}; expected {kind} (see data.time_column)") from None

    def _is_month(self, months: int, seconds: float, before: str, shown: str) -> bool:
        first, second = _date(before), _date(shown)
        if not self._is_date or first is None or second is None or timedelta(seconds=seconds) < MONTH:
            return False
        return months > 0 and (first.day, first.time()) == (second.day, second.time())

    def _written(self, step: float) -> str:
        if self._by_month:
            return f"{step:g} months"
        return str(timedelta(seconds=step)) if self._is_date else f"{step:g}"


def _date(cell: str) -> datetime | None:
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        return None
