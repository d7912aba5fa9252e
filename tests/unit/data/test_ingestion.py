"""From the user's files to clean rows, rejected rows and counts: everything of the stage but its parameters."""

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rnnlab.data import screening
from rnnlab.data.ingestion import ingest
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json
from rnnlab.project.params import Params
from tests.support.builders import write_csv
from tests.support.results import SERIES, changed

HEADER = ("review", "sentiment")
GOOD = [(f"text number {number}", ("negative", "positive")[number % 2]) for number in range(40)]


def ingested(
    settings: Params, source: Path, **changes: Any
) -> tuple[pd.DataFrame, list[dict[str, str]], dict[str, Any]]:
    folder = source.parent / "out"
    folder.mkdir()
    rows, rejected, summary = (folder / name for name in ("rows.parquet", "rejected.csv", "data.json"))
    ingest(changed(settings, **{"data__labels": ["negative", "positive"], **changes}), source, rows, rejected, summary)
    assert not (folder / "screened").exists()
    with rejected.open(newline="", encoding="utf-8") as stream:
        return pd.read_parquet(rows), list(csv.DictReader(stream)), read_json(summary)


def test_kept_and_rejected_rows_add_up(settings: Params, tmp_path: Path) -> None:
    odd = [("Text number 0", "negative"), (" ", "positive"), ("another", "neutral"), ("text number 2", "positive")]
    rows, rejected, counted = ingested(settings, write_csv(tmp_path / "mine.csv", HEADER, *GOOD, *odd))
    assert [(row["row"], row["reason"]) for row in rejected] == [
        ("42", "blank text"),
        ("43", "unknown label"),
        ("3", "same text with different labels (row 3 is the first)"),
        ("44", "same text with different labels (row 3 is the first)"),
    ]
    assert rejected[1] == {"row": "43", "reason": "unknown label", "label": "neutral", "text": "another"}
    assert counted["rows_read"] == 44 and counted["rows_kept"] == len(rows) == 40
    assert counted["rows_rejected"] == {
        "total": 4,
        "blank text": 1,
        "same text with different labels": 2,
        "unknown label": 1,
    }
    for split, labels in counted["splits"].items():
        found = rows[rows["split"] == split]["label"].value_counts()
        assert labels == {"negative": found[0], "positive": found[1]}
    assert rows.columns.tolist() == ["id", "row", "text", "label", "split", "slice_distance"]
    assert counted["slices"] == {}  # the data have no such column
    assert rows["row"].tolist() == [*(number for number in range(1, 41) if number != 3), 41]


