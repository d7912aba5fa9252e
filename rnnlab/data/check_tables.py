"""Tables of findings on the data."""

from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate


def validation_markdown(findings: Sequence[Mapping[str, Any]]) -> str:
    """Writes every finding as Markdown, failed ones first.

    Args:
        findings: as in reports/validation.json.
    """
    failed = [finding for finding in findings if not finding["success"]]
    critical = sum(finding["severity"] == "critical" for finding in failed)
    verdict = f"{len(findings)} checks, {critical} critical failures, {len(failed) - critical} warnings."
    ordered = sorted(findings, key=lambda finding: finding["success"])
    return f"# Validation of the data\n\n{verdict}\n\n{findings_table(ordered, 'github')}\n"


def findings_table(findings: Sequence[Mapping[str, Any]], style: str) -> str:
    """Writes findings as a table, one row each, with the first rows that violate them."""
    rows = [
        {
            "check": finding["check"],
            "expectation": finding["expectation"].removeprefix("expect_").replace("_", " "),
            "column": finding["column"],
            "limits": ", ".join(f"{key} {value}" for key, value in finding["limits"].items()),
            "outcome": "passed" if finding["success"] else finding["severity"],
            "rows": finding["unexpected"],
            "first of them": ", ".join(finding["examples"]),
        }
        for finding in findings
    ]
    return tabulate(rows, headers="keys", tablefmt=style)
