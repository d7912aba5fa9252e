import gzip
from pathlib import Path

import pytest

from rnnlab.data import csv_files, csv_rows
from rnnlab.data.csv_rows import Rows, read_rows
from rnnlab.project.errors import UserError
from rnnlab.project.sections.data import Data

HEADER = b"review,sentiment\n"


def data(delimiter: str = ",", encoding: str = "utf-8", header: bool = True) -> Data:
    return Data(
        csv="reviews.csv",
        files="*",
        engine="local",
        value_column="value",
        text_column="review",
        label_column="sentiment",
        labels=("negative", "positive"),
        delimiter=delimiter,
        encoding=encoding,
        header=header,
        max_megabytes=2000,
        max_labels=50,
        sequence_column="sequence",
        step_column="step",
        channels=(),
        covariates=(),
        time_column=None,
        series_column=None,
        missing="refuse",
        max_gap=3,
        known_ahead=(),
    )


def written(folder: Path, content: bytes, name: str = "reviews.csv") -> Path:
    source = folder / name
    source.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return source


def read(source: Path, options: Data | None = None, split_column: str | None = None) -> Rows:
    """All batches as one."""
    rows = Rows([], [], [], [], [])
    for batch in read_rows(source, options or data(), split_column):
        for every, part in zip(rows, batch, strict=True):
            every.extend(part)  # type: ignore[attr-defined]
    return rows


def complaint(source: Path, options: Data | None = None, split_column: str | None = None) -> str:
    with pytest.raises(UserError) as mistake:
        read(source, options, split_column)
    message = str(mistake.value)
    assert message.startswith(f"{source}: ")
    return message.removeprefix(f"{source}: ")


@pytest.mark.parametrize("name", ["reviews.csv", "reviews.csv.gz"])
def test_rows_are_numbered_from_1_below_the_header(tmp_path: Path, name: str) -> None:
    source = written(tmp_path, HEADER + b"good,positive\nbad,negative\n", name)
    assert read(source) == Rows([1, 2], ["good", "bad"], ["positive", "negative"], ["", ""], [])


@pytest.mark.parametrize("delimiter", ["tab", "\t"])
def test_tabs_separate_a_tsv(tmp_path: Path, delimiter: str) -> None:
    source = written(tmp_path, b"review\tsentiment\ngood, very\tpositive\n", "reviews.tsv")
    assert read(source, data(delimiter)).texts == ["good, very"]


def test_columns_are_found_by_name_and_others_ignored(tmp_path: Path) -> None:
    source = written(tmp_path, b"id,sentiment,part,review\n7,positive,test,good\n")
    assert read(source, split_column="part") == Rows([1], ["good"], ["positive"], ["test"], [])


def test_quotes_protect_delimiters_quotes_and_line_breaks(tmp_path: Path) -> None:
    source = written(tmp_path, HEADER + b'"a, ""b""\r\nc",positive\nd,negative\n')
    assert read(source).texts == ['a, "b"\r\nc', "d"]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_any_line_ending_and_blank_lines_are_taken(tmp_path: Path, ending: bytes) -> None:
    lines = [b"", b"review,sentiment", b"", b"good,positive", b"", b"bad,negative", b"", b""]
    assert read(written(tmp_path, ending.join(lines))) == Rows(
        [1, 2], ["good", "bad"], ["positive", "negative"], ["", ""], []
    )


def test_a_last_line_without_a_line_break_counts(tmp_path: Path) -> None:
    assert read(written(tmp_path, HEADER + b"good,positive\nbad,negative")).numbers == [1, 2]


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    assert read(written(tmp_path, b"\xef\xbb\xbf" + HEADER + b"good,positive\n")).texts == ["good"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "latin-1", "utf-16", "utf-32"])
def test_encodings_are_read_as_named(tmp_path: Path, encoding: str) -> None:
    source = written(tmp_path, "review,sentiment\ncafé,positive\n".encode(encoding))
    assert read(source, data(encoding=encoding)).texts == ["café"]


def test_nul_characters_pass(tmp_path: Path) -> None:
    assert read(written(tmp_path, HEADER + b"go\0od,positive\n")).texts == ["go\0od"]


