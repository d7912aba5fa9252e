"""Windows of a series, from which the next values are predicted, and how columns become their channels."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

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

    def undo(self, scaled: npt.NDArray[np.floating[Any]]) -> Floats:
        """Converts standardised values back to the unit of the column."""
        return scaled.astype(np.float64) * self.scale + self.mean


class Encoding(NamedTuple):
    """How columns become channels, and what else the training rows tell.

    Attributes:
        value: scaler of the values, the first channel.
        covariates: by column, the scaler of numbers, or the words that have a channel each; other words have none.
        season: number of steps after which the values are alike; None without a season.
        naive_error: mean absolute difference of a value from that a season, or a step, before, in the data's unit.
        ahead: covariates whose values at the steps to predict are seen, too.
    """

    value: Scaler
    covariates: Mapping[str, Scaler | tuple[str, ...]] = NOTHING
    season: int | None = None
    naive_error: float = 1.0
    ahead: tuple[str, ...] = ()

    def encode(self, values: Floats, covariates: Mapping[str, npt.NDArray[Any]], horizon: int) -> Floats:
        """Turns columns of shape (rows,) into channels of shape (rows, channels).

        A column that is known ahead has as many rows more as the horizon has steps. It becomes channels twice: its
        value at a row, and its value as many rows later. The last rows of a window thus show what is known of the steps
        after it, and an input has a step a row, whatever is known.
        """
        channels, rows = [self.value.apply(values)], values.shape[-1]
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
        facts = {"season": self.season, "naive_error": self.naive_error, "covariates": rules}
        return {**self.value._asdict(), **facts, **({"ahead": list(self.ahead)} if self.ahead else {})}


def from_json(values: Mapping[str, Any]) -> Encoding:
    """Reads an encoding; those of models up to 0.1.0 have a scaler alone."""
    rules = {
        rule["column"]: tuple(rule["words"]) if "words" in rule else Scaler(rule["mean"], rule["scale"])
        for rule in values.get("covariates", ())
    }
    scaler = Scaler(values["mean"], values["scale"])
    ahead = tuple(values.get("ahead", ()))
    return Encoding(scaler, rules, values.get("season"), values.get("naive_error", 1.0), ahead)


class Split(NamedTuple):
    """The rows of one split, in the order of time; all of shape (rows,).

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


def read_split(table: pa.Table, split: str) -> Split:
    """Takes the rows of one split from a table of `rnnlab.data.series.to_table`."""
    rows = table.filter(table["split"].to_numpy() == split)
    names = [name for name in rows.column_names if name.startswith(COVARIATE)]
    covariates = {name.removeprefix(COVARIATE): rows[name].to_numpy() for name in names}
    return Split(rows["value"].to_numpy(), rows["row"].to_numpy(), rows["filled"].to_numpy(), covariates)


def fit(train: Split, season: int | str, window: int, known_ahead: Collection[str] = ()) -> Encoding:
    """Fits scalers, words and season to the training rows alone.

    Args:
        train: the training rows.
        season: in steps; or "auto", as in `find_season`, or "none".
        window: number of rows of a window.
        known_ahead: as in ``data.known_ahead``.

    Raises:
        UserError: there are no values, a column never changes, or it has too many words.
    """
    scaler = fit_scaler(train.values)
    rules = {name: _fit_covariate(name, column) for name, column in train.covariates.items()}
    lag = find_season(train.values, window) if season == "auto" else season if isinstance(season, int) else None
    steps = lag or 1
    real = ~(train.filled[steps:] | train.filled[:-steps])
    differences = np.abs(train.values[steps:] - train.values[:-steps])[real]
    naive = float(differences.mean()) if differences.any() else scaler.scale
    return Encoding(scaler, rules, lag, naive, tuple(name for name in rules if is_known_ahead(name, known_ahead)))


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


def fit_scaler(values: Floats) -> Scaler:
    """Fits the standardisation to the training values alone, float64 of shape (rows,).

    Raises:
        UserError: there are no values, or they are all equal.
    """
    if len(np.unique(values)) < 2:
        number = len(values)
        problem = f"all {number} training values are {values[0]:g}" if number else "there are no training values"
        raise UserError(f"{problem}: a constant cannot be standardised or learned from; check data.value_column")
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
    channels: Floats, filled: npt.NDArray[np.bool_], window: int, horizon: int, split: str
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
        UserError: the split is too short for two windows, the minimum for R².
    """
    rows = len(channels)
    if rows < (needed := window + horizon + 1):
        problem = f"need {needed} rows in each split, but the {split} split has {rows}"
        shares = "split.test_fraction, split.validation_fraction or split.train_share"
        sizes = f"series.window {window} and series.horizon {horizon}"
        raise UserError(f"{sizes} {problem}; lower series.window, add rows, or change {shares}")
    views = np.lib.stride_tricks.sliding_window_view
    unknown = views(filled[window:], horizon).any(axis=1)
    kept = np.flatnonzero(~unknown)
    if len(kept) < 2:
        problem = f"the {split} split has {len(kept)} windows followed by {horizon} values of the file"
        raise UserError(f"{problem}, as others were filled (data.missing); expected two; lower series.horizon")
    exact = channels.astype(np.float32)
    inputs = views(exact[: rows - horizon], window, axis=0).transpose(0, 2, 1)
    return inputs, views(exact[window:, 0], horizon), kept


def featurise(
    rows: Split, split: str, encoding: Encoding, window: int, horizon: int
) -> tuple[Windows, npt.NDArray[np.intp]]:
    """Encodes the rows of one split and cuts them into windows; returns views of all, and which are kept, as `slide`.

    What is known ahead is taken from the same split, too. No window ends so late that it lacks rows for that: those
    behind the last are made up, and are in no window.
    """
    within = np.minimum(np.arange(len(rows.values) + horizon), len(rows.values) - 1)
    covariates = {
        name: column[within] if name in encoding.ahead else column for name, column in rows.covariates.items()
    }
    channels = encoding.encode(rows.values, covariates, horizon)
    inputs, targets, kept = slide(channels, rows.filled, window, horizon, split)
    return Windows(inputs, targets, rows.rows[window : window + len(targets)]), kept


def save(folder: Path, windows: Windows, kept: npt.NDArray[np.intp]) -> None:
    """Writes the windows of a split that are kept to an existing folder, part by part: a window repeats its rows."""
    for name, array in windows._asdict().items():
        shape = (len(kept), *array.shape[1:])
        with (folder / f"{name}.npy").open("wb") as stream:
            facts = {"descr": array.dtype.str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, facts)
            for start in range(0, len(kept), BATCH_ROWS):
                stream.write(np.ascontiguousarray(array[kept[start : start + BATCH_ROWS]]).tobytes())


def save_encoding(folder: Path, encoding: Encoding) -> None:
    """Writes the encoding next to the arrays of the training split."""
    write_json(folder / "scaler.json", encoding.to_json())
