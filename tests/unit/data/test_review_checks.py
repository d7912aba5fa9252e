import json
import random
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from rnnlab.features.clean_rows import SPLITS
from rnnlab.project.params import Params
from rnnlab.project.sections.data import Validate

if TYPE_CHECKING:
    from rnnlab.data.expectations import Finding

CHECKS = {"schema", "nulls", "labels", "duplicates", "leakage", "rows", "balance", "lengths", "rejected"}
PER_CLASS = 5
EXAMPLES = 5  # in a finding


@pytest.fixture(scope="module")
def gate() -> ModuleType:
    """Great Expectations takes seconds to import: once is enough."""
    from rnnlab.data import review_checks

    return review_checks


@pytest.fixture
def limits(settings: Params) -> Validate:
    return settings.validate_.model_copy(
        update={
            "min_rows_per_class": PER_CLASS,
            "min_minority_share": 0.3,
            "min_words": 1,
            "max_words": 10,
            "max_rejected_share": 0.3,
        }
    )


def reviews(per_class: int = PER_CLASS + 2) -> pd.DataFrame:
    """Sound rows, their number in the CSV 1, 2, 3 …"""
    parts = [(split, label) for split in SPLITS for label in (0, 1) for _ in range(per_class)]
    numbers = range(1, len(parts) + 1)
    return pd.DataFrame(
        {
            "id": [f"{number:016x}" for number in numbers],
            "row": list(numbers),
            "text": [f"text number {number}" for number in numbers],
            "label": pd.Series([label for _, label in parts], dtype="int16"),
            "split": [split for split, _ in parts],
        }
    )


def failures(gate: ModuleType, rows: pd.DataFrame, limits: Validate, rejected: int = 0) -> "list[Finding]":
    findings: list[Finding] = gate.check_reviews([rows], len(rows) + rejected, limits)
    return [finding for finding in findings if not finding.success]