def test_multibyte_characters_survive_every_chunk_border(tmp_path: Path) -> None:
    texts = ["x" * pad + "é😀" * 20_000 for pad in range(4)]
    lines = "".join(f"{text},positive\n" for text in texts)
    assert read(written(tmp_path, HEADER + lines.encode())).texts == texts


def test_batches_are_bounded_in_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "BATCH_ROWS", 2)
    source = written(tmp_path, HEADER + b"good,positive\n" * 5)
    assert [batch.numbers for batch in read_rows(source, data(), None)] == [[1, 2], [3, 4], [5]]


def test_batches_are_bounded_in_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "BATCH_CHARACTERS", 20)
    source = written(tmp_path, HEADER + b"123456,positive\n" * 3 + b"12345678901234567890,positive\nx,positive\n")
    assert [batch.numbers for batch in read_rows(source, data(), None)] == [[1, 2], [3, 4], [5]]


def test_rows_before_a_broken_one_are_handed_over_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "BATCH_ROWS", 1)
    batches = read_rows(written(tmp_path, HEADER + b"good,positive\nragged\n"), data(), None)
    assert next(batches).texts == ["good"]


@pytest.mark.parametrize("make", [lambda place: None, Path.mkdir], ids=["missing", "folder"])
def test_a_missing_file_names_the_key_to_set(tmp_path: Path, make: object) -> None:
    source = tmp_path / "reviews.csv"
    make(source)  # type: ignore[operator]
    assert (
        complaint(source)
        == "no such file; set data.csv to a CSV, or leave it at data/sample/reviews.csv or data/sample/series.csv"
    )


@pytest.mark.parametrize("name", ["reviews.csv", "reviews.csv.gz"])
@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"], ids=repr)
def test_an_empty_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    assert complaint(written(tmp_path, content, name)) == "the file is empty; expected a header and rows below it"


def test_a_gz_of_no_bytes_at_all_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "reviews.csv.gz"
    source.touch()
    assert complaint(source).startswith("the file is empty")


@pytest.mark.parametrize("content", [HEADER, HEADER + b"\n\n", HEADER.rstrip()], ids=repr)
def test_a_header_alone_is_refused(tmp_path: Path, content: bytes) -> None:
    assert complaint(written(tmp_path, content)) == "only a header, no rows; expected one row or more below it"


@pytest.mark.parametrize(
    ("header", "missing", "key"),
    [
        ("text,sentiment", "review", "data.text_column"),
        ("review,label", "sentiment", "data.label_column"),
        ("review,sentiment", "part", "split.column"),
        ("Review,sentiment", "review", "data.text_column"),
    ],
)
def test_a_missing_column_lists_those_that_exist(tmp_path: Path, header: str, missing: str, key: str) -> None:
    message = complaint(written(tmp_path, f"{header}\ngood,positive\n".encode()), split_column="part")
    existing = ", ".join(header.split(","))
    assert message == f"no column '{missing}'; its columns are: {existing}; set {key} (or data.delimiter)"


def test_a_wrong_delimiter_is_seen_in_the_header(tmp_path: Path) -> None:
    message = complaint(written(tmp_path, b"review;sentiment\ngood;positive\n"))
    assert "its columns are: review;sentiment; set data.text_column (or data.delimiter)" in message


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    message = complaint(written(tmp_path, b"review,sentiment,review\na,positive,b\n"))
    assert message.startswith("more than one column 'review'; its columns are: review, sentiment, review")


@pytest.mark.parametrize(("row", "cells"), [(b"good", 1), (b"good, very,positive", 3), (b",,,", 4)])
def test_a_ragged_row_is_numbered(tmp_path: Path, row: bytes, cells: int) -> None:
    message = complaint(written(tmp_path, HEADER + b"a,positive\nb,negative\n\n" + row + b"\nc,positive\n"))
    assert message.startswith(f"row 3 has {cells} cells where the header has 2; quote cells")
    assert "data.delimiter" in message


def test_a_quoted_line_break_does_not_shift_row_numbers(tmp_path: Path) -> None:
    assert complaint(written(tmp_path, HEADER + b'"a\nb\nc",positive\nragged\n')).startswith("row 2 has 1 cells")


def test_an_unclosed_quote_is_numbered(tmp_path: Path) -> None:
    message = complaint(written(tmp_path, HEADER + b'a,positive\n"b,negative\nc,positive\n'))
    assert message.startswith("row 2 is not well-formed (")
    assert "look there for an unclosed quote" in message


