"""Clean rows of one file or of several become the same arrays."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rnnlab.features import encoding
from rnnlab.features.arrays import Features
from rnnlab.features.clean_rows import SCHEMA, SPLITS
from rnnlab.project.params import Params
from tests.support.builders import table_of
from tests.support.results import SERIES, changed


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


def test_lengths_are_told_by_percentiles_of_each_split(settings: Params, tmp_path: Path) -> None:
    lengths = [*range(101)] * len(SPLITS)
    texts = [" ".join(["word"] * (length + 1)) for length in lengths]
    columns = {"id": [f"{row:016x}" for row in range(len(texts))], "row": range(len(texts)), "text": texts}
    splits = np.repeat(SPLITS, 101).tolist()
    rows = pa.table({**columns, "label": [0] * len(texts), "split": splits}, schema=SCHEMA)
    pq.write_table(rows, tmp_path / "rows.parquet")
    ours = changed(settings, **{"tokenize_pad.max_length": 91})
    figures = encoded(ours, tmp_path / "rows.parquet", tmp_path)["figures"]
    expected = {f"length_p{point:02}": point + 1 for point in (5, 25, 50, 75, 95, 99)}
    for split in SPLITS:
        assert figures[split] == {"rows": 101, "oov_rate": 0, "truncated_share": pytest.approx(10 / 101), **expected}


def test_a_series_has_windows_and_no_words(settings: Params, tmp_path: Path) -> None:
    pq.write_table(table_of(np.arange(100.0)), tmp_path / "rows.parquet")
    ours = changed(settings, **SERIES, **{"series.window": 5, "series.horizon": 2, "series.season": "none"})
    found = encoded(ours, tmp_path / "rows.parquet", tmp_path / "it")
    assert found["vocabulary.json"].strip() == b"[]"
    splits = {"train": {"windows": 54}, "validation": {"windows": 14}, "test": {"windows": 14}}
    assert found["figures"] == {"channels": 1, "season": None, **splits}


def test_sequences_of_numbers_have_no_words(settings: Params, tmp_path: Path) -> None:
    columns = {"id": [f"{row:016x}" for row in range(6)], "label": [0, 1] * 3, "channel_a": [[1.0, 2.0], [3.0]] * 3}
    pq.write_table(pa.table({**columns, "split": np.repeat(SPLITS, 2).tolist()}), tmp_path / "rows.parquet")
    ours = changed(settings, task="sequences", baselines=["majority"])
    found = encoded(ours, tmp_path / "rows.parquet", tmp_path / "it")
    assert found["vocabulary.json"].strip() == b"[]"
    assert found["figures"]["channels"] == ["a"] and found["figures"]["test"]["rows"] == 2
