import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlab.data import series
from rnnlab.features.clean_rows import SPLITS
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.sections.data import Data
from tests.support.builders import complete, read_one


@pytest.fixture
def options(settings: Params) -> Data:
    return settings.data.model_copy(update={"value_column": "value", "delimiter": ",", "encoding": "utf-8"})


def written(folder: Path, content: str | bytes, name: str = "series.csv") -> Path:
    source = folder / name
    encoded = content.encode() if isinstance(content, str) else content
    source.write_bytes(gzip.compress(encoded) if name.endswith(".gz") else encoded)
    return source


def complaint(source: Path, options: Data) -> str:
    with pytest.raises(UserError) as mistake:
        read_one(source, options)
    message = str(mistake.value)
    assert message.startswith(f"{source}: ")
    assert "\n" not in message
    return message.removeprefix(f"{source}: ")


@pytest.mark.parametrize("name", ["series.csv", "series.csv.gz"])
def test_values_are_read_in_the_order_of_the_file(tmp_path: Path, options: Data, name: str) -> None:
    values = read_one(written(tmp_path, "value\n1\n-2.5\n 3e2 \n+.5\n", name), options).values
    assert values.tolist() == [1.0, -2.5, 300.0, 0.5]
    assert values.dtype == "float64"


def test_the_column_is_found_by_name(tmp_path: Path, options: Data) -> None:
    source = written(tmp_path, 'day\tprice\n"Monday, early"\t7\nTuesday\t8\n')
    chosen = options.model_copy(update={"value_column": "price", "delimiter": "tab"})
    assert read_one(source, chosen).values.tolist() == [7, 8]


def test_encodings_are_read_as_named(tmp_path: Path, options: Data) -> None:
    source = written(tmp_path, "día,value\nmié,7\n".encode("cp1252"))
    assert read_one(source, options.model_copy(update={"encoding": "cp1252"})).values.tolist() == [7]
    assert complaint(source, options) == "row 0, byte 1 is not utf-8; set data.encoding (cp1252, latin-1, …)"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_blank_lines_around_the_series_are_no_gaps(tmp_path: Path, options: Data, ending: str) -> None:
    source = written(tmp_path, ending.join(["", "value", "1", "2", "", "", ""]))
    assert read_one(source, options).values.tolist() == [1, 2]


def test_digits_survive_to_the_last_bit(tmp_path: Path, options: Data) -> None:
    values = np.random.default_rng(1).normal(size=100)
    source = written(tmp_path, "\n".join(["value", *(repr(value) for value in values.tolist())]))
    assert read_one(source, options).values.tolist() == values.tolist()


@pytest.mark.parametrize("make", [lambda place: None, Path.mkdir], ids=["missing", "folder"])
def test_a_missing_file_names_the_key_to_set(tmp_path: Path, options: Data, make: object) -> None:
    source = tmp_path / "series.csv"
    make(source)  # type: ignore[operator]
    assert (
        complaint(source, options)
        == "no such file; set data.csv to a CSV, or leave it at data/sample/reviews.csv or data/sample/series.csv"
    )


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"], ids=repr)
def test_an_empty_file_is_refused(tmp_path: Path, options: Data, content: str) -> None:
    assert complaint(written(tmp_path, content), options) == ("the file is empty; expected a header and rows below it")


@pytest.mark.parametrize("content", ["value", "value\n", "value\n\n\n"], ids=repr)
def test_a_header_alone_is_refused(tmp_path: Path, options: Data, content: str) -> None:
    assert complaint(written(tmp_path, content), options) == "only a header, no rows; expected one row or more below it"


def test_a_missing_column_lists_those_that_exist(tmp_path: Path, options: Data) -> None:
    assert complaint(written(tmp_path, "day,price\n1,2\n"), options) == (
        "no column 'value'; its columns are: day, price; set data.value_column (or data.delimiter)"
    )


def test_a_file_without_a_header_shows_its_first_row(tmp_path: Path, options: Data) -> None:
    assert complaint(written(tmp_path, "1.5\n2.5\n"), options).startswith("no column 'value'; its columns are: 1.5;")


def test_a_column_named_twice_is_refused(tmp_path: Path, options: Data) -> None:
    assert complaint(written(tmp_path, "value,value\n1,2\n"), options).startswith("more than one column 'value'")