def test_a_quote_inside_of_a_cell_that_is_not_doubled_is_numbered(tmp_path: Path) -> None:
    message = complaint(written(tmp_path, HEADER + b'a,positive\n"b "c" d",negative\n'))
    assert message.startswith("row 2 is not well-formed (")
    assert "double the quotes inside a cell" in message


def test_an_unclosed_quote_in_the_header_is_row_0(tmp_path: Path) -> None:
    assert complaint(written(tmp_path, b'"review,sentiment\na,positive\n')).startswith("row 0 is not well-formed")


def test_large_cells_pass(tmp_path: Path) -> None:
    text = b"good " * 200_000
    assert len(read(written(tmp_path, HEADER + text + b",positive\n")).texts[0]) == len(text)


def test_a_cell_too_large_to_be_meant_is_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "ROW_CHARACTERS", 1000)
    message = complaint(written(tmp_path, HEADER + b"a,positive\n" + b"x" * 1001 + b",positive\n"))
    assert message.startswith("row 2 is not well-formed (more than 1,000 characters)")


def test_batches_are_bounded_in_all_that_is_read_of_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "BATCH_CHARACTERS", 10)
    source = written(tmp_path, b"review,sentiment,part\na,123456,1234\nb,x,1234567890\nc,d,e\n")
    assert [batch.numbers for batch in read_rows(source, data(), "part")] == [[1], [2], [3]]


@pytest.mark.parametrize("before", [0, 1, 3000, 9000])
@pytest.mark.parametrize("name", ["reviews.csv", "reviews.csv.gz"])
def test_a_wrong_byte_is_named_by_row_and_place(tmp_path: Path, name: str, before: int) -> None:
    head = HEADER + "gut é😀 film,positive\n".encode() * before + b"caf"
    source = written(tmp_path, head + b"\xe9 noir,positive\nmore,negative\n", name)
    expected = f"row {before + 1}, byte {len(head)} is not utf-8; set data.encoding (cp1252, latin-1, …)"
    assert complaint(source) == expected


@pytest.mark.parametrize("shift", range(5))
def test_a_wrong_byte_is_found_behind_characters_across_chunk_borders(tmp_path: Path, shift: int) -> None:
    head = HEADER + b"x" * shift + "😀".encode() * 50_000 + b",positive\nx"
    assert complaint(written(tmp_path, head + b"\xff,positive\n")).startswith(f"row 2, byte {len(head)} is not utf-8")


@pytest.mark.parametrize("place", range((1 << 16) - 4, (1 << 16) + 2))
def test_a_torn_character_at_a_chunk_border_is_found(tmp_path: Path, place: int) -> None:
    head = (HEADER + b"x" * (1 << 17))[:place]
    assert f"row 1, byte {place} is not" in complaint(written(tmp_path, head + b"\xf0\x9f\x98,positive\n"))


def test_a_wrong_byte_in_the_header_is_row_0(tmp_path: Path) -> None:
    assert complaint(written(tmp_path, b"r\xe9view,sentiment\na,positive\n")).startswith("row 0, byte 1 is not utf-8")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_counts_among_the_bytes(tmp_path: Path, encoding: str) -> None:
    head = b"\xef\xbb\xbf" + HEADER + b"caf"
    source = written(tmp_path, head + b"\xe9,positive\n")
    assert complaint(source, data(encoding=encoding)).startswith(f"row 1, byte {len(head)} is not {encoding}")


@pytest.mark.parametrize("torn", [b"\xc3", b"\xf0\x9f\x98"], ids=repr)
def test_a_character_torn_by_the_end_of_the_file_is_found(tmp_path: Path, torn: bytes) -> None:
    head = HEADER + b"good,positive\nbad,"
    assert complaint(written(tmp_path, head + torn)).startswith(f"row 2, byte {len(head)} is not utf-8")


def test_blank_lines_do_not_shift_the_row_of_a_wrong_byte(tmp_path: Path) -> None:
    assert complaint(written(tmp_path, HEADER + b"\n\na,positive\n\n\xff,positive\n")).startswith("row 2, byte ")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "ascii", "gbk", "shift_jis"])
