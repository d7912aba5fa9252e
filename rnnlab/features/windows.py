"""Windows of a series, from which the next values are predicted."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rnnlab.features.arrays import Windows
from rnnlab.features.series_encoding import Encoding
from rnnlab.features.series_rows import Floats, Split
from rnnlab.project.errors import UserError

BATCH_ROWS = 4096  # windows that are written at once


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
