import csv
import gzip
import io
import itertools
import random
import sys
import tracemalloc
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rnnlab.data import csv_files
from rnnlab.project.errors import UserError
from rnnlab.serving import predictions
from rnnlab.serving.classifier import Answers
from rnnlab.serving.predictions import Prediction
from rnnlab.serving.predictors import Predictor
from tests.support.builders import write_csv

LABELS = ("negative", "positive")
MOST = 2000  # megabytes


# What a model says is not the matter of most tests: the hash of the text, so that no two texts are mixed up.
def hashed(texts: Sequence[str]) -> Answers:
    values = np.array([zlib.crc32(one.encode()) / 2**32 for one in texts], np.float32)
    return [LABELS[int(value >= 0.5)] for value in values], np.stack([1 - values, values], axis=1)


HASHED = Predictor("hashed/1", hashed, LABELS)


def expected(*texts: str) -> list[Prediction]:
    labels, values = hashed(texts)
    found = [dict(zip(LABELS, map(float, row), strict=True)) for row in values]
    return [Prediction(label, row[label], "hashed/1", row) for label, row in zip(labels, found, strict=True)]


def from_stdin(content: bytes) -> list[Prediction]:
    return list(predictions.predict_lines(HASHED, predictions.read_lines(io.BytesIO(content))))


# --- lines


def test_lines_are_predicted_in_their_order_whatever_the_batch() -> None:
    lines = [f"line {number}" for number in range(10)]
    assert list(predictions.predict_lines(HASHED, lines, batch=3)) == expected(*lines)


def test_an_endless_stream_gives_predictions_at_once() -> None:
    endless = (f"line {number}" for number in itertools.count())
    first = list(itertools.islice(predictions.predict_lines(HASHED, endless, batch=4), 6))
    assert first == expected(*(f"line {number}" for number in range(6)))


def test_long_lines_come_in_smaller_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "BATCH_CHARACTERS", 100)
    sizes: list[int] = []

    def classify(texts: Sequence[str]) -> Answers:
        sizes.append(sum(map(len, texts)))
        return hashed(texts)

    lines = ["x" * length for length in (10, 20, 300, 1, 99, 5)]
    assert list(predictions.predict_lines(Predictor("hashed/1", classify, LABELS), lines)) == expected(*lines)
    assert sizes == [330, 100, 5]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"a\r\n\r\nb\r\n", ["a", "", "b"]),
        (b"\n", [""]),
        (b"\xef\xbb\xbfa\n", ["a"]),
        ("שלום 😀\n  caf\u0065\u0301 \n".encode(), ["שלום 😀", "  caf\u0065\u0301 "]),
    ],
)
def test_each_line_of_standard_input_is_a_text_and_an_empty_one_too(content: bytes, texts: list[str]) -> None:
    assert from_stdin(content) == expected(*texts)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no text on standard input"),
        (b"a\nb\0c\n", "line 2 holds a NUL"),
        (b"a\nb\n\xff\xfe\n", "line 3 is not UTF-8"),
        (b"a\n\xed\xa0\x80\n", "line 2 is not UTF-8"),  # a surrogate, written out
    ],
)
def test_what_is_no_text_is_named_by_its_line(content: bytes, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        from_stdin(content)


def test_a_terminal_is_not_waited_for() -> None:
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    with pytest.raises(UserError, match="no text on standard input"):
        predictions.read_lines(Terminal(b"good\n"))


def test_an_argument_that_the_shell_could_not_decode_is_named() -> None:
    with pytest.raises(UserError, match="text 2 is not UTF-8"):
        list(predictions.predict_lines(HASHED, ["good", "bad\udcff"], place="text"))


def test_a_line_without_end_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "ROW_CHARACTERS", 1000)
    with pytest.raises(UserError, match=r"line 2 has more than 1,000 characters"):
        from_stdin(b"a\n" + b"x" * 5000)


# --- CSV


def read_csv(source: Path, delimiter: str = ",") -> list[list[str]]:
    with source.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream, delimiter=delimiter, strict=True))


def refusal(source: Path, column: str = "review", target: Path | None = None) -> str:
    """The sentence, after a look that nothing was written beside or as the target."""
    before = sorted(source.parent.iterdir())
    with pytest.raises(UserError) as mistake:
        predictions.predict_csv(HASHED, source, target or source.with_name("out.csv"), column, MOST)
    assert sorted(source.parent.iterdir()) == before
    return str(mistake.value)


def test_all_columns_and_rows_of_a_csv_are_kept_and_three_added(tmp_path: Path) -> None:
    header = ["id", "review", "stars"]
    rows = [["1", 'a "b", c', ""], ["2", "", "5"], ["3", "two\nlines\r\nhere", " x "], ["", "a\rb", "é"], ["", "a", ""]]
    source = write_csv(tmp_path / "in.csv", header, *rows)
    assert predictions.predict_csv(HASHED, source, tmp_path / "new/out.csv", "review", MOST) == 5
    first, *others = read_csv(tmp_path / "new/out.csv")
    assert first == [*header, "label", "probability", "model_version"]
    assert [row[:3] for row in others] == rows
    answers = expected(*(row[1] for row in rows))
    told = [(label, np.float32(probability), version) for *_, label, probability, version in others]
    assert told == [answer[:3] for answer in answers]


