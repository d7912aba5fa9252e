from pathlib import Path

import pandas as pd

from rnnlab.features import clean_rows


def test_the_rows_of_a_split_keep_their_order(tmp_path: Path) -> None:
    splits = ["train", "test", "train"] * 3000
    pd.DataFrame({"id": range(9000), "split": splits}).to_parquet(tmp_path / "rows.parquet")
    batches = clean_rows.read_split(tmp_path / "rows.parquet", "test")
    assert [number for batch in batches for number in batch["id"].to_pylist()] == [*range(1, 9000, 3)]


def test_of_no_mistakes_there_are_no_texts(tmp_path: Path) -> None:
    pd.DataFrame({"id": ["a", "b"], "text": ["one", "two"]}).to_parquet(tmp_path / "rows.parquet")
    assert clean_rows.read_texts(tmp_path / "rows.parquet", []) == {}
    assert clean_rows.read_texts(tmp_path / "rows.parquet", ["b"]) == {"b": "two"}


def test_sequences_are_named_as_they_stand_in_the_file(tmp_path: Path) -> None:
    rows = pd.DataFrame({"id": ["a", "b"], "sequence": ["7", "left hand"], "row": [1, 1234]})
    rows.to_parquet(tmp_path / "rows.parquet")
    found = clean_rows.read_sequence_names(tmp_path / "rows.parquet", ["b"])
    assert found == {"b": "sequence left hand, from row 1,234 on"}
