import csv
import gzip
import io
import itertools
import tracemalloc
from pathlib import Path

import pytest

from rnnlab.data import csv_files
from rnnlab.data.csv_files import bounded_lines, open_csv, parse, row_writer
from rnnlab.project.errors import UserError

MEGABYTE = 1_000_000


def bomb(folder: Path, megabytes: int, content: bytes = b"\n") -> Path:
    """Packs a file a thousand times as large as it will be."""
    source = folder / "bomb.csv.gz"
    with gzip.open(source, "wb", compresslevel=9) as stream:
        for _ in range(megabytes):
            stream.write(content * (MEGABYTE // len(content)))
    return source


def test_a_zip_bomb_is_left_packed(tmp_path: Path) -> None:
    source = bomb(tmp_path, 20)
    assert source.stat().st_size < MEGABYTE // 20
    read = 0
    with pytest.raises(UserError) as mistake, open_csv(source, 3) as (_, stream):
        while block := stream.read1(8192):  # type: ignore[attr-defined]
            read += len(block)
    assert str(mistake.value) == (
        f"{source}: unpacks to more than 3 MB; if it is meant to be that large, raise data.max_megabytes"
    )
    assert read <= 3 * MEGABYTE


def test_a_large_file_is_refused_at_once(tmp_path: Path) -> None:
    source = tmp_path / "large.csv"
    source.write_bytes(b"x" * (3 * MEGABYTE))
    with open_csv(source, 3) as (_, stream):
        assert len(stream.read()) == 3 * MEGABYTE
    with pytest.raises(UserError, match=r"large\.csv: has 3 MB, more than 2 MB; if"), open_csv(source, 2):
        pass


@pytest.mark.parametrize(
    ("begin", "again"), [("", "\n"), ("a\n", "\r\n"), ('"', "x\n"), ('"', "x,y\n"), ('a,"', '",b,"\n')]
)
def test_a_row_without_end_is_refused_before_it_fills_the_memory(
    begin: str, again: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "ROW_CHARACTERS", 1000)
    with pytest.raises(csv.Error, match="more than 1,000 characters"):
        list(parse(itertools.chain([begin], itertools.repeat(again)), ","))


def test_a_line_without_end_is_read_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "ROW_CHARACTERS", 100_000)
    stream = io.TextIOWrapper(io.BytesIO(b"a,b\n" + b"x" * (20 << 20)), newline="")
    tracemalloc.start()
    try:
        records = parse(bounded_lines(stream), ",")
        assert next(records) == (1, ["a", "b"])
        with pytest.raises(csv.Error, match="more than 100,000 characters"):
            next(records)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_many_rows_are_no_large_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "ROW_CHARACTERS", 10)
    assert list(parse(["1,2,3\n", "", '"a\n', 'b"\n'] * 2, ",", strict=False))[-1] == (8, ["a\nb"])


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_whatever_is_written_is_read(delimiter: str) -> None:
    rows = [["a", "", "\r"], ["a\rb", "\n", "\r\n"], ['"', ",\t", "é\0😀"], ["=1+1", " x ", "'"], ["", "", ""]]
    stream = io.StringIO(newline="")
    write = row_writer(stream, delimiter)
    for row in rows:
        write(row)
    write([1, 2.5, None])
    stream.seek(0)
    assert [cells for _, cells in parse(stream, delimiter)] == [*rows, ["1", "2.5", ""]]