def test_the_probability_of_every_label_is_added_on_request(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", ["review"], ["a"], ["b"])
    predictions.predict_csv(HASHED, source, tmp_path / "out.csv", "review", MOST, every_label=True)
    header, *rows = read_csv(tmp_path / "out.csv")
    assert header[3:] == ["model_version", "probability_negative", "probability_positive"]
    for row, answer in zip(rows, expected("a", "b"), strict=True):
        assert [float(cell) for cell in row[4:]] == pytest.approx(list(answer.all.values()))
        assert float(row[2]) == max(map(float, row[4:]))


def test_batches_of_a_csv_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_csv(tmp_path / "in.csv", ["review"], *([f"text {number}"] for number in range(50)))
    predictions.predict_csv(HASHED, source, tmp_path / "whole.csv", "review", MOST)
    monkeypatch.setattr(predictions, "BATCH_ROWS", 7)
    predictions.predict_csv(HASHED, source, tmp_path / "parts.csv", "review", MOST)
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_memory_does_not_grow_with_the_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "BATCH_CHARACTERS", 1 << 20)
    source = write_csv(tmp_path / "in.csv", ["review"], *([f"{number} " * 20_000] for number in range(250)))
    assert source.stat().st_size > 15 << 20
    tracemalloc.start()
    try:
        predictions.predict_csv(HASHED, source, tmp_path / "out.csv", "review", MOST)
        assert tracemalloc.get_traced_memory()[1] < 6 << 20
    finally:
        tracemalloc.stop()


def test_tabs_gzip_a_byte_order_mark_and_blank_lines_are_read(tmp_path: Path) -> None:
    source, target = tmp_path / "in.tsv.gz", tmp_path / "out.tsv.gz"
    source.write_bytes(gzip.compress("\ufeffreview\tn\n\na, b\t1\n\n".encode()))
    assert predictions.predict_csv(HASHED, source, target, "review", MOST) == 1
    header, row = (line.split("\t") for line in gzip.decompress(target.read_bytes()).decode().splitlines())
    assert header[:3] == ["review", "n", "label"]
    assert row[:2] == ["a, b", "1"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty"),
        (b"review,id\n", "only a header"),
        (b"id,text\n1,a\n", "no column 'review'; its columns are: id, text; name one with --column"),
        (b"review,review\na,b\n", "more than one column 'review'"),
        (b"review,label\na,b\n", "it already has a column 'label'"),
        (b"review,model_version\na,b\n", "it already has a column 'model_version'"),
        (b"review,id\na,1\nb,2,3\n", "line 3 has 3 cells where the header has 2"),
        (b'review,id\n"a\nb",1\nc\n', "line 4 has 1 cells"),
        (b'review,id\na,1\n"b,2\nc,3\n', "the row that begins in line 3 is not well-formed"),
        (b"review,id\na,1\nb\xff,2\n", "line 3 is not UTF-8"),
        (b"review,id\na,1\nb\0,2\n", "line 3 holds a NUL"),
        (b"PK\x03\x04\x00\x00\x08\xff", "line 1 holds a NUL"),
    ],
)
def test_a_csv_that_cannot_be_read_is_told_and_nothing_is_written(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(content)
    assert sentence in refusal(source)


def test_a_torn_gzip_is_told(tmp_path: Path) -> None:
    source = tmp_path / "in.csv.gz"
    noise = random.Random(1).randbytes(50_000).hex()
    source.write_bytes(gzip.compress(f"review\n{noise}\n".encode())[:-2000])
    assert "not a whole gzip file" in refusal(source)


def test_a_target_that_is_no_file_of_its_own_is_refused(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", ["review"], ["a"])
    folder = tmp_path / "folder"
    folder.mkdir()
    for target in (folder, source, folder / "../in.csv", tmp_path):
        assert "need a file of their own" in refusal(source, target=target)
    assert folder.is_dir()
    assert "no such file" in refusal(tmp_path / "missing.csv")


def test_an_older_result_stays_when_the_model_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "BATCH_ROWS", 2)
    source = write_csv(tmp_path / "in.csv", ["review"], ["a"], ["b"], ["c"], ["fail"])
    target = tmp_path / "out.csv"
    target.write_text("older")

    def classify(texts: Sequence[str]) -> Answers:
        if "fail" in texts:
            raise MemoryError
        return hashed(texts)

    with pytest.raises(MemoryError):
        predictions.predict_csv(Predictor("hashed/1", classify, LABELS), source, target, "review", MOST)
    assert target.read_text() == "older"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_only_another_file_may_be_written_over(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "in.csv", ("text",), ("good",))
    earlier = write_csv(tmp_path / "out.csv", ("anything",))
    predictions.check_csv(source, earlier, "text", 1)
    predictions.check_csv(source, tmp_path / "new.csv", "text", 1)
    (tmp_path / "link.csv").symlink_to(source)
    for target in (source, tmp_path / "link.csv", tmp_path):
        with pytest.raises(UserError, match="the predictions need a file of their own; name another with --out"):
            predictions.check_csv(source, target, "text", 1)


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_the_header_tells_what_separates_the_cells(tmp_path: Path, mark: str) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(f"id{mark}review\n1{mark}good, and long\n2{mark}bad\n")
    assert predictions.predict_csv(HASHED, source, target, "review", MOST) == 2
    header, first, _ = read_csv(target, mark)
    assert header == ["id", "review", "label", "probability", "model_version"]
    assert first[:2] == ["1", "good, and long"]


def test_a_header_that_is_not_separated_is_told(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("id:review:stars\n1:good:2\n")
    with pytest.raises(UserError, match=r"its header looks like a single column \('id:review:stars'\); separate the"):
        predictions.predict_csv(HASHED, source, tmp_path / "out.csv", "review", MOST)


def test_on_a_terminal_a_bar_shows_how_much_of_the_file_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(predictions, "BATCH_ROWS", 2)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    source = write_csv(tmp_path / "mine.csv", ("text",), *((f"text {number}",) for number in range(9)))
    predictions.predict_csv(HASHED, source, tmp_path / "out.csv", "text", MOST)
    assert "predict: 100%" in capsys.readouterr().err.split("\r")[-1]
