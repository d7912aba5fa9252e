"""Checks of clean sequences: what each finds, and that sound data pass."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnlab.data.expectations import Finding
from rnnlab.data.sequence_checks import check_sequences
from rnnlab.project.params import Params

LABELS, CHANNELS = ("down", "up"), ("a", "b")


def made(count: int = 120) -> pd.DataFrame:
    """Twenty sequences of each label and split, of 3 to 6 steps, one group for each ten."""
    generator = np.random.default_rng(1)
    rows = []
    for number in range(count):
        steps = 3 + number % 4
        values = {f"channel_{name}": generator.normal(size=steps) for name in CHANNELS}
        split = ("train", "validation", "test")[number * 3 // count]
        facts = {"id": f"{number:016x}", "row": 10 * number + 1, "sequence": f"s{number}", "label": number % 2}
        rows.append({**facts, "split": split, "group": f"g{number // 10}", "rise": 1.0, **values, "slice_x": None})
    return pd.DataFrame(rows).astype({"label": "int16"})


def failed(settings: Params, rows: pd.DataFrame, rows_read: int = 120) -> list[Finding]:
    limits = settings.validate_.model_copy(update={"min_words": 3, "max_words": 6})
    return [one for one in check_sequences(rows, rows_read, limits, 0, LABELS, CHANNELS) if not one.success]


def test_sound_sequences_pass(settings: Params) -> None:
    assert failed(settings, made()) == []
    assert failed(settings, made().assign(group="")) == []  # one group of all would leak


def longer(rows: pd.DataFrame) -> None:
    for name in CHANNELS:
        rows.at[3, f"channel_{name}"] = np.arange(7.0)


def missing(rows: pd.DataFrame) -> None:
    rows.at[3, "channel_b"] = np.array([1.0, np.nan, 2.0, 0.5, 1.0, 1.0])


def infinite(rows: pd.DataFrame) -> None:
    rows.at[3, "channel_b"] = np.array([1.0, np.inf, 2.0, 0.5, 1.0, 1.0])


def ragged(rows: pd.DataFrame) -> None:
    rows.at[3, "channel_b"] = np.array([1.0, 2.0])


def constant(rows: pd.DataFrame) -> None:
    for row in rows.index[rows["split"] == "train"]:
        rows.at[row, "channel_a"] = np.full(len(rows.at[row, "channel_a"]), 2.0)


def leaking(rows: pd.DataFrame) -> None:
    rows.at[119, "group"] = "g0"


def twice(rows: pd.DataFrame) -> None:
    rows.at[3, "sequence"] = "s4"


def standing(rows: pd.DataFrame) -> None:
    rows.at[3, "rise"] = 0.0


CASES: dict[str, tuple[Any, tuple[str, str, list[str]]]] = {
    "too long": (longer, ("lengths", "steps", ["31"])),
    "missing": (missing, ("nulls", "largest_value", ["31"])),
    "infinite": (infinite, ("nulls", "largest_value", ["31"])),
    "ragged": (ragged, ("nulls", "channels_of_other_length", ["31"])),
    "constant": (constant, ("balance", "distinct_values", ["a"])),
    "leak": (leaking, ("leakage", "splits_of_group", ["1", "11", "21", "31", "41"])),
    "steps out of order": (standing, ("duplicates", "rise", ["31"])),
    "twice": (twice, ("duplicates", "sequence", ["31", "41"])),
}


@pytest.mark.parametrize("case", CASES)
def test_each_fault_is_found_and_named(case: str, settings: Params) -> None:
    change, wanted = CASES[case]
    rows = made()
    change(rows)
    assert [(one.check, one.column, one.examples) for one in failed(settings, rows)] == [wanted]


def test_few_rows_of_a_label_and_many_rejected_ones_are_found(settings: Params) -> None:
    rows = made()
    rows = rows[(rows["split"] != "test") | (rows["label"] == 0) | (rows["row"] > 1150)]
    found = {(one.check, tuple(one.examples)) for one in failed(settings, rows)}
    part = ("test, label up",)
    assert {("rows", part), ("balance", part)} <= found and "rejected" in {check for check, _ in found}


def test_wrong_columns_are_all_that_is_said(settings: Params) -> None:
    assert {one.check for one in failed(settings, made().drop(columns="channel_b"))} == {"schema"}
