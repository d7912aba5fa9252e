"""Clean rows of one file or of several become the same arrays."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rnnlab.features import encoding
from rnnlab.features.arrays import Features
from rnnlab.features.clean_rows import SCHEMA, SPLITS
from rnnlab.project.params import Params


def clean_rows(count: int = 60) -> pa.Table:
    texts = [f"film {number % 7} was word{number} good" for number in range(count)]
    splits = [SPLITS[number % 5 % 3] for number in range(count)]
    ids = [f"{number:016x}" for number in range(count)]
    columns = {"id": ids, "row": range(1, count + 1), "text": texts, "label": [n % 2 for n in range(count)]}
    return pa.table({**columns, "split": splits}, schema=SCHEMA)


def encoded(settings: Params, rows: Path, folder: Path) -> dict[str, Any]:
    """Returns the figures, and the bytes of every file."""
    figures = encoding.encode(settings, rows, folder / "vocabulary.json", folder)
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {"figures": figures, **{str(file.relative_to(folder)): file.read_bytes() for file in files}}


@pytest.mark.parametrize("ends", [(60,), (1, 20, 20, 60)], ids=["one file", "several, one of them empty"])
def test_rows_of_several_files_are_encoded_as_those_of_one(
    settings: Params, tmp_path: Path, ends: tuple[int, ...]
) -> None:
    rows, start = clean_rows(), 0
    pq.write_table(rows, tmp_path / "rows.parquet")
    (tmp_path / "rows").mkdir()
    for number, end in enumerate(ends):
        pq.write_table(rows.slice(start, end - start), tmp_path / "rows" / f"{number:06}.parquet")
        start = end
    one = encoded(settings, tmp_path / "rows.parquet", tmp_path / "one")
    assert one == encoded(settings, tmp_path / "rows", tmp_path / "several")
    arrays = {f"{split}/{name}.npy" for split in SPLITS for name in Features._fields}
    assert set(one) == {"figures", "vocabulary.json", *arrays}


def test_the_vocabulary_knows_the_words_of_training_rows_alone(
    settings: Params, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pq.write_table(clean_rows(), tmp_path / "rows.parquet")
    figures = encoding.encode(settings, tmp_path / "rows.parquet", tmp_path / "vocabulary.json", tmp_path / "features")
    words = set(json.loads((tmp_path / "vocabulary.json").read_text()))
    assert {"word0", "word3"} <= words
    assert not {"word1", "word2"} & words
    assert figures["vocabulary_size"] == len(words)
    assert "warning: tokenize_pad.vocabulary_size is 200, but the training rows have only" in capsys.readouterr().err
