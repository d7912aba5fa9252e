from pathlib import Path

import pandas as pd

from rnnlab import row_texts


def test_of_no_mistakes_there_are_no_texts(tmp_path: Path) -> None:
    pd.DataFrame({"id": ["a", "b"], "text": ["one", "two"]}).to_parquet(tmp_path / "rows.parquet")
    assert row_texts.read_texts(tmp_path / "rows.parquet", []) == {}
    assert row_texts.read_texts(tmp_path / "rows.parquet", ["b"]) == {"b": "two"}
