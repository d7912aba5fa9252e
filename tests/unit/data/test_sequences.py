"""Sequences: what is read, what is refused in one sentence, and how they are split."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from rnnlab.data import ingestion, sequences, steps
from rnnlab.data.sequences import Sequences, assign_groups
from rnnlab.features.clean_rows import SPLITS
from rnnlab.features.sequences import fit_scaler
from rnnlab.project.errors import UserError
from rnnlab.project.overrides import changed
from rnnlab.project.params import Params
from tests.support.builders import write_csv

HEADER = ("sequence", "step", "a", "b", "kind", "person")
TASK = {
    "task": "sequences",
    "data.label_column": "kind",
    "data.channels": ["a", "b"],
    "baselines": ["majority"],
    "evaluate.slices": [],
}


def rows(count: int = 40, steps: int = 3) -> list[list[Any]]:
    """Sequences of two kinds in turn, of four persons, each with values of its own."""
    kinds = ("up", "down")
    return [
        [f"s{number}", step, number + step / 10, -step, kinds[number % 2], f"p{number // 2 % 4}"]
        for number in range(count)
        for step in range(steps)
    ]


def screened(settings: Params, folder: Path, content: Sequence[Sequence[Any]], **changes: Any) -> Sequences:
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    ours = changed(settings, TASK | changes, folder)
    source = write_csv(folder / "mine.csv", HEADER, *content)
    return sequences.screen(ours, source, [source], steps.find_columns(source, ours))


def test_sequences_of_a_file_become_rows_of_a_table(settings: Params, tmp_path: Path) -> None:
    content = rows()
    found = screened(settings, tmp_path, content)
    assert list(found.names) == ["down", "up"]
    assert found.found[1].row == 4 and found.found[1].name == "s1"
    np.testing.assert_allclose(found.found[1].values, [[1.0, 0], [1.1, -1], [1.2, -2]])
    ours = changed(settings, TASK, tmp_path)
    table = sequences.to_table(found, steps.find_columns(tmp_path / "mine.csv", ours), ours)
    assert table.column_names == ["id", "row", "sequence", "label", "split", "group", "rise", "channel_a", "channel_b"]
    assert set(table["split"].to_pylist()) == set(SPLITS) and len(set(table["id"].to_pylist())) == 40
    again = screened(settings, tmp_path, sorted(content, key=lambda row: (int(row[0][1:]) * 7 % 40, row[1])))
    splits = dict(zip(found.ids, found.splits.tolist(), strict=True))
    assert dict(zip(again.ids, again.splits.tolist(), strict=True)) == splits  # whatever the order of the file


def test_equal_sequences_are_kept_once_and_contradictions_not_at_all(settings: Params, tmp_path: Path) -> None:
    content = rows()
    twin = [["twin", *row[1:]] for row in content[:3]]
    other = [["other", *row[1:4], "up", row[5]] for row in content[3:6]]
    found = screened(settings, tmp_path, [*content, *twin, *other])
    reasons = [(row["text"], row["detail"]) for row in found.rejected]
    said = "same values with different labels (row 4 is the first)"
    assert reasons == [("s1", said), ("twin", "duplicate (row 1 is the first)"), ("other", said)]


def test_a_list_of_labels_leaves_out_the_others(settings: Params, tmp_path: Path) -> None:
    odd = [["odd", 0, 1, 1, "sideways", "p1"]]
    found = screened(settings, tmp_path, [*rows(), *odd], data__labels=["up", "down"])
    assert list(found.names) == ["up", "down"]
    assert [(row["row"], row["reason"]) for row in found.rejected] == [(121, "unknown label")]


def put(row: int, column: str, value: Any) -> Callable[[list[list[Any]]], None]:
    def change(content: list[list[Any]]) -> None:
        content[row - 1][HEADER.index(column)] = value

    return change


BAD = {
    "text in a channel": (put(5, "b", "x"), "row 5 has 'x' in column 'b'; expected a finite number"),
    "a gap": (put(5, "b", ""), "row 5 has no value in column 'b', but ''; fill the gap, or leave the column out of"),
    "a channel without a value": (
        lambda rows: [put(row, "b", "NA")(rows) for row in range(1, 121)],
        "row 1 has no value in column 'b', but 'NA'; fill the gap, or leave the column out of data.channels",
    ),
    "infinite": (put(5, "a", "inf"), "row 5 has 'inf' in column 'a'"),
    "no step": (put(5, "step", ""), "row 5 has no value in column 'step'"),
    "a step twice": (put(5, "step", 0), "row 5 of sequence 's1' has step 0 after 0; expected steps that rise"),
    "backwards": (put(6, "step", -1), "row 6 of sequence 's1' has step -1 after 1"),
    "two places": (put(9, "sequence", "s0"), "row 9 begins sequence 's0' again, which ended in row 3"),
    "no name": (put(4, "sequence", " "), "row 4 has no value in column 'sequence'"),
    "two labels": (put(5, "kind", "up"), "sequence 's1' has 'down' and, in row 5, 'up' in column 'kind'"),
    "empty": (lambda rows: (put(4, "a", "")(rows), put(4, "b", " ")(rows)), "row 4 of sequence 's1' has no value"),
    "all alike": (
        lambda rows: [put(row, column, 1)(rows) for row in range(1, 121) for column in "ab"],
        "every sequence comes up with two labels",
    ),
    "one label": (
        lambda rows: [put(row, "kind", "up")(rows) for row in range(1, 121)],
        "column 'kind' has one label only, 'up'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case: str, settings: Params, tmp_path: Path) -> None:
    change, sentence = BAD[case]
    content = rows()
    change(content)
    with pytest.raises(UserError) as complaint:
        screened(settings, tmp_path, content)
    assert sentence in str(complaint.value) and "\n" not in str(complaint.value)


@pytest.mark.parametrize("case", BAD)
def test_bad_input_leaves_nothing_behind(case: str, settings: Params, tmp_path: Path) -> None:
    content, out = rows(), tmp_path / "out"
    BAD[case][0](content)
    out.mkdir()
    source = write_csv(tmp_path / "mine.csv", HEADER, *content)
    targets = [out / name for name in ("rows.parquet", "rejected.csv", "data.json")]
    with pytest.raises(UserError):
        ingestion.ingest(changed(settings, TASK, tmp_path), source, *targets)
    assert list(out.iterdir()) == []


def test_a_long_sequence_is_read_whole_and_keeps_its_end(settings: Params, tmp_path: Path) -> None:
    endless = [["endless", step, step, 1, "up", "p1"] for step in range(100_000)]
    values = screened(settings, tmp_path, [*rows(), *endless]).found[-1].values
    assert values.shape == (100_000, 2) and values[-1].tolist() == [99_999, 1]
    scaler = fit_scaler(["a", "b"], [values, np.zeros((1, 2))], 3)
    assert scaler.encode([values]).shape == (1, 3, 2)


def test_files_of_a_folder_are_read_as_one(settings: Params, tmp_path: Path) -> None:
    folder, content, ours = tmp_path / "many", rows(), changed(settings, TASK | {"data.files": "?.csv"}, tmp_path)
    folder.mkdir()
    twin = [["twin", *row[1:]] for row in content[:3]]
    parts = {"a.csv": content[:60], "b.csv": [*content[60:], *twin]}
    files = [write_csv(folder / name, HEADER, *part) for name, part in parts.items()]
    whole = write_csv(tmp_path / "mine.csv", HEADER, *content)
    tables = []
    for source in (folder, whole):
        targets = [tmp_path / source.stem / f"out.{kind}" for kind in ("parquet", "csv", "json")]
        targets[0].parent.mkdir(exist_ok=True)
        ingestion.ingest(ours, source, *targets)
        tables.append(pq.read_table(targets[0]).drop_columns("row"))
    assert tables[0].equals(tables[1])
    rejected = (folder / "out.csv").read_text().splitlines()
    assert rejected[1:] == ["61,duplicate (row 1 of a.csv is the first),up,twin,b.csv"]
    write_csv(files[1], HEADER, *content[60:], *content[:3])
    with pytest.raises(UserError, match=r"b.csv: row 61 begins sequence 's0' again, which ended in row 3 of a.csv"):
        list(steps.read_sequences(files, ours.data, steps.find_columns(files[0], ours)))


def test_a_label_that_is_missing_in_a_split_is_named(settings: Params, tmp_path: Path) -> None:
    few = [["only", 0, 5, 5, "rare", "p1"]]
    with pytest.raises(
        UserError, match="no row in the validation split for each label with so few usable rows: 'rare'"
    ):
        screened(settings, tmp_path, [*rows(), *few])


@pytest.mark.parametrize("method", ["random", "column"])
def test_a_group_is_in_one_split(method: str, settings: Params, tmp_path: Path) -> None:
    content = rows()
    changes: dict[str, Any] = {"split__method": "random", "split__group_column": "person"}
    if method == "column":  # the last persons are tests, and validation persons are drawn from the others
        changes |= {"split__method": "column", "split__column": "b"}
        for row in content:
            row[3] = "test" if row[5] == "p3" else "train"
        changes["data__channels"] = ["a"]
    found = screened(settings, tmp_path, content, **changes)
    splits: dict[str, set[str]] = {}
    for one, split in zip(found.found, found.splits, strict=True):
        splits.setdefault(one.facts["person"], set()).add(SPLITS[split])
    assert all(len(of_person) == 1 for of_person in splits.values())
    assert {split for of_person in splits.values() for split in of_person} == set(SPLITS)
    assert method == "random" or splits["p3"] == {"test"}


def test_groups_in_two_splits_or_too_few_are_refused(settings: Params) -> None:
    split = settings.split.model_copy(update={"method": "column", "group_column": "person"})
    with pytest.raises(UserError, match="'p1' in column 'person' is in two splits, train and test"):
        assign_groups(["p1", "p2", "p1"], np.array([0, 0, 2], np.int8), split, "mine.csv")
    drawn = split.model_copy(update={"method": "random"})
    with pytest.raises(UserError, match="1 groups to draw those of the validation split from"):
        assign_groups(["p1", "p2"], np.full(2, -1, np.int8), drawn, "mine.csv")
    assert sorted(assign_groups(["p1", "p2", "p3"], np.full(3, -1, np.int8), drawn, "")) == [0, 1, 2]
