"""Sequences, a row per step: the columns, and what is read from them."""

from pathlib import Path
from typing import Any

import pytest

from rnnlab.data import steps
from rnnlab.project.errors import UserError
from rnnlab.project.overrides import changed
from rnnlab.project.params import Params
from tests.support.builders import write_csv

TASK = {"task": "sequences", "data.label_column": "kind", "baselines": ["majority"], "evaluate.slices": []}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rows = [
        ("s0", "0", "1", "-1.5", "up", "p1"),
        ("s0", "2", "3", "0", "up", "p1"),
        ("s1", "0", "5", "7", "down", "q"),
    ]
    return write_csv(tmp_path / "mine.csv", ("sequence", "step", "a", "b", "kind", "person"), *rows)


def columns(settings: Params, source: Path, **changes: Any) -> steps.Columns:
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    return steps.find_columns(source, changed(settings, TASK | changes, source.parent))


def test_channels_are_the_columns_that_begin_with_a_number(settings: Params, source: Path) -> None:
    assert columns(settings, source).channels == ("a", "b")
    assert columns(settings, source, data__channels=["b"]).channels == ("b",)
    with pytest.raises(UserError, match=r"'kind' is the column of data.label_column"):
        columns(settings, source, data__channels=["kind"])


def test_steps_of_one_name_are_a_sequence(settings: Params, source: Path) -> None:
    found = columns(settings, source, split__group_column="person")
    data = changed(settings, TASK, source.parent).data
    first, second = steps.read_sequences([source], data, found)
    assert (first.row, first.name, first.values.tolist(), first.rise) == (1, "s0", [[1.0, -1.5], [3.0, 0.0]], 2.0)
    assert (second.row, second.values.tolist(), second.rise) == (3, [[5.0, 7.0]], 1.0)
    assert second.facts == {"kind": "down", "person": "q"}


def test_a_channel_that_is_not_there_is_refused(settings: Params, source: Path) -> None:
    with pytest.raises(UserError, match=r"no column 'c'; its columns are: .*; set data.channels"):
        list(steps.read_sequences([source], settings.data, columns(settings, source, data__channels=["c"])))


@pytest.mark.parametrize("name", ["mine.parquet", "mine.jsonl"])
def test_other_formats_are_refused(name: str, settings: Params, tmp_path: Path) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(UserError, match=f"{name}: sequences are read from a CSV or TSV"):
        steps.find_columns(tmp_path / name, changed(settings, TASK, tmp_path))
    with pytest.raises(UserError, match=f"{name}: sequences are read from a CSV or TSV"):
        list(steps.read_sequences([tmp_path / name], settings.data, steps.Columns(("a",), {}, ())))