@pytest.mark.parametrize("text", ["twelve", "1_000", "1.2.3", "3,5", "?", "12%", "0x10", "True"])
def test_text_is_named_by_the_first_row_and_its_value(tmp_path: Path, options: Data, text: str) -> None:
    source = written(tmp_path, f'value\n1\n"{text}"\n2\nmore\n')
    assert complaint(source, options) == (
        f"row 2 has '{text}' in column 'value'; expected a number such as -1.5 (see data.value_column, data.delimiter)"
    )


def test_long_text_is_cut(tmp_path: Path, options: Data) -> None:
    assert len(complaint(written(tmp_path, "value\n" + "x" * 10_000), options)) < 200


@pytest.mark.parametrize("gap", ["", " ", "NaN", "nan", "NA", "n/a", "null", "None"])
def test_gaps_are_counted_and_the_first_is_named(tmp_path: Path, options: Data, gap: str) -> None:
    source = written(tmp_path, f"day,value\n1,10\n2,{gap}\n3,30\n4,{gap}\n5,{gap}\n")
    assert complaint(source, options) == (
        "3 of 5 rows have no value in column 'value', first row 2;"
        " expected a value at every time step; fill the gaps, cut them off, or set data.missing to carry_forward"
    )


@pytest.mark.parametrize("header", ["value", "day,value"])
def test_a_blank_line_inside_the_series_is_a_gap(tmp_path: Path, options: Data, header: str) -> None:
    row = header.replace("day", "1").replace("value", "7")
    source = written(tmp_path, f"{header}\n{row}\n\n\n{row}\n\n{row}\n\n")
    assert complaint(source, options).startswith("3 of 6 rows have no value in column 'value', first row 2;")


def filling(options: Data, longest: int = 2, **changes: Any) -> Data:
    return options.model_copy(update={"missing": "carry_forward", "max_gap": longest, **changes})


def test_a_gap_takes_the_value_before_it(tmp_path: Path, options: Data) -> None:
    found = read_one(written(tmp_path, "day,value\n1,5\n2,\n3,NA\n4,7\n5,\n"), filling(options))
    assert found.values.tolist() == [5, 5, 5, 7, 7]
    assert found.filled.tolist() == [False, True, True, False, True]
    assert (found.first, found.gaps) == (1, {"value": 3})


def test_what_comes_after_a_gap_does_not_change_what_fills_it(tmp_path: Path, options: Data) -> None:
    one, other = (
        read_one(written(tmp_path, f"day,value\n1,5\n2,\n3,{after}\n"), filling(options)) for after in ("1", "99")
    )
    assert one.values[:2].tolist() == other.values[:2].tolist() == [5, 5]


def test_a_longer_gap_is_refused_by_its_row_and_length(tmp_path: Path, options: Data) -> None:
    source = written(tmp_path, "day,value\n1,5\n2,\n3,7\n4,\n5,\n6,\n7,\n8,9\n")
    assert complaint(source, filling(options)) == (
        "column 'value' has no value in 4 rows from row 4 on; expected at most 2 (data.max_gap);"
        " cut the series there, or raise the limit"
    )
    assert len(read_one(source, filling(options, longest=4)).values) == 8


def test_rows_before_the_first_value_are_left_out(tmp_path: Path, options: Data) -> None:
    source = written(tmp_path, "a,value\n1,\n,2\n3,3\n4,4\n")
    found = read_one(source, filling(options, covariates=("a",)))
    assert (found.first, found.values.tolist(), found.covariates["a"].to_pylist()) == (2, [2, 3, 4], [1, 3, 4])
    assert found.gaps == {"a": 1}
    assert series.to_table(found, series.split_series(3, 0.3, 0.3))["row"].to_pylist() == [2, 3, 4]


def test_a_column_without_a_value_is_refused(tmp_path: Path, options: Data) -> None:
    source = written(tmp_path, "a,value\n,1\n,2\n")
    assert complaint(source, filling(options, covariates=("a",))) == (
        "column 'a' has no value in any of 2 rows; name another"
    )


def test_covariates_are_numbers_or_words(tmp_path: Path, options: Data) -> None:
    source = written(tmp_path, "from,value,speed\nNW,1,0.5\ncv,2,\n,3,2\n")
    found = read_one(source, filling(options, covariates=("speed", "from")))
    assert {name: column.to_pylist() for name, column in found.covariates.items()} == {
        "speed": [0.5, 0.5, 2.0],
        "from": ["NW", "cv", "cv"],
    }
    table = series.to_table(found, series.split_series(3, 0.3, 0.3))
    assert table.column_names == [*series.SCHEMA.names, "covariate_speed", "covariate_from"]


