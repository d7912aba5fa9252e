"""One array whose rows lie in several files."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


class ShardedArray:
    """Rows of several arrays, one after another; only those that are asked for are read.

    Attributes:
        parts: the arrays, alike but for their number of rows.
        shape: of all rows together.
        dtype: of each part.
    """

    def __init__(self, parts: Sequence[npt.NDArray[Any]]) -> None:
        self.parts = tuple(parts)
        self._ends = np.cumsum([len(part) for part in parts])
        self.shape = (int(self._ends[-1]), *parts[0].shape[1:])
        self.dtype = parts[0].dtype

    def __len__(self) -> int:
        """Counts the rows."""
        return int(self._ends[-1])

    def __getitem__(self, rows: slice | npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """Copies some rows, by a slice or by an array of places, none of them negative."""
        wanted = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else rows
        owners = np.searchsorted(self._ends, wanted, side="right")
        found = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        for owner in np.unique(owners):
            here = owners == owner
            part = self.parts[owner]
            found[here] = part[wanted[here] - (self._ends[owner] - len(part))]
        return found

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Copies all rows, for NumPy."""
        return np.concatenate(self.parts).astype(dtype or self.dtype, copy=False)


def parts_of(array: npt.NDArray[Any] | ShardedArray) -> Sequence[npt.NDArray[Any]]:
    """Gives what an array consists of, in the order of its rows: itself, where it is of one piece."""
    return array.parts if isinstance(array, ShardedArray) else (array,)