def test_any_encoding_that_does_not_fit_is_a_sentence(tmp_path: Path, encoding: str) -> None:
    source = written(tmp_path, HEADER + "naïve café\x81,positive\nÿ ,negative\n".encode("latin-1") + b"x")
    message = complaint(source, data(encoding=encoding))
    assert f"is not {encoding}; set data.encoding" in message


def test_a_broken_quote_before_a_wrong_byte_is_a_sentence(tmp_path: Path) -> None:
    head = HEADER + b'"a"b,positive\n'
    message = complaint(written(tmp_path, head + b"\xff,positive\n"))
    assert message.startswith(("row 1 is not well-formed (", f"row 2, byte {len(head)} is not utf-8"))


@pytest.mark.parametrize("kept", [4, 12, 200, -1, -9])
def test_a_torn_gz_is_refused(tmp_path: Path, kept: int) -> None:
    content = HEADER + b"".join(b"text %d,positive\n" % number for number in range(2000))
    source = tmp_path / "reviews.csv.gz"
    source.write_bytes(gzip.compress(content)[:kept])
    message = complaint(source)
    assert message.startswith("not a whole gzip file (")
    assert message.endswith("; download or compress it again")


def test_a_gz_with_flipped_bytes_is_refused(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(HEADER + b"".join(b"text %d,positive\n" % number for number in range(2000))))
    packed[len(packed) // 2] ^= 0xFF
    source = tmp_path / "reviews.csv.gz"
    source.write_bytes(packed)
    assert complaint(source).startswith("not a whole gzip file (")


def test_a_gz_that_is_none_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "reviews.csv.gz"
    source.write_bytes(HEADER + b"good,positive\n")
    assert complaint(source).startswith("not a whole gzip file (")


@pytest.mark.parametrize("cell", [b"\xff", b"caf\xc3"], ids=["wrong", "torn"])
def test_a_gz_with_a_wrong_byte_and_a_wrong_sum_is_a_sentence(tmp_path: Path, cell: bytes) -> None:
    source = tmp_path / "reviews.csv.gz"
    packed = gzip.compress(HEADER + b"good,positive\nbad," + cell)
    source.write_bytes(packed[:-8] + bytes(4) + packed[-4:])
    assert complaint(source)


def test_a_torn_gz_with_a_wrong_byte_is_a_sentence(tmp_path: Path) -> None:
    content = HEADER + b"\xff,positive\n" + b"".join(b"text %d,positive\n" % number for number in range(2000))
    source = tmp_path / "reviews.csv.gz"
    source.write_bytes(gzip.compress(content)[:-9])
    assert complaint(source)


def test_columns_that_results_are_split_by_are_carried_along(tmp_path: Path) -> None:
    source = written(tmp_path, b"place,review,part,sentiment\nnear,good,test,positive\nfar,bad,train,negative\n")
    [rows] = read_rows(source, data(), "part", ["place", "nowhere", "sentiment"])
    assert rows.splits == ["test", "train"]
    assert rows.slices == [["near", "", "positive"], ["far", "", "negative"]]


def headless(**changes: str) -> Data:
    return data(header=False).model_copy(update={"text_column": "column_1", "label_column": "column_2", **changes})


def test_without_a_header_the_first_row_is_data(tmp_path: Path) -> None:
    source = written(tmp_path, b"good,positive\n\nbad,negative\n")
    assert read(source, headless()) == Rows([1, 2], ["good", "bad"], ["positive", "negative"], ["", ""], [])


def test_without_a_header_columns_have_numbers(tmp_path: Path) -> None:
    source = written(tmp_path, b"good,positive\n")
    message = complaint(source, headless(text_column="review"))
    assert message.startswith("no column 'review'; its columns are: column_1, column_2;")


def test_without_a_header_the_first_row_says_how_many_cells_there_are(tmp_path: Path) -> None:
    source = written(tmp_path, b"good,positive\nbad\n")
    assert complaint(source, headless()).startswith("row 2 has 1 cells where the first row has 2;")


def test_without_a_header_the_wrong_byte_is_in_the_right_row(tmp_path: Path) -> None:
    source = written(tmp_path, b"good,positive\nb\xe4d,negative\n")
    assert complaint(source, headless()).startswith("row 2, byte 15 is not utf-8")


def test_an_empty_file_without_a_header_is_empty(tmp_path: Path) -> None:
    assert complaint(written(tmp_path, b""), headless()) == "the file is empty; expected one row or more"