def test_the_same_text_is_kept_once_in_all_files(settings: Params, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    write_csv(folder / "a.csv", HEADER, *GOOD[:20])
    write_csv(folder / "b.csv", HEADER, *GOOD[20:], ("text number 7", "positive"), ("=SUM(1)", "?"))
    write_csv(folder / "c.csv", HEADER, ("last", "negative"), ("text number 21", "positive"))
    (folder / "notes.txt").write_text("no data")
    rows, rejected, counted = ingested(settings, folder, data__files="*.csv")
    assert [(row["file"], row["row"], row["reason"]) for row in rejected] == [
        ("b.csv", "22", "unknown label"),
        ("b.csv", "21", "duplicate (row 8 of a.csv is the first)"),
        ("c.csv", "2", "duplicate (row 2 of b.csv is the first)"),
    ]
    assert rejected[0]["text"] == "'=SUM(1)"  # no spreadsheet takes it for a formula
    assert counted["rows_read"] == 44 and counted["rows_kept"] == len(rows) == 41
    assert rows["row"].tolist() == [*range(1, 41), 43]  # numbered through
    assert sorted(file.name for file in (tmp_path / "out/rows.parquet").iterdir()) == [
        "000000.parquet",
        "000001.parquet",
        "000002.parquet",
    ]


def test_splits_that_the_data_name_are_kept(settings: Params, tmp_path: Path) -> None:
    named = [(*row, ("train", "validation", "test")[number // 2 % 3]) for number, row in enumerate(GOOD)]
    source = write_csv(tmp_path / "mine.csv", (*HEADER, "part"), *named)
    rows, _, _ = ingested(settings, source, split__method="column", split__column="part")
    assert rows["split"].tolist() == [split for *_, split in named]


@pytest.mark.parametrize("several", [False, True])
def test_training_rows_that_are_left_out_are_counted_and_nowhere_else(
    settings: Params, tmp_path: Path, several: bool
) -> None:
    place = tmp_path / "mine"
    place.mkdir()
    for name, lines in {"a": GOOD[:20], "b": GOOD[20:]}.items() if several else [("a", GOOD)]:
        write_csv(place / f"{name}.csv", HEADER, *lines, GOOD[3])
    source = place if several else place / "a.csv"
    every, _, counted = ingested(settings, source)
    (source.parent / "out").rename(tmp_path / "all")
    half, rejected, counted_half = ingested(settings, source, split__train_share=0.5)
    assert {row["reason"].split(" (")[0] for row in rejected} == {"duplicate"}  # the rows left out are not rejected
    for split in ("validation", "test"):
        both = (table[table["split"] == split].reset_index(drop=True) for table in (every, half))
        pd.testing.assert_frame_equal(*both)
    kept, of = (set(table.loc[table["split"] == "train", "id"]) for table in (half, every))
    assert kept < of and len(kept) == counted_half["rows_kept"] - 12
    assert counted_half["rows_read"] == counted["rows_read"] == len(every) + len(rejected)
    assert (counted["rows_kept"], counted["rows_left_out"]) == (40, 0)
    assert (counted_half["rows_kept"], counted_half["rows_left_out"]) == (len(half), len(every) - len(half))


def test_the_last_values_of_a_series_are_kept(settings: Params, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "mine.csv", ("value",), *((str(number),) for number in range(50)))
    rows, _, counted = ingested(settings, source, **SERIES, split__train_share=0.25)
    assert rows["value"].tolist() == list(range(27, 50))
    assert (counted["rows_read"], counted["rows_kept"], counted["rows_left_out"]) == (50, 23, 27)
    assert counted["splits"]["train"] == {"values": 9}


def test_a_series_ends_where_it_is_asked_to(settings: Params, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "mine.csv", ("value",), *((str(number),) for number in range(50)))
    rows, _, counted = ingested(settings, source, **SERIES, split__until=0.8)
    assert rows["value"].tolist() == list(range(40))
    assert (counted["rows_read"], counted["rows_kept"], counted["rows_left_out"]) == (50, 40, 10)
    assert counted["splits"] == {"train": {"values": 29}, "validation": {"values": 3}, "test": {"values": 8}}


def test_rows_that_are_all_rejected_are_counted_by_reason(settings: Params, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "mine.csv", HEADER, ("one", "?"), ("two", "?"), (" ", "positive"))
    with pytest.raises(UserError, match=r"every row was rejected \(2 × unknown label, 1 × blank text\); check"):
        ingested(settings, source)
    assert [file.name for file in (tmp_path / "out").iterdir()] == []


def test_a_series_is_one_file_split_in_time(settings: Params, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "mine.csv", ("value",), *((str(number),) for number in range(50)))
    rows, rejected, counted = ingested(settings, source, **SERIES)
    assert rows["value"].tolist() == list(range(50))
    assert rejected == []
    sizes = rows["split"].value_counts(sort=False).to_dict()
    assert counted == {
        "labels": [],
        "rows_read": 50,
        "rows_kept": 50,
        "rows_left_out": 0,
        "rows_rejected": {"total": 0},
        "rows_before_first": 0,
        "filled": {},
        "splits": {split: {"values": size} for split, size in sizes.items()},
    }
    with pytest.raises(UserError, match="is a folder; a series is a single CSV"):
        ingest(changed(settings, **SERIES), tmp_path, tmp_path / "rows", tmp_path / "rejected", tmp_path / "summary")


def test_a_column_that_results_are_split_by_is_carried_along(settings: Params, tmp_path: Path) -> None:
    rows = [(text, label, "  near\x07 " if number % 3 else "") for number, (text, label) in enumerate(GOOD)]
    source = write_csv(tmp_path / "mine.csv", (*HEADER, "distance"), *rows)
    kept, _, counted = ingested(settings, source, **{"evaluate.slices": ["distance"]})
    by_row = dict(zip(kept["row"], kept["slice_distance"], strict=True))
    assert all(by_row[number + 1] == ("near" if number % 3 else "(blank)") for number in range(40))
    assert counted["slices"] == {"distance": {"(blank)": 14, "near": 26}}


def test_a_column_that_splits_into_too_much_is_refused(settings: Params, tmp_path: Path) -> None:
    rows = [(f"text {number}", ("negative", "positive")[number % 2], f"value {number}") for number in range(60)]
    source = write_csv(tmp_path / "mine.csv", (*HEADER, "distance"), *rows)
    with pytest.raises(UserError, match=r"mine\.csv: evaluate\.slices: column 'distance' has 60 different values"):
        ingested(settings, source)


def test_a_file_that_grows_while_it_is_read_is_refused(
    settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_csv(tmp_path / "mine.csv", HEADER, *GOOD)
    first_pass = screening.first_pass

    def append(*arguments: object) -> object:
        folders = first_pass(*arguments)  # type: ignore[arg-type]
        with source.open("a") as stream:
            stream.write("one more,positive\n")
        return folders

    monkeypatch.setattr(screening, "first_pass", append)
    with pytest.raises(UserError, match=r"mine\.csv: changed while it was read"):
        ingested(settings, source)


def test_sequences_become_rows(settings: Params, tmp_path: Path) -> None:
    steps = [(f"s{one}", str(step), f"{one}.{step}", ("up", "down")[one % 2]) for one in range(40) for step in range(3)]
    source = write_csv(tmp_path / "mine.csv", ("sequence", "step", "a", "sentiment"), *steps)
    rows, rejected, counted = ingested(settings, source, task="sequences", baselines=["majority"], data__labels="auto")
    assert rows["sequence"].tolist() == [f"s{one}" for one in range(40)] and rejected == []
    assert (counted["rows_kept"], counted["channels"]) == (40, ["a"])
    assert (tmp_path / "out/rejected.csv").read_text() == "row,reason,label,text\n"
