"""Runs expectations of Great Expectations on a table."""

from typing import Any, NamedTuple

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.data_context.types.base import ProgressBarsConfig

from rnnlab.project.params import Severity, Validate

EXAMPLES = 5


class Finding(NamedTuple):
    """The outcome of one expectation, without ids and times, so that the same data give the same bytes.

    Attributes:
        check: key under ``validate.severity``.
        expectation: Great Expectations' name for it.
        column: the column checked, "" for the whole table.
        severity: critical or warning.
        success: whether the expectation is met.
        limits: arguments of the expectation.
        unexpected: number of rows that violate it.
        examples: the first of these rows, named by their row in the CSV, or by split and label.
    """

    check: str
    expectation: str
    column: str
    severity: Severity
    success: bool
    limits: dict[str, Any]
    unexpected: int
    examples: list[str]


def run_expectations(
    frame: pd.DataFrame, index: str, expectations: dict[str, list[gxe.Expectation]], limits: Validate
) -> list[Finding]:
    """Runs expectations and writes nothing to disk.

    Args:
        frame: the table to check.
        index: column that names rows in findings.
        expectations: by check, which is a key under ``validate.severity``.
        limits: severities.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("frame")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    findings = []
    for check, of_check in expectations.items():
        severity: Severity = getattr(limits.severity, "schema_" if check == "schema" else check)
        result_format = {"result_format": "COMPLETE", "unexpected_index_column_names": [index]}
        for expectation in of_check:
            expectation.severity = severity
            findings.append(_finding(check, severity, batch.validate(expectation, result_format=result_format), index))
    return findings


def _finding(check: str, severity: Severity, outcome: Any, index: str) -> Finding:
    config, result = outcome.expectation_config, outcome.result
    limits = {key: value for key, value in config.kwargs.items() if key not in ("batch_id", "column")}
    violations = result.get("unexpected_index_list") or []
    return Finding(
        check=check,
        expectation=config.type,
        column=config.kwargs.get("column", ""),
        severity=severity,
        success=bool(outcome.success),
        limits=limits,
        unexpected=int(result.get("unexpected_count", 0 if outcome.success else len(violations))),
        examples=[str(row[index]) for row in violations[:EXAMPLES]],
    )
