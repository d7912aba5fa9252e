from pathlib import Path
from typing import Any

from rnnlab.report import data_section
from tests.support.builders import write_csv
from tests.support.results import finding

SUMMARY: dict[str, Any] = {
    "rows_read": 110,
    "rows_kept": 100,
    "rows_rejected": {"total": 10, "blank text": 2, "duplicate": 8},
    "splits": {
        "test": {"bad": 10, "good": 10},
        "train": {"bad": 45, "good": 15},
        "validation": {"bad": 10, "good": 10},
    },
}


def test_splits_are_counted_in_the_order_of_their_use() -> None:
    table = data_section.splits_table(SUMMARY)
    assert table.headings == ["split", "rows", "bad", "good"]
    assert table.rows[0] == ["train", "60", "45 (75.0%)", "15 (25.0%)"]
    assert [row[0] for row in table.rows] == ["train", "validation", "test"]


def test_a_series_has_values_and_no_classes() -> None:
    splits = {"test": {"values": 5}, "train": {"values": 1200}, "validation": {"values": 7}}
    table = data_section.splits_table({"splits": splits})
    assert table.headings == ["split", "rows"]
    assert table.rows == [["train", "1,200"], ["validation", "7"], ["test", "5"]]


def test_reasons_are_ranked() -> None:
    assert data_section.reasons_table(SUMMARY).rows == [["duplicate", "8"], ["blank text", "2"]]
    assert data_section.rows_fact(SUMMARY) == "110 rows read, 100 kept, 10 rejected (9.1%)"


def test_rows_that_are_left_out_are_told() -> None:
    told = data_section.rows_fact({**SUMMARY, "rows_kept": 60, "rows_left_out": 40})
    assert told.endswith("60 kept, 10 rejected (9.1%), 40 left out (split.train_share or split.until)")


def test_a_few_refused_rows_of_each_reason_are_shown_in_part(tmp_path: Path) -> None:
    duplicates = [[str(row), f"duplicate (row {row - 1} is the first)", "good", "again " * 100] for row in range(9)]
    source = write_csv(
        tmp_path / "rejected.csv", ["row", "reason", "label", "text"], *duplicates, ["99", "blank text", "bad", ""]
    )
    found = data_section.read_rejected(source)
    assert [row.row for row in found] == ["0", "1", "2", "99"]
    assert found[0].reason == "duplicate (row -1 is the first)"
    assert len(found[0].text) == 202 and found[0].text.endswith(" …")
    assert data_section.read_rejected(tmp_path / "none.csv") == []


def test_failed_checks_come_first_and_are_counted() -> None:
    warned = finding(check="balance", severity="warning", success=False, unexpected=1200, examples=["train, label 0"])
    checks = data_section.checks([finding(), warned, finding(check="leakage", success=False)])
    assert checks.verdict == "3 checks, 1 critical failure, 1 warning"
    assert [row[0] for row in checks.table.rows] == ["balance", "leakage", "rows"]
    outcome = ["FAILED (warning)", "1,200", "train, label 0"]
    assert checks.table.rows[0][1:] == [*outcome, "column values to be between", "rows", "min_value 20"]


def test_the_page_of_a_failure_says_what_failed_and_what_to_do(tmp_path: Path) -> None:
    source = write_csv(
        tmp_path / "rejected.csv", ["row", "reason", "label", "text"], ["4", "blank text", "<b>bad", "<i>so so"]
    )
    page = data_section.failed_page("my.csv", SUMMARY, [finding(success=False)], source)
    assert "<h1>The data failed a critical check; nothing was trained.</h1>" in page
    assert "1 checks, 1 critical failure, 0 warnings" in page
    assert '<th scope="col" class="text">check</th>' in page and '<th scope="col">rows</th>' in page
    assert "FAILED (critical)" in page and "<code>params.yaml</code>" in page and "my.csv" in page
    assert "&lt;i&gt;so so" in page and "<i>so" not in page
    assert "http" not in page


def test_six_labels_stand_side_by_side_and_more_below_each_other() -> None:
    six = dict.fromkeys("abcdef", 1)
    assert data_section.splits_table({"splits": dict.fromkeys(SUMMARY["splits"], six)}).headings[2:] == list(six)
    more = data_section.splits_table({"splits": dict.fromkeys(SUMMARY["splits"], six | {"g": 2})})
    assert (more.headings[0], more.rows[0]) == ("label", ["g", "2", "2", "2"])
