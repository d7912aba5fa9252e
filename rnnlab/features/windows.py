"""Windows of a series, from which the next values are predicted, and how columns become their channels."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rnnlab.features.arrays import Windows
from rnnlab.project.errors import UserError
from rnnlab.project.files import write_json
from rnnlab.project.results import NOTHING
from rnnlab.project.tasks import CALENDAR, COVARIATE, is_known_ahead

MOST_WORDS = 100  # of a column; more are rather names or texts
BATCH_ROWS = 4096  # windows that are written at once
SEASON_RISE = 0.1  # of the autocorrelation, above its lowest value at a shorter lag

Floats = npt.NDArray[np.float64]


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


class Split(NamedTuple):
    """The rows of one split of a series, in the order of time; all of shape (rows,).

    Attributes:
        values: in the data's unit.
        rows: in the CSV, counted from 1.
        filled: whether a value is an earlier one, for want of its own.
        covariates: by column, numbers or words.
    """

    values: Floats
    rows: npt.NDArray[np.int64]
    filled: npt.NDArray[np.bool_]
    covariates: Mapping[str, npt.NDArray[Any]] = NOTHING


def by_series(table: pa.Table) -> dict[str, pa.Table]:
    """Cuts a table of `rnnlab.data.series.to_table` into those of its series by name, in their order."""
    names = table["series"].to_numpy()
    starts = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1), len(names)]
    return {names[start]: table.slice(start, end - start) for start, end in pairwise(starts)}


def read_split(table: pa.Table, split: str) -> dict[str, Split]:
    """Takes the rows of one split of each series, by name, from a table of `rnnlab.data.series.to_table`."""
    return {name: _take(rows.filter(pc.equal(rows["split"], split))) for name, rows in by_series(table).items()}


def _take(rows: pa.Table) -> Split:
    names = [name for name in rows.column_names if name.startswith(COVARIATE)]
    covariates = {name.removeprefix(COVARIATE): rows[name].to_numpy() for name in names}
    return Split(rows["value"].to_numpy(), rows["row"].to_numpy(), rows["filled"].to_numpy(), covariates)


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


def slide(
    channels: Floats, filled: npt.NDArray[np.bool_], window: int, horizon: int, split: str, told: str = ""
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.intp]]:
    """Cuts the channels of one split, of shape (n, channels), into windows that predict the values after them.

    Inputs and targets are from the same split, so that no value is in two splits. Validation and test therefore have
    no targets for their first ``window`` values. Windows with a filled value among their targets are left out: nobody
    knows what the forecast should have been.

    Returns:
        Views of all windows, which take no memory: inputs, float32 of shape (windows, window, channels), and targets,
        the first channel of the rows after each window, float32 of shape (windows, horizon). And the indices of those
        that are not left out.

    Raises:
        UserError: the split is too short for two windows, the minimum for R²; begins with ``told``.
    """
    rows = len(channels)
    if rows < (needed := window + horizon + 1):
        problem = f"need {needed} rows in each split, but the {split} split has {rows}"
        shares = "split.test_fraction, split.validation_fraction or split.train_share"
        sizes = f"series.window {window} and series.horizon {horizon}"
        raise UserError(f"{told}{sizes} {problem}; lower series.window, add rows, or change {shares}")
    views = np.lib.stride_tricks.sliding_window_view
    unknown = views(filled[window:], horizon).any(axis=1)
    kept = np.flatnonzero(~unknown)
    if len(kept) < 2:
        problem = f"{told}the {split} split has {len(kept)} windows followed by {horizon} values of the file"
        raise UserError(f"{problem}, as others were filled (data.missing); expected two; lower series.horizon")
    exact = channels.astype(np.float32)
    inputs = views(exact[: rows - horizon], window, axis=0).transpose(0, 2, 1)
    return inputs, views(exact[window:, 0], horizon), kept


def featurise(
    rows: Split, split: str, encoding: Encoding, window: int, horizon: int, name: str = ""
) -> tuple[Windows, npt.NDArray[np.intp]]:
    """Encodes the rows of one split of a series and cuts them into windows, all in views, and says which are kept.

    See `slide`. What is known ahead is taken from the same split, too. No window ends so late that it lacks rows for
    that: those behind the last are made up, and are in no window.
    """
    within = np.minimum(np.arange(len(rows.values) + horizon), len(rows.values) - 1)
    covariates = {
        name: column[within] if name in encoding.ahead else column for name, column in rows.covariates.items()
    }
    channels = encoding.encode(encoding.series[name].scaler.apply(rows.values), covariates, horizon)
    told = f"series {name!r}: " if name else ""
    inputs, targets, kept = slide(channels, rows.filled, window, horizon, split, told)
    series = np.full(len(targets), list(encoding.series).index(name), np.int32)
    return Windows(inputs, targets, rows.rows[window : window + len(targets)], series), kept


def save(folder: Path, cut: Sequence[tuple[Windows, npt.NDArray[np.intp]]]) -> None:
    """Writes the windows of a split that are kept, series by series, to an existing folder.

    They are written part by part, as a window repeats its rows.
    """
    for place, name in enumerate(Windows._fields):
        first, count = cut[0][0][place], sum(len(kept) for _, kept in cut)
        with (folder / f"{name}.npy").open("wb") as stream:
            facts = {"descr": first.dtype.str, "fortran_order": False, "shape": (count, *first.shape[1:])}
            np.lib.format.write_array_header_1_0(stream, facts)
            for windows, kept in cut:
                for start in range(0, len(kept), BATCH_ROWS):
                    stream.write(np.ascontiguousarray(windows[place][kept[start : start + BATCH_ROWS]]).tobytes())


def save_encoding(folder: Path, encoding: Encoding) -> None:
    """Writes the encoding next to the arrays of the training split."""
    write_json(folder / "scaler.json", encoding.to_json())
