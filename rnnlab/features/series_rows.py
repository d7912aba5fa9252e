"""The clean rows of series, split by split."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rnnlab.project.results import NOTHING
from rnnlab.project.tasks import COVARIATE

Floats = npt.NDArray[np.float64]


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
