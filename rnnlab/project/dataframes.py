"""Tables that earlier stages wrote, and quotations in the CSV files that people open."""

import io
from pathlib import Path
from typing import Any

import pandas as pd

from rnnlab.project.files import reading


def read_table(source: Path, **options: Any) -> pd.DataFrame:
    """Reads a CSV.

    Args:
        source: the CSV.
        options: of `pandas.read_csv`.

    Raises:
        UserError: the file is missing, or it is damaged or cut short.
    """
    with reading(source):
        return parse_table(source.read_bytes(), **options)


def parse_table(content: bytes, **options: Any) -> pd.DataFrame:
    """Parses a CSV; see `read_table`.

    Raises:
        ValueError: it is cut short, or no CSV.
    """
    if not content.endswith(b"\n"):
        raise ValueError("its last line has no end")
    return pd.read_csv(io.BytesIO(content), **options)


def read_parquet(source: Path) -> pd.DataFrame:
    """Reads a Parquet file.

    Raises:
        UserError: the file is missing, or it is damaged or cut short.
    """
    with reading(source):
        return pd.read_parquet(source)


def parse_parquet(content: bytes) -> pd.DataFrame:
    """Parses the content of a Parquet file."""
    return pd.read_parquet(io.BytesIO(content))


# How formulas begin in Excel, LibreOffice and others, wide characters included; see OWASP, "CSV Injection".
FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def defused(cell: str) -> str:
    """Puts an apostrophe before what a spreadsheet would compute, and might send elsewhere, instead of showing it.

    Not for files that programs read: the cell is no longer what it was.
    """
    return f"'{cell}" if cell.startswith(FORMULA) else cell
