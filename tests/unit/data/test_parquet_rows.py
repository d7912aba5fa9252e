"""Rows of Parquet files: the cells that a CSV of the same table has."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rnnlab.data import sources
from rnnlab.data.csv_rows import Rows
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params

TABLE = {"review": ["good", None, "bad"], "sentiment": ["positive", "negative", None], "extra": [1, 2, 3]}


def write(folder: Path, table: dict[str, list[object]]) -> Path:
    pq.write_table(pa.table(table), folder / "rows.parquet")
    return folder / "rows.parquet"


def read(source: Path, settings: Params, split: str | None = None) -> list[Rows]:
    return list(sources.read_rows(source, settings.data, split))


def test_rows_are_those_of_the_csv(settings: Params, tmp_path: Path) -> None:
    pd.DataFrame(TABLE).to_csv(tmp_path / "rows.csv", index=False)
    assert read(write(tmp_path, TABLE), settings) == read(tmp_path / "rows.csv", settings)
    assert read(write(tmp_path, TABLE), settings, "extra")[0].splits == ["1", "2", "3"]


def test_labels_may_be_numbers_or_categories(settings: Params, tmp_path: Path) -> None:
    table = {"review": ["a", "b"], "sentiment": [0, 1]}
    assert read(write(tmp_path, table), settings)[0].labels == ["0", "1"]
    frame = pd.DataFrame({"review": ["a", "b"], "sentiment": pd.Categorical(["no", "yes"])})
    frame.to_parquet(tmp_path / "rows.parquet")
    assert read(tmp_path / "rows.parquet", settings)[0].labels == ["no", "yes"]


def test_many_rows_come_in_batches_and_are_counted_on(settings: Params, tmp_path: Path) -> None:
    batches = read(write(tmp_path, {"review": ["a"] * 10_000, "sentiment": ["b"] * 10_000}), settings)
    assert len(batches) > 1
    assert [number for batch in batches for number in batch.numbers] == list(range(1, 10_001))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PAR1 and nothing", "not a whole Parquet file"),
        (b"", "not a whole Parquet file"),
        (
            {"text": ["a"], "sentiment": ["b"]},
            "no column 'review'; its columns are: text, sentiment; set data.text_column",
        ),
        ({"review": [], "sentiment": []}, "no rows; expected one or more"),
        ({"review": [["a"]], "sentiment": ["b"]}, "column 'review' holds list<element: string>; expected text"),
        ({"review": ["a"], "sentiment": [b"b"]}, "column 'sentiment' holds binary; expected text"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    settings: Params, tmp_path: Path, content: "bytes | dict[str, list[object]]", sentence: str
) -> None:
    source = tmp_path / "rows.parquet"
    if isinstance(content, bytes):
        source.write_bytes(content)
    else:
        write(tmp_path, content)
    with pytest.raises(UserError) as mistake:
        read(source, settings)
    assert str(mistake.value).startswith(f"{source}: ") and sentence in str(mistake.value)


def test_what_unpacks_to_too_much_is_not_read(settings: Params, tmp_path: Path) -> None:
    data = settings.data.model_copy(update={"max_megabytes": 1})
    source = write(tmp_path, {"review": [f"{place} {'x' * 2000}" for place in range(1000)], "sentiment": ["b"] * 1000})
    with pytest.raises(UserError, match="more than 1 MB"):
        list(sources.read_rows(source, data, None))
