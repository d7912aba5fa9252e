"""Settings that fit a stranger's series."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rnnlab.data import series
from rnnlab.data.series_profiles import SeriesProfile
from rnnlab.experiments.fitting import Setting, Size, reading, training
from rnnlab.features import series_encoding
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.sections.kinds import AUTO

FEW = 5_000  # rows, from which on a twelfth of them is enough to choose by
LONGEST_WINDOW, LONGEST_HORIZON = 200, 100  # steps; longer ones take longer than they help
WINDOW = 30  # without a season
SEASON = "the highest peak of the training rows' autocorrelation"
FEWEST = 4  # rows of a split: two windows of a row, and the step after each
SMALLEST_SHARE = 0.8  # of the rows that a split has when it is written


SIZES = (
    Size(1_000, 16, 150, 15, 16, 0.005),
    Size(20_000, 32, 60, 10, 64, 0.005),
    Size(float("inf"), 32, 12, 4, 256, 0.002),
)


class Shape(NamedTuple):
    """How a series is cut into windows, and why."""

    validation_fraction: float
    season: int | None
    window: int
    horizon: int
    why: dict[str, str]


def validation_fraction(settings: Params, rows: int) -> float:
    """Returns the share of the rows before the test that choose the weights: more of a short series."""
    return max(settings.split.validation_fraction, 0.2) if rows < FEW else settings.split.validation_fraction


def shape(settings: Params, profile: SeriesProfile) -> Shape:
    """Chooses season, window and horizon by the training rows, so that half of each split can be predicted.

    Raises:
        UserError: there are too few values, or they are all equal.
    """
    values, shortest = profile.longest.values, min(profile.lengths)
    share = validation_fraction(settings, len(values))
    parts = series.split_series(len(values), settings.split.test_fraction, share)
    smallest = smallest_split(settings, shortest, share)
    if smallest < FEWEST:
        problem = f"{shortest} rows from the first value on are too few: a split would have {smallest}"
        raise UserError(f"column {profile.data.value_column!r}: {problem}; expected {FEWEST} at least")
    series_encoding.fit_scaler(values[parts["train"]])
    room = smallest // 2
    season, told = series_encoding.find_season(values[parts["train"]], min(LONGEST_WINDOW, room - 1)), SEASON
    if not season and profile.cycle.value and profile.cycle.value <= room // 2:
        season, told = profile.cycle.value, profile.cycle.why
    horizon = season if season and season <= min(LONGEST_HORIZON, room // 2) else 1
    window = max(1, min(2 * season if season else WINDOW, LONGEST_WINDOW, room - horizon))
    rows = "two seasons" if window == 2 * (season or 0) else "rows that are seen"
    why = {
        "season": told if season else "no peak stands out in the training rows' autocorrelation",
        "window": f"{rows}; with the horizon at most half of the smallest split of a series, {room} rows",
        "horizon": "a season ahead, all steps at once" if horizon > 1 else "a step ahead",
    }
    return Shape(share, season, window, horizon, why)


def smallest_split(settings: Params, rows: int, share: float) -> int:
    """Returns the rows of the smallest split of a series, by the share of those before the test that validate."""
    parts = series.split_series(rows, settings.split.test_fraction, share)
    smallest: int = min(part.stop - part.start for part in parts.values())
    return smallest


def of_series(settings: Params, profile: SeriesProfile, csv: str) -> list[Setting]:
    """Returns the changes to the project's parameters that make it run on a series."""
    data, cut, rows = profile.data, shape(settings, profile), sum(profile.lengths)
    filled = ", ".join(f"{count:,} of {name}" for name, count in profile.gaps.items())
    missing = [Setting("data.missing", "refuse", "no value is missing")]
    if profile.longest_gap:
        missing = [
            Setting("data.missing", "carry_forward", f"no value: {filled or 'in the first rows'}"),
            Setting("data.max_gap", profile.longest_gap, "the longest gap"),
        ]
    return [
        Setting("task", "series"),
        *reading(data, csv),
        Setting("data.value_column", data.value_column),
        Setting("data.series_column", data.series_column, profile.names.why),
        Setting("data.time_column", data.time_column, profile.time.why),
        Setting("data.covariates", list(data.covariates), profile.beside),
        Setting("data.known_ahead", [], "those of the covariates whose future is known"),
        *missing,
        Setting("split.method", "chronological", "the last rows are the test"),
        Setting("split.group_column", None),
        Setting("split.validation_fraction", cut.validation_fraction, f"of {rows:,} rows that are not the test"),
        Setting("series.window", cut.window, cut.why["window"]),
        Setting("series.horizon", cut.horizon, cut.why["horizon"]),
        Setting("series.season", cut.season or "none", cut.why["season"]),
        Setting("series.calendar", profile.calendar, "the times are dates" if profile.calendar else "no dates"),
        *_networks(settings, profile, cut),
        Setting("baselines", _rivals(rows, cut.season), "" if rows < FEW else "the classics take long on so many rows"),
        Setting("ensemble", []),
        Setting("evaluate.slices", []),
    ]


def _rivals(rows: int, season: int | None) -> list[str]:
    seasonal, classics = ["seasonal_naive"] * bool(season), ["ets", "arima"] * (rows < FEW)
    return ["last_value", *seasonal, "drift", "linear", *classics]


def _networks(settings: Params, profile: SeriesProfile, cut: Shape) -> list[Setting]:
    values, rows = profile.longest.values, sum(profile.lengths)
    size = next(size for size in SIZES if rows <= size.rows)
    found = training(size, rows)
    parts = series.split_series(len(values), settings.split.test_fraction, cut.validation_fraction)
    fewest = sum(smallest_split(settings, length, cut.validation_fraction) for length in profile.lengths)
    if fewest < settings.validate_.min_rows_per_class:
        why = f"the smallest split has {fewest} rows: a score on these says little"
        found.append(Setting("validate.min_rows_per_class", max(1, int(SMALLEST_SHARE * fewest)), why))
    is_near = is_last_nearer(values[parts["train"]], cut.horizon)
    reasons = {
        "units": "enough for so many rows; all models get as many",
        "residual": f"the {'last value' if is_near else 'mean'} is nearer to what comes, by the training rows",
    }
    for model in settings.compare:
        of_model: dict[str, Any] = {"units": size.units, "dropout": size.dropout, "output": AUTO, "pooling": "last"}
        of_model["residual"] = is_near
        found += [Setting(f"models.{model}.{key}", value, reasons.get(key, "")) for key, value in of_model.items()]
    return found


def is_last_nearer(values: npt.NDArray[np.float64], horizon: int) -> bool:
    """Whether the last value is nearer to those that follow it, up to the horizon, than the mean of all is."""
    changes = [np.mean((values[steps:] - values[:-steps]) ** 2) for steps in range(1, horizon + 1)]
    return bool(np.mean(changes) < values.var())


def outside(settings: Params, profile: SeriesProfile) -> float:
    """Returns the share of validation values that are below or above all training values, as those of a trend are."""
    beyond = [_outside(settings, one.values) for one in profile.by_name.values()]
    return float(np.average(beyond, weights=profile.lengths))


def _outside(settings: Params, values: npt.NDArray[np.float64]) -> float:
    parts = series.split_series(len(values), settings.split.test_fraction, validation_fraction(settings, len(values)))
    train, held_out = values[parts["train"]], values[parts["validation"]]
    return float(np.mean((held_out < train.min()) | (held_out > train.max()))) if len(held_out) else 0.0
