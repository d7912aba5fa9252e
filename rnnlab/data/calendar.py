"""The calendar as channels of a series: where in the day, the week and the year each of its times is."""

import numpy as np
import numpy.typing as npt

from rnnlab.project.tasks import CALENDAR

DAY, WEEK, YEAR = 86_400.0, 7 * 86_400.0, 365.2425 * 86_400.0  # seconds
MONDAY = 4 * DAY  # 1970-01-05


def columns(clock: npt.NDArray[np.float64], step: float) -> dict[str, npt.NDArray[np.float64]]:
    """Returns sine and cosine of the hour of the day, the day of the week and the day of the year, by column.

    Those that a step leaves as they are say nothing and are left out: of days there is no hour, of weeks and months
    no weekday, of years nothing at all.

    Args:
        clock: the times as clocks on the spot show them, in seconds since 1970, of shape (rows,).
        step: between two rows, in seconds; a usual one if they differ, as months do.

    Returns:
        Columns of shape (rows,) with values from -1 to 1.
    """
    dates = np.asarray(clock * 1000, "datetime64[ms]")
    since_new_year = (dates - dates.astype("datetime64[Y]")) / np.timedelta64(1, "D")
    shares = {
        "hour": (DAY, clock % DAY / DAY),
        "weekday": (WEEK, (clock - MONDAY) % WEEK // DAY / 7),
        "yearday": (YEAR, np.floor(since_new_year) / 366),
    }
    waves = {"sin": np.sin, "cos": np.cos}
    return {
        f"{CALENDAR}{name}_{wave}": function(2 * np.pi * share)
        for name, (period, share) in shares.items()
        if _says_something(step, period)
        for wave, function in waves.items()
    }


def _says_something(step: float, period: float) -> bool:
    """Whether a step leads to another part of a period, as one of several periods, such as 48 hours, does not."""
    return step < 0.99 * period