def test_a_word_among_the_numbers_of_a_covariate_is_named(tmp_path: Path, options: Data) -> None:
    source = written(tmp_path, "speed,value\n1,1\nfast,2\n")
    assert complaint(source, options.model_copy(update={"covariates": ("speed",)})).startswith(
        "row 2 has 'fast' in column 'speed'; expected a number such as -1.5 (see data.covariates.0,"
    )


def test_a_gap_in_a_covariate_is_refused_too(tmp_path: Path, options: Data) -> None:
    source = written(tmp_path, "speed,value\n1,1\n,2\n")
    assert complaint(source, options.model_copy(update={"covariates": ("speed",)})).startswith(
        "1 of 2 rows have no value in column 'speed', first row 2;"
    )


def test_times_are_checked(tmp_path: Path, options: Data) -> None:
    timed = options.model_copy(update={"time_column": "day"})
    assert read_one(written(tmp_path, "day,value\n2024-01-01,1\n2024-01-02,2\n"), timed).values.tolist() == [1, 2]
    assert complaint(written(tmp_path, "day,value\n2024-01-02,1\n2024-01-01,2\n"), timed).startswith(
        "row 2 has the time '2024-01-01' in column 'day', after '2024-01-02', which is later;"
    )


@pytest.mark.parametrize("number", ["inf", "-Infinity", "1e400", "1e39"])
def test_numbers_beyond_float32_are_refused(tmp_path: Path, options: Data, number: str) -> None:
    assert complaint(written(tmp_path, f"value\n1\n2\n{number}\n"), options) == (
        f"row 3 has '{number}' in column 'value'; expected finite numbers of magnitude at most 3.4e+38"
    )


@pytest.mark.parametrize("row", ["2", "2,20,200"])
def test_a_ragged_row_is_numbered(tmp_path: Path, options: Data, row: str) -> None:
    cells = row.count(",") + 1
    message = complaint(written(tmp_path, f"day,value\n1,10\n{row}\n"), options)
    assert message.startswith(f"row 2 has {cells} cells where the header has 2; quote cells")


def test_an_unclosed_quote_is_numbered(tmp_path: Path, options: Data) -> None:
    message = complaint(written(tmp_path, 'value\n1\n\n"2\n3\n'), options)
    assert message.startswith("row 3 is not well-formed (")


def test_a_torn_gz_is_refused(tmp_path: Path, options: Data) -> None:
    source = written(tmp_path, "value\n" + "1.5\n" * 5000, "series.csv.gz")
    source.write_bytes(source.read_bytes()[:-9])
    assert complaint(source, options).startswith("not a whole gzip file (")


def test_splits_follow_each_other_in_time() -> None:
    assert series.split_series(100, 0.2, 0.25) == {
        "train": slice(0, 60),
        "validation": slice(60, 80),
        "test": slice(80, 100),
    }


@pytest.mark.parametrize("length", [0, 1, 2, 3, 7, 10, 99, 1000, 1001])
@pytest.mark.parametrize(("test", "validation"), [(0.2, 0.1), (0.01, 0.99), (0.99, 0.01), (0.5, 0.5)])
def test_every_row_is_in_exactly_one_split(length: int, test: float, validation: float) -> None:
    parts = series.split_series(length, test, validation)
    assert tuple(parts) == SPLITS
    assert [place for part in parts.values() for place in range(length)[part]] == list(range(length))


def test_a_series_can_end_earlier() -> None:
    table = series.to_table(complete(np.arange(100.0)), series.split_series(50, 0.2, 0.25))
    assert table["row"].to_pylist() == list(range(1, 51)) and table["split"].null_count == 0


@pytest.mark.parametrize(("share", "first"), [(1.0, 0), (0.5, 30), (0.25, 45), (0.01, 59)])
def test_of_the_training_values_the_last_are_kept(share: float, first: int) -> None:
    parts = series.split_series(100, 0.2, 0.25, share)
    assert parts == {**series.split_series(100, 0.2, 0.25), "train": slice(first, 60)}
    table = series.to_table(complete(np.arange(100.0)), parts)
    assert table["row"].to_pylist() == list(range(first + 1, 101))
    assert table["value"].to_pylist() == list(range(first, 100))
    assert table["split"].to_pylist().count("train") == 60 - first and table["split"].null_count == 0


