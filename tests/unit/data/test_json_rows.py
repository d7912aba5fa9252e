import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from rnnlab.data import json_rows, sources
from rnnlab.data.csv_rows import BATCH_ROWS, Rows
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params


def written(folder: Path, *rows: Any, name: str = "it.jsonl", encoding: str = "utf-8") -> Path:
    source = folder / name
    lines = "".join(f"{row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    content = lines.encode(encoding)
    source.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return source


def read(source: Path, settings: Params, split: str | None = None, slices: tuple[str, ...] = ()) -> Rows:
    batches = list(sources.read_rows(source, settings.data, split, slices))
    return Rows(*([cell for part in field for cell in part] for field in zip(*batches, strict=True)))


@pytest.mark.parametrize("name", ["it.jsonl", "it.ndjson", "it.jsonl.gz", "IT.JSONL"])
def test_keys_are_columns_and_blank_lines_are_skipped(tmp_path: Path, settings: Params, name: str) -> None:
    rows = ({"review": 'good\n, "very"', "sentiment": "positive"}, "", {"sentiment": "negative", "review": "bad"})
    expected = Rows([1, 2], ['good\n, "very"', "bad"], ["positive", "negative"], ["", ""], [])
    assert read(written(tmp_path, *rows, name=name), settings) == expected


def test_numbers_and_truth_are_written_as_json_writes_them(tmp_path: Path, settings: Params) -> None:
    rows = [{"review": 7, "sentiment": value} for value in (1, 2.5, True, None)]
    assert read(written(tmp_path, *rows), settings).labels == ["1", "2.5", "true", ""]


def test_a_key_that_a_later_row_lacks_is_blank(tmp_path: Path, settings: Params) -> None:
    rows = ({"review": "a", "sentiment": "positive", "split": "train", "year": 2001}, {"review": "b"})
    found = read(written(tmp_path, *rows), settings, "split", ("year", "product"))
    assert found.labels == ["positive", ""] and found.splits == ["train", ""]
    assert found.slices == [["2001", ""], ["", ""]]


def test_a_byte_order_mark_is_no_text(tmp_path: Path, settings: Params) -> None:
    assert read(written(tmp_path, {"review": "ä", "sentiment": "x"}, encoding="utf-8-sig"), settings).texts == ["ä"]


def test_half_a_character_is_replaced(tmp_path: Path, settings: Params) -> None:
    source = written(tmp_path, '{"review": "a \\ud800 b", "sentiment": "x"}')
    assert read(source, settings).texts == ["a ? b"]


BAD = {
    "no JSON": (["{'review': 1}"], "row 1 is not JSON (Expecting property name"),
    "a whole document": (["["], "row 1 is not JSON"),
    "no object": (["[1, 2]"], "row 1 is not a JSON object"),
    "no such key": ([{"text": "a", "label": "b"}], "no column 'review'; its columns are: text, label; set data.text"),
    "a list": ([{"review": ["a"], "sentiment": "b"}], "row 1 holds a list in column 'review'"),
    "an object": ([{"review": "a", "sentiment": {}}], "row 1 holds an object in column 'sentiment'"),
    "deep brackets": (["[" * 90_000], "row 1 is not JSON"),
    "brackets that would fill the memory": (["[" + "{}," * 100_000], "more than 100,000 lists or objects"),
    "a number of many digits": (["1" * 5000], "row 1 is not JSON"),
    "nothing": ([], "the file is empty; expected one JSON object on each line"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_with_its_row(tmp_path: Path, settings: Params, case: str) -> None:
    rows, sentence = BAD[case]
    source = written(tmp_path, *rows)
    with pytest.raises(UserError) as mistake:
        read(source, settings)
    assert str(mistake.value).startswith(f"{source}: ") and sentence in str(mistake.value)


def test_an_endless_line_is_refused(tmp_path: Path, settings: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rows, "ROW_CHARACTERS", 100)
    source = written(tmp_path, {"review": "a" * 100, "sentiment": "x"})
    with pytest.raises(UserError, match="row 1 has more than 100 characters"):
        read(source, settings)


def test_the_wrong_encoding_names_row_and_byte(tmp_path: Path, settings: Params) -> None:
    rows = ({"review": "a", "sentiment": "x"}, {"review": "ä", "sentiment": "x"})
    with pytest.raises(UserError, match=r"row 2, byte 46 is not utf-8; set data\.encoding"):
        read(written(tmp_path, *rows, encoding="latin-1"), settings)


def test_rows_come_in_batches(tmp_path: Path, settings: Params) -> None:
    source = written(tmp_path, *[{"review": "a", "sentiment": "x"}] * (BATCH_ROWS + 1))
    assert [len(batch.numbers) for batch in sources.read_rows(source, settings.data, None)] == [BATCH_ROWS, 1]
