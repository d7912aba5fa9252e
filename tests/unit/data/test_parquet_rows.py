"""Rows of Parquet files: the cells that a CSV of the same table has."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rnnlab.data import parquet_rows, sources
from rnnlab.data.csv_rows import Rows
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from tests.support import arrow

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


def test_cells_of_chosen_columns_are_read_row_by_row(tmp_path: Path) -> None:
    cells = list(parquet_rows.read_cells(write(tmp_path, TABLE), ["extra", "review"], 1))
    assert cells == [["1", "good"], ["2", ""], ["3", "bad"]]


def test_columns_that_results_are_split_by_are_those_of_the_csv(settings: Params, tmp_path: Path) -> None:
    pd.DataFrame(TABLE).to_csv(tmp_path / "rows.csv", index=False)
    columns = ["extra", "nowhere", "sentiment"]
    [packed], [plain] = (
        list(sources.read_rows(source, settings.data, None, columns))
        for source in (write(tmp_path, TABLE), tmp_path / "rows.csv")
    )
    assert packed == plain
    assert packed.slices == [["1", "", "positive"], ["2", "", "negative"], ["3", "", ""]]


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


@pytest.fixture
def pool() -> Iterator[pa.MemoryPool]:
    with arrow.counting() as pool:
        yield pool


def often(value: str, rows: int) -> pa.DictionaryArray:
    """A value that the file holds once, and every row has."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([value], pa.string()))


PREFIXES = {"use_dictionary": False, "column_encoding": {"review": "DELTA_BYTE_ARRAY", "sentiment": "PLAIN"}}
BOMBS = {
    "a long value in every row": (often("x" * 5_000, 200_000), {}),
    "a very long value in every row": (often("x" * 1_000_000, 10_000), {}),
    "the same in many row groups": (often("x" * 1_000_000, 1_000), {"row_group_size": 50}),
    "values that repeat the one before": (pa.array(["x" * 1_000_000] * 1_000), PREFIXES),
    "a single cell": (pa.array(["x" * 150_000_000]), {}),
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("typed", [True, False], ids=["of Arrow's types", "of Parquet's types"])
def test_a_bomb_is_refused_before_it_fills_the_memory(
    settings: Params, tmp_path: Path, pool: pa.MemoryPool, bomb: str, typed: bool
) -> None:
    reviews, options = BOMBS[bomb]
    labels = often("b", len(reviews)) if "column_encoding" not in options else pa.array(["b"] * len(reviews))
    table, source = pa.table({"review": reviews, "sentiment": labels}), tmp_path / "bomb.parquet"
    pq.write_table(table, source, compression="zstd", store_schema=typed, **options)
    assert source.stat().st_size < 30_000
    before = pool.bytes_allocated()
    with pytest.raises(UserError, match=r"bomb\.parquet: unpacks to .*more than 100 MB"):
        for _ in sources.read_rows(source, settings.data.model_copy(update={"max_megabytes": 100}), None):
            pass
    assert pool.max_memory() - before < 300_000_000


def thrift(number: int) -> bytes:
    """A number as the footer holds it."""
    digits = [2 * number >> shift & 127 for shift in range(0, 64, 7)]
    last = max(place for place, digit in enumerate(digits) if digit)
    return bytes([*(digit | 128 for digit in digits[:last]), digits[last]])


def test_a_bomb_whose_footer_lies_is_refused_too(settings: Params, tmp_path: Path, pool: pa.MemoryPool) -> None:
    source, before = tmp_path / "bomb.parquet", pool.bytes_allocated()
    table = pa.table({"review": often("x" * 1_000_000, 10_000), "sentiment": often("b", 10_000)})
    pq.write_table(table, source, compression="zstd", store_schema=False)
    group = pq.read_metadata(source).row_group(0)
    content = source.read_bytes()
    for size in (group.total_byte_size, group.column(0).total_uncompressed_size):
        assert content.count(thrift(size)) == 1
        content = content.replace(thrift(size), thrift(20_000))
    source.write_bytes(content)
    assert pq.read_metadata(source).row_group(0).total_byte_size == 20_000
    with pytest.raises(UserError, match=r"bomb\.parquet: unpacks to more than 100 MB"):
        for _ in sources.read_rows(source, settings.data.model_copy(update={"max_megabytes": 100}), None):
            pass
    assert pool.max_memory() - before < 300_000_000


@pytest.mark.parametrize("reviews", [pa.nulls(3_000_000, pa.string()), often("", 3_000_000)], ids=["null", "empty"])
def test_more_rows_than_bytes_are_refused_at_once(settings: Params, tmp_path: Path, reviews: pa.Array) -> None:
    table, source = pa.table({"review": reviews, "sentiment": often("b", len(reviews))}), tmp_path / "rows.parquet"
    pq.write_table(table, source, compression="zstd")
    with pytest.raises(UserError, match=r"rows\.parquet: 3,000,000 rows in [\d,]+ bytes cannot be texts"):
        next(sources.read_rows(source, settings.data, None))


def test_a_cell_is_no_longer_than_in_a_csv(settings: Params, tmp_path: Path) -> None:
    source = write(tmp_path, {"review": ["a", "x" * 17_000_000], "sentiment": ["b", "b"]})
    with pytest.raises(UserError, match=r"rows\.parquet: row 2 has more than 16,777,216 characters"):
        read(source, settings)


def test_long_texts_come_in_small_batches(settings: Params, tmp_path: Path) -> None:
    """As those of a CSV: what works on a batch takes several times its size."""
    texts = [str(number) * 100_000 for number in range(10, 500)]
    batches = read(write(tmp_path, {"review": texts, "sentiment": ["b"] * len(texts)}), settings)
    assert [text for batch in batches for text in batch.texts] == texts
    assert max(sum(map(len, batch.texts)) for batch in batches) < 10_000_000


@pytest.mark.parametrize("kind", [pa.binary(1000), pa.large_binary(), pa.dictionary(pa.int32(), pa.binary())])
def test_bytes_are_no_text(settings: Params, tmp_path: Path, kind: pa.DataType) -> None:
    values = (
        pa.array([b"x" * 1000], pa.binary()).dictionary_encode()
        if pa.types.is_dictionary(kind)
        else pa.array([b"x" * 1000], kind)
    )
    pq.write_table(pa.table({"review": values, "sentiment": ["b"]}), tmp_path / "rows.parquet")
    with pytest.raises(UserError, match=r"column 'review' holds .*binary.*; expected text"):
        read(tmp_path / "rows.parquet", settings)