def test_a_table_has_row_numbers_from_1_and_splits() -> None:
    table = series.to_table(complete(np.array([5.0, 6, 7, 8])), series.split_series(4, 0.25, 0.34))
    assert table.schema == series.SCHEMA
    assert table.to_pydict() == {
        "row": [1, 2, 3, 4],
        "series": [""] * 4,
        "value": [5, 6, 7, 8],
        "split": ["train", "train", "validation", "test"],
        "filled": [False] * 4,
    }


def known(options: Data) -> Data:
    return options.model_copy(update={"covariates": ("wind", "from"), "known_ahead": ("from",)})


def test_rows_at_the_end_without_a_value_are_the_future(tmp_path: Path, options: Data) -> None:
    source = written(tmp_path, "wind,from,value\n1,N,5\n2,S,6\n,N,\n9,E,NA\n")
    found = read_one(source, known(options))
    assert found.values.tolist() == [5, 6]
    assert {name: column.to_pylist() for name, column in found.covariates.items()} == {
        "wind": [1, 2],
        "from": ["N", "S"],
    }
    assert {name: column.to_pylist() for name, column in found.future.items()} == {"from": ["N", "E"]}
    assert found.gaps == {}
    unknown = known(options).model_copy(update={"known_ahead": ()})
    assert complaint(source, unknown).startswith("2 of 4 rows have no value in column 'value', first row 3;")


def test_of_the_future_what_is_known_ahead_must_be_there(tmp_path: Path, options: Data) -> None:
    source = written(tmp_path, "wind,from,value\n1,N,5\n2,S,\n3,W,6\n4,,\n")
    assert complaint(source, known(options)).startswith("1 of 4 rows have no value in column 'value', first row 2;")
    ahead = filling(known(options))
    assert read_one(source, ahead).future["from"].to_pylist() == ["W"]
    assert complaint(written(tmp_path, "wind,from,value\n1,,5\n2,S,\n"), ahead) == (
        "column 'from' has no value in any of 2 rows; name another"
    )
    assert complaint(written(tmp_path, "wind,from,value\n1,N,\n2,S,\n"), ahead) == (
        "column 'value' has no value in any of 2 rows; name another"
    )


SEVERAL = "shop,day,sold\nnorth,1,5\nnorth,2,7\nnorth,3,6\nsouth,1,500\nsouth,2,700\nsouth,3,600\nsouth,4,500\n"


def of_shops(options: Data, **others: Any) -> Data:
    columns = {"value_column": "sold", "series_column": "shop", "time_column": "day"}
    return options.model_copy(update={**columns, **others})


def test_several_series_are_read_by_name(tmp_path: Path, options: Data) -> None:
    found = series.read(written(tmp_path, SEVERAL), of_shops(options))
    assert {name: one.values.tolist() for name, one in found.items()} == {
        "north": [5, 7, 6],
        "south": [500, 700, 600, 500],
    }
    assert [one.first for one in found.values()] == [1, 4]


def test_each_series_begins_with_its_first_value(tmp_path: Path, options: Data) -> None:
    source = written(tmp_path, "shop,sold\na,\na,1\na,2\nb,NA\nb,\nb,3\n")
    found = series.read(source, of_shops(options, time_column=None, missing="carry_forward"))
    assert [(one.first, one.early, one.values.tolist()) for one in found.values()] == [(2, 1, [1, 2]), (6, 2, [3])]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            f"{SEVERAL}north,4,8\n",
            "row 8 begins series 'north' again; expected the rows of a series next to each other",
        ),
        (f"{SEVERAL} ,4,8\n", "row 8 has no value in column 'shop'"),
        (f"{SEVERAL}south,4,8\n", "series 'south': row 8 has the time '4' in column 'day', after '4', the same again"),
        (f"{SEVERAL}east,1,\n", "series 'east': 1 of 1 rows have no value in column 'sold', first row 8"),
    ],
)
def test_bad_rows_of_several_series_are_named(content: str, sentence: str, tmp_path: Path, options: Data) -> None:
    with pytest.raises(UserError) as complaint:
        series.read(written(tmp_path, content), of_shops(options))
    assert sentence in str(complaint.value)


def test_a_column_that_names_a_series_in_each_row_is_refused(
    tmp_path: Path, options: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "MOST_SERIES", 5)
    source = written(tmp_path, "shop,day,sold\n" + "".join(f"{number},1,1\n" for number in range(9)))
    with pytest.raises(UserError, match="column 'shop' has more than 5 different values up to row 6; name the column"):
        series.read(source, of_shops(options))
