from typing import Any

import pytest

from rnnlab.data import check_tables
from rnnlab.evaluation import comparisons, tables
from rnnlab.evaluation.costs import Cost


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
    lines = check_tables.findings_table([broken], "github").splitlines()
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
    table = check_tables.findings_table([finding(success=success, severity=severity)], "github")
    assert cells(table.splitlines()[2])[4] == outcome


def test_the_page_counts_failures_and_shows_them_first() -> None:
    page = check_tables.validation_markdown(
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
        "mean": {"accuracy": accuracy, "f1": 0.5, "roc_auc": 0.75, "log_loss": 0.4},
        "sd": {"accuracy": 0.0125, "f1": 0.0, "roc_auc": 0.1, "log_loss": 0.02},
        "per_seed": {str(seed): {} for seed in range(seeds)},
        "parameters": 12345,
    }


def rows(metrics: dict[str, Any], costs: dict[str, Cost], **comparison: Any) -> list[dict[str, str]]:
    header, _, *lines = tables.results_table(metrics, costs, comparison, "github").splitlines()
    return [dict(zip(cells(header), cells(line), strict=True)) for line in lines]


def test_models_are_compared_in_the_given_order() -> None:
    first, second = rows({"rnn": summary(0.7, 3), "lstm": summary(0.8, 3)}, {"rnn": Cost(1.25, 14.0)})
    assert first == {
        "model": "rnn",
        "seeds": "3",
        "test accuracy": "0.700 ± 0.013",
        "F1": "0.500 ± 0.000",
        "ROC AUC": "0.750 ± 0.100",
        "log loss": "0.400 ± 0.020",
        "parameters": "12,345",
        "seconds per epoch": "1.2",
        "training seconds": "14.0",
    }
    assert (second["model"], second["test accuracy"]) == ("lstm", "0.800 ± 0.013")


def test_what_is_not_known_shows_a_dash() -> None:
    (row,) = rows({"rnn": summary(0.7, 1)}, {})
    assert (row["seconds per epoch"], row["training seconds"]) == ("–", "–")


def test_one_seed_has_no_spread() -> None:
    (row,) = rows({"rnn": summary(0.7, 1)}, {})
    assert (row["seeds"], row["test accuracy"]) == ("1", "0.700")


def test_a_baseline_has_no_seeds_no_spread_and_no_epochs() -> None:
    (row,) = rows({"tfidf": summary(0.9, 0)}, {"tfidf": Cost(None, 3.0)})
    assert (row["seeds"], row["test accuracy"]) == ("–", "0.900")
    assert (row["seconds per epoch"], row["training seconds"]) == ("–", "3.0")


def test_a_series_is_compared_by_its_errors() -> None:
    figures = {"mse": 0.01234, "mae": 0.2, "r2": 0.9, "rmse": 0.1}
    model = {"mean": figures, "sd": dict.fromkeys(figures, 0.001), "per_seed": {"1": {}, "2": {}}, "parameters": 7}
    (row,) = rows({"lstm": model}, {"lstm": Cost(0.5, 5.0)})
    assert (row["test MSE"], row["R²"]) == ("0.0123 ± 0.0010", "0.9000 ± 0.0010")
    assert not any("accuracy" in heading for heading in row)


def test_seeds_in_two_groups_have_no_mean() -> None:
    groups = {"rnn": {"higher": 2, "seeds": 3, "high": 0.98, "low": 0.5}}
    first, second = rows({"rnn": summary(0.7, 3), "lstm": summary(0.8, 3)}, {}, groups=groups)
    assert (first["test accuracy"], first["F1"]) == ("2 at 0.980, 1 at 0.500", "0.500 ± 0.000")
    assert second["test accuracy"] == "0.800 ± 0.013"


def test_a_column_tells_how_many_seeds_had_converged_only_where_some_had_not() -> None:
    metrics = {"rnn": summary(0.7, 3), "lstm": summary(0.8, 3), "tfidf": summary(0.9, 0)}
    lstm = {"seeds": 3, "reasons": {}}
    late = {"rnn": {"seeds": 3, "reasons": {"2": "best epoch 12 of 12"}}, "lstm": lstm}
    assert [row["converged"] for row in rows(metrics, {}, convergence=late)] == ["2 of 3", "3 of 3", "–"]
    assert not any("converged" in row for row in rows(metrics, {}, convergence={"rnn": lstm, "lstm": lstm}))
    assert not any("converged" in row for row in rows(metrics, {}))


def test_sentences_are_those_of_the_pairs() -> None:
    pairs = [{"sentence": sentence, "shown": True, "equal": False} for sentence in ("a beats b", "c beats d")]
    told = comparisons.sentences({"measure": "accuracy", "groups": {}, "pairs": pairs})
    assert told == ["A beats b.", "C beats d."]


def test_a_text_is_cut_with_dots() -> None:
    assert tables.cut("one two", 7) == "one two"
    assert tables.cut("one two three", 8) == "one two …"
