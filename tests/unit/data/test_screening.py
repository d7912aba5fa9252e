"""What an interrupted first pass leaves behind is used again, as long as nothing has changed that it depends on."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from rnnlab.data import reviews, screening
from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from tests.support.builders import write_csv
from tests.support.results import changed


def code(folder: Path, changed_room: str = "") -> Path:
    """Writes code of four rooms, that of one of them another one."""
    for room in ("data", "features", "project", "networks"):
        (folder / room).mkdir(parents=True)
        (folder / room / "it.py").write_text("after" if room == changed_room else "before")
    return folder


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(layout, "PACKAGE", code(tmp_path / "before"))
    rows = (("text", "label"), ("A good one", "positive"), ("A bad one", "negative"), (" ", "negative"))
    return write_csv(tmp_path / "mine.csv", *rows)


def folder(settings: Params, source: Path, **changes: Any) -> str:
    data = changed(settings, **changes)
    column = data.split.column if data.split.method == "column" else None
    return screening.check_file(data.data, column, (), source.parent / "work", source)


@pytest.fixture
def mine(settings: Params) -> Params:
    return changed(settings, data__text_column="text", data__label_column="label")


def test_a_finished_file_is_not_read_again(mine: Params, source: Path) -> None:
    name = folder(mine, source)
    accepted = source.parent / "work" / name / screening.ACCEPTED
    accepted.write_text("kept")
    assert folder(mine, source) == name
    assert accepted.read_text() == "kept"


@pytest.mark.parametrize(
    ("room", "same"), [("data", False), ("features", False), ("project", False), ("networks", True)]
)
def test_other_code_that_reads_data_reads_the_file_again(
    room: str, same: bool, mine: Params, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = folder(mine, source)
    monkeypatch.setattr(layout, "PACKAGE", code(source.parent / "after", room))
    assert (folder(mine, source) == before) == same


@pytest.mark.parametrize(
    "changes",
    [{"data__labels": ["bad", "good"]}, {"data__encoding": "latin-1"}, {"data__max_megabytes": 7}],
    ids=["labels", "encoding", "limit"],
)
def test_other_options_read_the_file_again(changes: dict[str, Any], mine: Params, source: Path) -> None:
    assert folder(mine, source) != folder(mine, source, **changes)


def test_another_engine_reads_the_same(mine: Params, source: Path) -> None:
    assert folder(mine, source) == folder(mine, source, data__engine="ray")


def test_a_file_that_was_written_again_is_read_again(mine: Params, source: Path) -> None:
    before = folder(mine, source)
    os.utime(source, (1, 1))
    assert folder(mine, source) != before


def test_a_split_column_is_part_of_what_was_read(mine: Params, source: Path) -> None:
    write_csv(source, ("text", "label", "split"), ("A good one", "positive", "test"), ("A bad one", "negative", "?"))
    before = screening.check_file(mine.data, None, (), source.parent / "work", source)
    after = screening.check_file(mine.data, "split", (), source.parent / "work", source)
    assert after != before
    rejected = pq.read_table(source.parent / "work" / after / screening.REJECTED)
    assert rejected["reason"].to_pylist() == ["unknown split"]


def test_each_file_has_its_folder_with_accepted_and_rejected_rows(mine: Params, source: Path) -> None:
    other = write_csv(source.with_name("other.csv"), ("text", "label"), ("Another", "positive"))
    work = source.parent / "work"
    first, second = screening.first_pass(mine, [source, other], work)
    assert pq.read_table(first / screening.ACCEPTED)["row"].to_pylist() == [1, 2]
    assert pq.read_table(first / screening.REJECTED)["row"].to_pylist() == [3]
    assert pq.read_table(second / screening.ACCEPTED)["text"].to_pylist() == ["Another"]
    columns = screening.read_columns([first, second], mine.data, source)
    assert columns.starts.tolist() == [0, 2, 3]
    assert columns.labels.tolist() == [1, 0, 1]


def test_without_a_readable_file_nothing_stays(mine: Params, source: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.csv: no such file"):
        screening.first_pass(mine, [source.with_name("nowhere.csv")], source.parent / "work")
    assert not (source.parent / "work").exists()


class Code:
    """Is pickled as code that makes a file when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("ran"),)


def test_code_among_the_decisions_of_an_interrupted_run_is_not_run(
    mine: Params, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.parent)
    folders = screening.first_pass(mine, [source], source.parent / "work")
    np.savez(folders[0] / screening.DECISIONS, allow_pickle=True, keep=np.array([Code(), Code()], object))
    with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
        screening.second_pass(mine, ("a", "b"), ["mine.csv"], folders, source.parent / "rows.parquet")
    assert not Path("ran").exists()


def test_the_second_pass_writes_the_rows_that_are_kept_and_names_the_others(mine: Params, tmp_path: Path) -> None:
    rows = [("text", "label"), *((f"text {n % 9_000}", ("positive", "negative")[n % 2]) for n in range(9_003))]
    source, target = write_csv(tmp_path / "mine.csv", *rows), tmp_path / "rows.parquet"
    folders = screening.first_pass(mine, [source], tmp_path / "work")
    columns = screening.read_columns(folders, mine.data, source)
    duplicates = reviews.find_duplicates(columns.digests, columns.labels)
    splits = np.where(duplicates.keep, np.int8(0), np.int8(reviews.UNASSIGNED))
    screening.write_decisions(folders, columns, duplicates, splits)
    screening.second_pass(mine, columns.names, ["mine.csv"], folders, target)
    assert pq.read_table(target)["text"].to_pylist() == [text for text, _ in rows[1:9_001]]
    [(_, batch)] = screening.rejected_rows(["mine.csv"], folders)
    assert batch["detail"].to_pylist() == [f"duplicate (row {n} is the first)" for n in (1, 2, 3)]
