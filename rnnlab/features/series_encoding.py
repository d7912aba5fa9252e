"""How columns of a series become channels: scalers, words and a season, all of them fitted to training rows alone."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rnnlab.features.series_rows import Floats, Split
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json, write_json
from rnnlab.project.results import NOTHING
from rnnlab.project.tasks import CALENDAR, is_known_ahead

MOST_WORDS = 100  # of a column; more are rather names or texts
SEASON_RISE = 0.1  # of the autocorrelation, above its lowest value at a shorter lag


class Scaler(NamedTuple):
    """Mean and standard deviation of the training values, in the unit of their column."""

    mean: float
    scale: float

    def apply(self, values: Floats) -> Floats:
        """Standardises values of any shape."""
        return (values - self.mean) / self.scale


class Own(NamedTuple):
    """What the training rows of one series tell of it alone.

    Attributes:
        scaler: of its values.
        naive_error: mean absolute difference of a value from that a season, or a step, before, in the data's unit.
    """

    scaler: Scaler
    naive_error: float


class Encoding(NamedTuple):
    """How columns become channels, and what else the training rows tell.

    Attributes:
        series: by name, what is known of each series; their values are the first channel.
        covariates: by column, the scaler of numbers, or the words that have a channel each; other words have none.
        season: number of steps after which the values are alike; None without a season.
        ahead: covariates whose values at the steps to predict are seen, too.
    """

    series: Mapping[str, Own]
    covariates: Mapping[str, Scaler | tuple[str, ...]] = NOTHING
    season: int | None = None
    ahead: tuple[str, ...] = ()

    @property
    def has_names(self) -> bool:
        """Whether ``data.series_column`` names the series, be it a single one: each then has a unit of its own."""
        return list(self.series) != [""]

    def standardise(self, values: Floats, series: npt.NDArray[np.integer[Any]]) -> Floats:
        """Converts values in the data's unit, of shape (rows, steps), as the first channel has them; see `undo`."""
        return (values - self._each(series, lambda own: own.scaler.mean)) / self.scales(series)

    def undo(self, scaled: npt.NDArray[np.floating[Any]], series: npt.NDArray[np.integer[Any]]) -> Floats:
        """Converts standardised values, of shape (rows, steps), back to the data's unit; ``series`` as in `Windows`."""
        return scaled.astype(np.float64) * self.scales(series) + self._each(series, lambda own: own.scaler.mean)

    def scales(self, series: npt.NDArray[np.integer[Any]]) -> Floats:
        """Returns the standard deviation of each row's series, of shape (rows, 1)."""
        return self._each(series, lambda own: own.scaler.scale)

    def units(self, series: npt.NDArray[np.integer[Any]]) -> Floats:
        """Returns what errors are multiples of, of shape (rows, 1): the data's unit, or the naive error of each series.

        Series that have names may be in units, or of sizes, that nobody can add up.
        """
        return self.naive_errors(series) if self.has_names else np.ones((len(series), 1))

    def naive_errors(self, series: npt.NDArray[np.integer[Any]]) -> Floats:
        """Returns the naive error of each row's series, of shape (rows, 1)."""
        return self._each(series, lambda own: own.naive_error)

    def _each(self, series: npt.NDArray[np.integer[Any]], take: Callable[[Own], float]) -> Floats:
        found: Floats = np.array([take(own) for own in self.series.values()])[np.asarray(series)][:, None]
        return found

    def encode(self, values: Floats, covariates: Mapping[str, npt.NDArray[Any]], horizon: int) -> Floats:
        """Turns standardised values and other columns, of shape (rows,), into channels of shape (rows, channels).

        A column that is known ahead has as many rows more as the horizon has steps. It becomes channels twice: its
        value at a row, and its value as many rows later. The last rows of a window thus show what is known of the steps
        after it, and an input has a step a row, whatever is known.
        """
        channels, rows = [values], values.shape[-1]
        for name in self.covariates:
            channels += self._channels(name, covariates[name][..., :rows] if name in self.ahead else covariates[name])
        for name in self.ahead:
            channels += self._channels(name, covariates[name][..., horizon : horizon + rows])
        return np.stack(channels, axis=-1)

    def _channels(self, name: str, column: npt.NDArray[Any]) -> list[Floats]:
        rule = self.covariates[name]
        if isinstance(rule, Scaler):
            return [rule.apply(np.asarray(column, np.float64))]
        return [(np.asarray(column) == word).astype(np.float64) for word in rule]

    def channel_names(self, value: str) -> list[str]:
        """Names the channels in their order; ``value`` is the name of the series' own column."""
        names = [value]
        columns = [(name, name) for name in self.covariates] + [(name, f"{name} ahead") for name in self.ahead]
        for name, told in columns:
            rule = self.covariates[name]
            names += [told] if isinstance(rule, Scaler) else [f"{told} {word}" for word in rule]
        return names

    def to_json(self) -> dict[str, Any]:
        """Returns what `from_json` reads; its numbers are read back exactly."""
        rules = [
            {"column": name, **(rule._asdict() if isinstance(rule, Scaler) else {"words": list(rule)})}
            for name, rule in self.covariates.items()  # in their order, which is that of the channels
        ]
        known = [
            {"name": name, **own.scaler._asdict(), "naive_error": own.naive_error} for name, own in self.series.items()
        ]
        facts = {"series": known, "season": self.season, "covariates": rules}
        return {**facts, **({"ahead": list(self.ahead)} if self.ahead else {})}


