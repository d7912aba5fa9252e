"""A column of a series, cell by cell: numbers or words, and the gaps among them."""

import math
from array import array

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rnnlab.data.numbers import LARGEST, parse_number
from rnnlab.project.errors import UserError


class Column:
    """The cells of a column, numbers or words as the first of them says; a gap is NaN. Words are numbered."""

    def __init__(self, told: str, place: int, name: str, key: str, longest_gap: int) -> None:
        is_target = place == 0
        self.name, self.place, self._told, self._key = name, place, told, key
        self.cells, self.words = array("d"), None if is_target else dict[str, int]()
        self._is_open = not is_target  # whether the first cell is still to say what the column holds
        self._longest_gap = longest_gap
        self.gaps = self.gap = self.longest = self.longest_at = self.first_gap = 0
        self._too_large = ""

    def add(self, row: int, cell: str) -> None:
        """Takes the next cell; raises a `UserError` on text among numbers."""
        number = self._parse(row, cell)
        if math.isnan(number):
            self.gaps, self.first_gap, self.gap = self.gaps + 1, self.first_gap or row, self.gap + 1
            if self.gap > self.longest:
                self.longest, self.longest_at = self.gap, row - self.gap + 1
        else:
            self.gap = 0
            if abs(number) > LARGEST and not self._too_large:
                self._too_large = f"row {row} has {cell[:40]!r} in column {self.name!r}"
        if self.gap <= self._longest_gap:  # a compressed file of blank lines would take a thousand times its size
            self.cells.append(number)

    def _parse(self, row: int, cell: str) -> float:
        """Returns a number, that of a word, or NaN for a gap."""
        number = parse_number(cell)
        if number is not None and math.isnan(number):
            return number
        if self._is_open:
            self._is_open = False
            if number is not None:
                self.words = None
        if self.words is not None:
            return self.words.setdefault(cell.strip(), len(self.words))
        if number is None:
            expected = f"a number such as -1.5 (see {self._key}, data.delimiter)"
            raise UserError(f"{self._told}: row {row} has {cell[:40]!r} in column {self.name!r}; expected {expected}")
        return number

    def check(self, rows: int, missing: str) -> None:
        """Raises a `UserError` if there are gaps that must not be, or numbers that float32 cannot hold."""
        if self.gaps and missing == "refuse":
            problem = f"{self.gaps} of {rows} rows have no value in column {self.name!r}, first row {self.first_gap}"
            expected = "a value at every time step; fill the gaps, cut them off, or set data.missing to carry_forward"
            raise UserError(f"{self._told}: {problem}; expected {expected}")
        if self.longest > self._longest_gap:
            problem = f"column {self.name!r} has no value in {self.longest} rows from row {self.longest_at} on"
            limit = f"at most {self._longest_gap} (data.max_gap)"
            raise UserError(f"{self._told}: {problem}; expected {limit}; cut the series there, or raise the limit")
        if self._too_large:
            expected = f"finite numbers of magnitude at most {LARGEST:.1e}"
            raise UserError(f"{self._told}: {self._too_large}; expected {expected}")

    def is_empty(self, rows: int) -> bool:
        """Whether none of the first rows has a value."""
        return bool(np.isnan(self.cells[:rows]).all())

    def first_value(self) -> int:
        """Returns the index of the first cell that is no gap."""
        return int(np.flatnonzero(~np.isnan(self.cells))[0])

    def carried_forward(self, first: int) -> npt.NDArray[np.float64]:
        """Returns the cells from the given index on, each gap as the value before it; only the past is looked at."""
        cells = np.array(self.cells, np.float64)
        latest = np.maximum.accumulate(np.where(np.isnan(cells), 0, np.arange(len(cells))))
        filled: npt.NDArray[np.float64] = cells[latest][first:]
        return filled

    def arrow(self, first: int) -> pa.Array:
        """Returns the filled cells from the given index on as numbers or text."""
        cells = self.carried_forward(first)
        if self.words is None:
            return pa.array(cells)
        return pa.array(list(self.words), pa.string()).take(pa.array(cells.astype(np.int64)))