def test_sound_data_passes_every_check(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    findings = gate.check_reviews([rows], len(rows), limits)
    assert {finding.check for finding in findings} == CHECKS
    assert all(finding.success and not finding.unexpected and not finding.examples for finding in findings)


def test_findings_are_json_and_the_same_each_time(gate: ModuleType, limits: Validate) -> None:
    rows = reviews().assign(text="one")
    first, second = (
        json.dumps([finding._asdict() for finding in gate.check_reviews([rows], 100, limits)]) for _ in range(2)
    )
    assert first == second
    assert "batch_id" not in first


def test_the_rows_are_not_changed(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    before = rows.copy(deep=True)
    gate.check_reviews([rows], len(rows), limits)
    pd.testing.assert_frame_equal(rows, before)


def test_a_duplicate_text_is_found(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    rows.loc[rows["row"] == 4, "text"] = "text number 2"
    (finding,) = failures(gate, rows, limits)
    assert (finding.check, finding.column, finding.severity) == ("duplicates", "text", "critical")
    assert (finding.unexpected, finding.examples) == (2, ["2", "4"])


def test_a_table_in_parts_is_checked_as_a_whole(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    rows.loc[rows["row"] == len(rows), "text"] = "text number 2"
    rows.loc[rows["row"] == 4, "text"] = None
    whole = gate.check_reviews([rows], len(rows), limits)
    assert {finding.check for finding in whole if not finding.success} == {"nulls", "duplicates", "leakage"}
    assert gate.check_reviews([rows[:0], rows[:5], rows[5:]], len(rows), limits) == whole


def test_a_duplicate_id_is_found(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    rows.loc[rows["row"] == 4, "id"] = rows["id"][1]
    (finding,) = failures(gate, rows, limits)
    assert (finding.check, finding.column, finding.examples) == ("duplicates", "id", ["2", "4"])


def test_a_text_in_two_splits_is_leakage(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    last = int(rows["row"].iloc[-1])
    rows.loc[rows["row"] == last, "text"] = "text number 1"
    findings = {finding.check: finding for finding in failures(gate, rows, limits)}
    assert set(findings) == {"leakage", "duplicates"}
    assert findings["leakage"].severity == "critical"
    assert (findings["leakage"].unexpected, findings["leakage"].examples) == (2, ["1", str(last)])


@pytest.mark.parametrize("column", ["id", "text"])
def test_a_null_is_found(gate: ModuleType, limits: Validate, column: str) -> None:
    rows = reviews()
    rows.loc[rows["row"].isin([3, 5]), column] = None
    (finding,) = failures(gate, rows, limits)
    assert (finding.check, finding.column, finding.severity) == ("nulls", column, "critical")
    assert (finding.unexpected, finding.examples) == (2, ["3", "5"])


def test_a_null_split_is_found(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    rows.loc[rows["row"] == 3, "split"] = None
    findings = {finding.check: finding for finding in failures(gate, rows, limits)}
    assert (findings["nulls"].column, findings["nulls"].unexpected, findings["nulls"].examples) == ("split", 1, ["3"])


def test_a_label_that_is_no_class_is_found(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    rows.loc[rows["row"] == 6, "label"] = 2
    (finding,) = failures(gate, rows, limits)
    assert (finding.check, finding.column, finding.severity) == ("labels", "label", "critical")
    assert (finding.unexpected, finding.examples) == (1, ["6"])
    assert finding.limits == {"value_set": [0, 1]}


def test_a_split_of_another_name_is_found(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    rows.loc[rows["row"] == 6, "split"] = "dev"
    (finding,) = failures(gate, rows, limits)
    assert (finding.check, finding.column, finding.examples) == ("labels", "split", ["6"])


def test_long_texts_are_reported(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    rows.loc[rows["row"] == 1, "text"] = "ten words are the most " + "x " * 4 + "x"
    rows.loc[rows["row"] == 9, "text"] = "eleven words are one too many " + "x " * 4 + "x"
    (finding,) = failures(gate, rows, limits)
    assert (finding.check, finding.severity) == ("lengths", "warning")
    assert (finding.unexpected, finding.examples) == (1, ["9"])
    assert finding.limits == {"min_value": 1, "max_value": 10}


def test_short_texts_are_reported(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    rows.loc[rows["row"] == 7, "text"] = "word"
    (finding,) = failures(gate, rows, limits.model_copy(update={"min_words": 2}))
    assert (finding.check, finding.unexpected, finding.examples) == ("lengths", 1, ["7"])


def test_only_the_first_rows_are_named_but_all_are_counted(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    rows.loc[rows["row"] > 2, "text"] += " x" * 20
    (finding,) = failures(gate, rows, limits)
    assert finding.unexpected == len(rows) - 2
    assert finding.examples == [str(number) for number in range(3, 3 + EXAMPLES)]


def without(rows: pd.DataFrame, split: str, label: int, kept: int) -> pd.DataFrame:
    part = rows.index[(rows["split"] == split) & (rows["label"] == label)]
    return rows.drop(part[kept:]).reset_index(drop=True)


def test_too_few_rows_of_a_class_in_a_split_are_found(gate: ModuleType, limits: Validate) -> None:
    (finding,) = failures(gate, without(reviews(), "test", 1, kept=4), limits)
    assert (finding.check, finding.severity) == ("rows", "critical")
    assert (finding.unexpected, finding.examples) == (1, ["test, label 1"])
    assert finding.limits == {"min_value": PER_CLASS}


def test_just_enough_rows_pass(gate: ModuleType, limits: Validate) -> None:
    assert failures(gate, reviews(PER_CLASS), limits) == []


def test_a_split_without_a_class_is_found(gate: ModuleType, limits: Validate) -> None:
    findings = {finding.check: finding for finding in failures(gate, without(reviews(), "train", 0, kept=0), limits)}
    assert set(findings) == {"rows", "balance"}
    assert findings["rows"].examples == findings["balance"].examples == ["train, label 0"]


def test_an_absent_split_is_found(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    findings = failures(gate, rows[rows["split"] != "validation"].reset_index(drop=True), limits)
    assert {finding.check for finding in findings} == {"rows", "balance"}
    assert all(finding.examples == ["validation, label 0", "validation, label 1"] for finding in findings)


def test_imbalance_is_reported(gate: ModuleType, limits: Validate) -> None:
    (finding,) = failures(gate, without(reviews(20), "validation", 1, kept=8), limits)
    assert (finding.check, finding.severity) == ("balance", "warning")
    assert (finding.unexpected, finding.examples) == (1, ["validation, label 1"])


def test_many_rejected_rows_are_found(gate: ModuleType, limits: Validate) -> None:
    rows = reviews(7)
    (finding,) = failures(gate, rows, limits, rejected=len(rows))
    assert (finding.check, finding.severity, finding.limits) == ("rejected", "critical", {"max_value": 0.3})


def test_a_rejected_share_at_the_limit_passes(gate: ModuleType, limits: Validate) -> None:
    rows = reviews(7)
    assert failures(gate, rows, limits, rejected=len(rows) * 3 // 7) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.drop(columns="text"),
        lambda rows: rows.drop(columns="label"),
        lambda rows: rows.assign(extra=1),
        lambda rows: rows.rename(columns={"split": "part"}),
        lambda rows: rows.assign(label=rows["label"].astype("float64")),
    ],
    ids=["no text", "no label", "one more", "renamed", "floats"],
)
def test_other_columns_fail_the_schema_and_nothing_else_is_looked_at(
    gate: ModuleType, limits: Validate, change: Any
) -> None:
    findings = gate.check_reviews([change(reviews())], 100, limits)
    assert {finding.check for finding in findings} == {"schema"}
    assert not all(finding.success for finding in findings)
    assert {finding.severity for finding in findings} == {"critical"}


def test_severities_are_those_of_the_parameters(gate: ModuleType, limits: Validate) -> None:
    turned = dict.fromkeys(CHECKS - {"schema"} | {"schema_"}, "warning") | {
        "balance": "critical",
        "lengths": "critical",
    }
    severities = limits.severity.model_copy(update=turned)
    findings = gate.check_reviews([reviews()], 42, limits.model_copy(update={"severity": severities}))
    shown = {finding.check: finding.severity for finding in findings}
    assert shown == {check: "critical" if check in ("balance", "lengths") else "warning" for check in CHECKS}


def test_the_order_of_rows_changes_neither_counts_nor_verdicts(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    rows.loc[rows["row"].isin([4, 9]), "text"] = "text number 2"
    order = random.Random(1).sample(range(len(rows)), len(rows))
    straight, shuffled = (
        [(finding.check, finding.success, finding.unexpected) for finding in gate.check_reviews([part], 42, limits)]
        for part in (rows, rows.iloc[order])
    )
    assert straight == shuffled


def test_no_rows_at_all_fail_without_a_crash(gate: ModuleType, limits: Validate) -> None:
    findings = failures(gate, reviews().iloc[:0], limits, rejected=3)
    assert {"rows", "rejected"} <= {finding.check for finding in findings}


def test_training_rows_that_are_left_out_are_not_rejected(gate: ModuleType, limits: Validate) -> None:
    rows = reviews()
    strict = limits.model_copy(update={"max_rejected_share": 0.1})
    [share] = [finding for finding in gate.check_reviews([rows], 10 * len(rows), strict) if not finding.success]
    assert share.check == "rejected"
    assert all(finding.success for finding in gate.check_reviews([rows], 10 * len(rows), strict, 9 * len(rows)))