def from_json(values: Mapping[str, Any]) -> Encoding:
    """Reads an encoding; those of models up to 0.2.0 are of a single series, up to 0.1.0 of its scaler alone."""
    rules = {
        rule["column"]: tuple(rule["words"]) if "words" in rule else Scaler(rule["mean"], rule["scale"])
        for rule in values.get("covariates", ())
    }
    known = values.get("series", [{"name": "", **values}])
    own = {one["name"]: Own(Scaler(one["mean"], one["scale"]), one.get("naive_error", 1.0)) for one in known}
    return Encoding(own, rules, values.get("season"), tuple(values.get("ahead", ())))


def fit(train: Mapping[str, Split], season: int | str, window: int, known_ahead: Collection[str] = ()) -> Encoding:
    """Fits scalers, words and season to the training rows alone.

    Values are standardised by series, as one may be sold by the thousand and another by the dozen; covariates are the
    same for all. The season is that which most of the series show.

    Args:
        train: the training rows of each series by name.
        season: in steps; or "auto", as in `find_season`, or "none".
        window: number of rows of a window.
        known_ahead: as in ``data.known_ahead``.

    Raises:
        UserError: there are no values, a column never changes, or it has too many words.
    """
    scalers = {name: fit_scaler(rows.values, name) for name, rows in train.items()}
    columns = next(iter(train.values())).covariates
    rules = {
        name: _fit_covariate(name, np.concatenate([rows.covariates[name] for rows in train.values()]))
        for name in columns
    }
    lag = season if isinstance(season, int) else None
    if season == "auto":
        found = Counter(find_season(rows.values, window) for rows in train.values())
        lag = max(found, key=lambda each: (found[each], -(each or 0)))
    own = {name: Own(scalers[name], _naive_error(rows, lag or 1, scalers[name])) for name, rows in train.items()}
    return Encoding(own, rules, lag, tuple(name for name in rules if is_known_ahead(name, known_ahead)))


def _naive_error(train: Split, steps: int, scaler: Scaler) -> float:
    real = ~(train.filled[steps:] | train.filled[:-steps])
    differences = np.abs(train.values[steps:] - train.values[:-steps])[real]
    return float(differences.mean()) if differences.any() else scaler.scale


def _fit_covariate(name: str, column: npt.NDArray[Any]) -> Scaler | tuple[str, ...]:
    if name.startswith(CALENDAR):  # between -1 and 1 whatever the training rows have, which may be a part of a year
        return Scaler(0.0, 1.0)
    found = np.unique(column.astype(str) if column.dtype == object else column)
    if len(found) < 2:
        problem = f"column {name!r} is {found[0]} in all {len(column):,} training rows"
        raise UserError(f"{problem}: nothing can be learned from it; leave it out of data.covariates")
    if found.dtype.kind != "U":
        return Scaler(float(column.mean()), float(column.std()))
    if len(found) > MOST_WORDS:
        problem = f"column {name!r} has {len(found):,} different words in the training rows"
        raise UserError(f"{problem}; expected numbers, or at most {MOST_WORDS} words; leave it out of data.covariates")
    return tuple(found.tolist())


def fit_scaler(values: Floats, name: str = "") -> Scaler:
    """Fits the standardisation to the training values of a series alone, float64 of shape (rows,).

    Raises:
        UserError: there are no values, or they are all equal.
    """
    if len(np.unique(values)) < 2:
        number, told = len(values), f"series {name!r}: " if name else ""
        problem = f"all {number} training values are {values[0]:g}" if number else "there are no training values"
        raise UserError(f"{told}{problem}: a constant cannot be standardised or learned from; check data.value_column")
    return Scaler(float(values.mean()), float(values.std()))


def find_season(values: Floats, window: int) -> int | None:
    """Returns the lag at which the autocorrelation of values, of shape (rows,), has its highest peak.

    The lag fits into a window, and into the values three times. A straight line is taken off the values first. A peak
    counts if it is positive and `SEASON_RISE` above the lowest autocorrelation at a shorter lag; without one there is
    no season. Of peaks nearly as high as the highest the first is taken, as the others are multiples of it.
    """
    steps = np.arange(len(values))
    if len(values) < 6:
        return None
    rest = values - np.polyval(np.polyfit(steps, values, 1), steps)
    spectrum = np.abs(np.fft.rfft(rest, 2 * len(rest))) ** 2
    correlation = np.fft.irfft(spectrum)[: min(window + 1, len(values) // 3) + 1]  # a peak has a neighbour behind it
    if correlation[0] <= 0:
        return None
    correlation = correlation / correlation[0] * len(rest) / (len(rest) - np.arange(len(correlation)))
    middle = correlation[1:-1]
    is_peak = (middle > correlation[:-2]) & (middle >= correlation[2:]) & (middle > 0)
    is_peak &= middle - np.minimum.accumulate(middle) >= SEASON_RISE
    peaks = np.flatnonzero(is_peak) + 1
    if not len(peaks):
        return None
    return int(peaks[correlation[peaks] >= 0.9 * correlation[peaks].max()][0])


def save(folder: Path, encoding: Encoding) -> None:
    """Writes the encoding next to the arrays of the training split."""
    write_json(folder / "scaler.json", encoding.to_json())


def read(source: Path) -> Encoding:
    """Reads what `save` wrote."""
    return from_json(read_json(source))
