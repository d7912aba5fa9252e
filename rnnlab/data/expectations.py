"""Runs expectations of Great Expectations on a table."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
import pyarrow as pa
from great_expectations.data_context.types.base import ProgressBarsConfig

from rnnlab.project.sections.data import Severity, Validate

EXAMPLES = 5
Expectations = dict[str, list[gxe.Expectation]]  # by `Finding.check`


class Finding(NamedTuple):
    """The outcome of one expectation, without ids and times, so that the same data give the same bytes."""

    check: str  # key under ``validate.severity``, or one of ``validate.checks``
    expectation: str  # Great Expectations' name for it
    column: str  # "" for the whole table
    severity: Severity
    success: bool
    limits: dict[str, Any]  # arguments of the expectation
    unexpected: int  # number of rows that violate it
    examples: list[str]  # the first of these rows, named by their row in the CSV, or by split and label


def columns_fit(schema: pa.Schema, **types: str) -> Expectations:
    """Expects the columns of a schema and no others, some of them with the given types of pandas."""
    names = gxe.ExpectTableColumnsToMatchSet(column_set=list(schema.names), exact_match=True)
    of_types = (gxe.ExpectColumnValuesToBeOfType(column=column, type_=name) for column, name in types.items())
    return {"schema": [names, *of_types]}


def between(column: str, least: float | None, most: float | None = None) -> gxe.Expectation:
    """Expects values within limits, which are allowed themselves; None is no limit."""
    limits = {"min_value": least, "max_value": most}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return gxe.ExpectColumnValuesToBeBetween(column=column, **given)


def among(column: str, values: Sequence[object]) -> gxe.Expectation:
    """Expects no other values."""
    return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values))


def run_expectations(frame: pd.DataFrame, index: str, expectations: Expectations, limits: Validate) -> list[Finding]:
    """Runs expectations and writes nothing to disk; the column ``index`` names rows in findings."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("frame")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    findings = []
    for check, of_check in expectations.items():
        severity = limits.severity_of(check)
        result_format = {"result_format": "COMPLETE", "unexpected_index_column_names": [index]}
        for expectation in of_check:
            expectation.severity = severity
            outcome = batch.validate(expectation, result_format=result_format)
            if check in limits.checks:
                _check_computed(outcome)
            findings.append(_finding(check, severity, outcome, index))
    return findings


def _check_computed(outcome: Any) -> None:
    """Raises where an expectation cannot be computed, which Great Expectations counts as a failure of the data."""
    problems = [each for each in outcome.exception_info.values() if isinstance(each, dict)]
    if problems:
        raise ValueError(problems[0]["exception_message"])


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
