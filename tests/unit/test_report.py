from typing import Any

import pytest

from rnnlab import report


def finding(**changes: Any) -> dict[str, Any]:
    return {
        "check": "lengths",
        "expectation": "expect_column_values_to_be_between",
        "column": "words",
        "severity": "warning",
        "success": True,
        "limits": {"min_value": 1, "max_value": 5000},
        "unexpected": 0,
        "examples": [],
        **changes,
    }


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_finding_is_a_row_that_a_person_can_read() -> None:
    broken = finding(success=False, unexpected=7, examples=["3", "12"])
    lines = report.findings_table([broken], "github").splitlines()
    assert cells(lines[0]) == ["check", "expectation", "column", "limits", "outcome", "rows", "first of them"]
    assert cells(lines[2]) == [
        "lengths",
        "column values to be between",
        "words",
        "min_value 1, max_value 5000",
        "warning",
        "7",
        "3, 12",
    ]


@pytest.mark.parametrize(
    ("success", "severity", "outcome"),
    [(True, "critical", "passed"), (False, "critical", "critical"), (False, "warning", "warning")],
)
def test_the_outcome_of_a_failed_check_is_its_severity(success: bool, severity: str, outcome: str) -> None:
    table = report.findings_table([finding(success=success, severity=severity)], "github")
    assert cells(table.splitlines()[2])[4] == outcome


def test_the_page_counts_failures_and_shows_them_first() -> None:
    page = report.validation_markdown(
        [
            finding(check="schema"),
            finding(check="balance", success=False),
            finding(check="leakage", success=False, severity="critical"),
            finding(check="lengths", success=False),
        ]
    )
    assert page.startswith("# Validation of the data\n\n4 checks, 1 critical failures, 2 warnings.\n\n")
    checks = [cells(line)[0] for line in page.splitlines() if line.startswith("|")][2:]
    assert checks == ["balance", "leakage", "lengths", "schema"]
    assert page.endswith("|\n")


def summary(accuracy: float, seeds: int) -> dict[str, Any]:
    return {
        "mean": {"accuracy": accuracy, "f1": 0.5, "roc_auc": 0.75},
        "sd": {"accuracy": 0.0125, "f1": 0.0, "roc_auc": 0.1},
        "per_seed": {str(seed): {} for seed in range(seeds)},
        "parameters": 12345,
    }


def test_models_are_compared_in_the_given_order() -> None:
    lines = report.results_table(
        {"rnn": summary(0.7, 3), "lstm": summary(0.8, 3)}, {"rnn": 1.25}, "github"
    ).splitlines()
    assert cells(lines[0]) == ["model", "seeds", "test accuracy", "F1", "ROC AUC", "parameters", "s an epoch"]
    assert cells(lines[2]) == ["rnn", "3", "0.700 ± 0.013", "0.500 ± 0.000", "0.750 ± 0.100", "12,345", "1.2"]
    assert cells(lines[3])[:3] == ["lstm", "3", "0.800 ± 0.013"]


def test_a_model_without_timings_shows_a_dash() -> None:
    assert cells(report.results_table({"rnn": summary(0.7, 1)}, {}, "github").splitlines()[2])[-1] == "–"
