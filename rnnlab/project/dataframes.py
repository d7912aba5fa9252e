"""Reads tables that earlier stages wrote, and defuses cells of CSV files that people open."""

import io
from pathlib import Path
from typing import Any

import pandas as pd

from rnnlab.project.files import reading


def read_table(source: Path, **options: Any) -> pd.DataFrame:
    """Reads a CSV.

    Args:
        source: the file.
        options: passed on to `pandas.read_csv`.

    Raises:
        UserError: the file is missing, damaged or cut short.
    """
    with reading(source):
        return parse_table(source.read_bytes(), **options)


def parse_table(content: bytes, **options: Any) -> pd.DataFrame:
    """Parses a CSV; see `read_table`.

    Raises:
        ValueError: it is cut short, or no CSV.
    """
    if not content.endswith(b"\n"):
        raise ValueError("its last line is incomplete")
    return pd.read_csv(io.BytesIO(content), **options)


def read_parquet(source: Path) -> pd.DataFrame:
    """Reads a Parquet file.

    Raises:
        UserError: the file is missing, damaged or cut short.
    """
    with reading(source):
        return pd.read_parquet(source)


def parse_parquet(content: bytes) -> pd.DataFrame:
    """Parses the content of a Parquet file."""
    return pd.read_parquet(io.BytesIO(content))


# Formulas begin with these in Excel, LibreOffice and others, full-width ones included; see OWASP, "CSV Injection".
FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def defused(cell: str) -> str:
    """Puts an apostrophe in front of a formula, which a spreadsheet would otherwise compute and could leak data with.

    Only for files that people read: it changes the cell.
    """
    return f"'{cell}" if cell.startswith(FORMULA) else cell
