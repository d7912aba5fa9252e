"""Tables that earlier stages wrote."""

import io
from pathlib import Path
from typing import Any

import pandas as pd

from rnnlab.files import reading


def read_table(source: Path, **options: Any) -> pd.DataFrame:
    """Reads a CSV.

    Args:
        source: the CSV.
        options: of `pandas.read_csv`.

    Raises:
        UserError: the file is missing, or it is damaged or cut short.
    """
    with reading(source):
        content = source.read_bytes()
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
