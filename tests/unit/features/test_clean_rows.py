from pathlib import Path

import pandas as pd

from rnnlab.features import clean_rows


def test_of_no_mistakes_there_are_no_texts(tmp_path: Path) -> None:
    pd.DataFrame({"id": ["a", "b"], "text": ["one", "two"]}).to_parquet(tmp_path / "rows.parquet")
    assert clean_rows.read_texts(tmp_path / "rows.parquet", []) == {}
    assert clean_rows.read_texts(tmp_path / "rows.parquet", ["b"]) == {"b": "two"}
