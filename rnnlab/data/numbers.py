"""How files write numbers, and that there is none."""

import math

import numpy as np

GAPS = ("", "nan", "na", "n/a", "null", "none")
LARGEST = float(np.finfo(np.float32).max)  # the networks compute in float32


def is_gap(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return cell.strip().lower() in GAPS


def parse_number(cell: str) -> float | None:
    """Parses one cell; returns NaN for a gap and None for text."""
    stripped = cell.strip()
    if is_gap(stripped):
        return math.nan
    try:
        return None if "_" in stripped else float(stripped)  # only Python takes 1_000 for a number
    except ValueError:
        return None
