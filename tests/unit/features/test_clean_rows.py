import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rnnlab.features import clean_rows
from tests.support import arrow


def test_the_rows_of_a_split_keep_their_order(tmp_path: Path) -> None:
    splits = ["train", "test", "train"] * 3000
    pd.DataFrame({"id": range(9000), "split": splits}).to_parquet(tmp_path / "rows.parquet")
    batches = clean_rows.read_split(tmp_path / "rows.parquet", "test")
    assert [number for batch in batches for number in batch["id"].to_pylist()] == [*range(1, 9000, 3)]


def test_of_no_mistakes_there_are_no_texts(tmp_path: Path) -> None:
    pd.DataFrame({"id": ["a", "b"], "text": ["one", "two"]}).to_parquet(tmp_path / "rows.parquet")
    assert clean_rows.read_texts(tmp_path / "rows.parquet", []) == {}
    assert clean_rows.read_texts(tmp_path / "rows.parquet", ["b"]) == {"b": "two"}


def test_chosen_rows_of_several_files_keep_their_order(tmp_path: Path) -> None:
    for shard, numbers in enumerate((range(10), range(10, 20), range(20, 30))):
        rows = pd.DataFrame({"id": numbers, "split": ["train", "test"] * 5, "text": [f"text {n}" for n in numbers]})
        rows.to_parquet(tmp_path / f"{shard}.parquet", row_group_size=3)
    found = clean_rows.read_rows(tmp_path, ["text"], pc.field("split") == "test")
    assert found.to_pydict() == {"text": [f"text {number}" for number in range(1, 30, 2)]}
    one = clean_rows.read_rows(tmp_path, ["id", "text"], pc.field("id") == 17)
    assert one.to_pylist() == [{"id": 17, "text": "text 17"}]


def test_few_texts_of_many_are_found_in_little_memory(tmp_path: Path) -> None:
    ids = [f"{number * 3 % 5000}" for number in range(5000)]  # in no order, by which groups could be left out
    texts = pa.table({"id": ids, "text": [os.urandom(2000).hex() for _ in ids]})
    pq.write_table(texts, tmp_path / "rows.parquet", row_group_size=100)
    with arrow.counting() as pool:
        found = clean_rows.read_rows(tmp_path / "rows.parquet", ["text"], pc.field("id") == "4000")
    assert found.num_rows == 1
    assert pool.max_memory() < texts.nbytes / 10


def test_sequences_are_named_as_they_stand_in_the_file(tmp_path: Path) -> None:
    rows = pd.DataFrame({"id": ["a", "b"], "sequence": ["7", "left hand"], "row": [1, 1234]})
    rows.to_parquet(tmp_path / "rows.parquet")
    found = clean_rows.read_sequence_names(tmp_path / "rows.parquet", ["b"])
    assert found == {"b": "sequence left hand, from row 1,234 on"}
