"""The data gate: a Great Expectations suite over the ingested reviews, its limits taken from params.

Only this module and `rnnlab.data.series_checks` import Great Expectations.
"""

from typing import Any, NamedTuple

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.data_context.types.base import ProgressBarsConfig

from rnnlab.features.clean_rows import SCHEMA, SPLITS
from rnnlab.project.params import Severity, Validate

EXAMPLES = 5


class Finding(NamedTuple):
    """What one expectation found, free of ids and times.

    Attributes:
        check: the key under ``validate.severity``.
        expectation: Great Expectations' name for it.
        column: the column looked at, "" for the whole table.
        severity: critical or warning.
        success: whether it held.
        limits: the expectation's own arguments.
        unexpected: how many rows broke it.
        examples: the first of those rows: row in the CSV, or split and label.
    """

    check: str
    expectation: str
    column: str
    severity: Severity
    success: bool
    limits: dict[str, Any]
    unexpected: int
    examples: list[str]


def check_reviews(reviews: pd.DataFrame, rows_read: int, limits: Validate) -> list[Finding]:
    """Checks rows, splits and totals.

    Args:
        reviews: the columns of `rnnlab.features.clean_rows.SCHEMA`.
        rows_read: rows of the CSV, the rejected ones included.
        limits: thresholds and severities.

    Returns:
        One finding an expectation. When the columns are not as they should be, the schema's alone.
    """
    schema = run_expectations(reviews, "row", _schema_expectations(), limits)
    if not all(finding.success for finding in schema):
        return schema
    rows = reviews.assign(
        words=reviews["text"].str.count(" ").fillna(0) + 1,
        splits_of_text=reviews.groupby("text")["split"].transform("nunique"),
    )
    rejected_share = (rows_read - len(reviews)) / max(rows_read, 1)
    source = pd.DataFrame({"source": ["csv"], "rejected_share": [rejected_share]})
    return [
        *schema,
        *run_expectations(rows, "row", _row_expectations(limits), limits),
        *run_expectations(_totals(reviews), "part", _total_expectations(limits), limits),
        *run_expectations(source, "source", _source_expectations(limits), limits),
    ]


def _schema_expectations() -> dict[str, list[gxe.Expectation]]:
    return {
        "schema": [
            gxe.ExpectTableColumnsToMatchSet(column_set=list(SCHEMA.names), exact_match=True),
            gxe.ExpectColumnValuesToBeOfType(column="label", type_="int8"),
        ]
    }


def _row_expectations(limits: Validate) -> dict[str, list[gxe.Expectation]]:
    return {
        "nulls": [gxe.ExpectColumnValuesToNotBeNull(column=column) for column in SCHEMA.names],
        "labels": [
            gxe.ExpectColumnValuesToBeInSet(column="label", value_set=[0, 1]),
            gxe.ExpectColumnValuesToBeInSet(column="split", value_set=list(SPLITS)),
        ],
        "duplicates": [gxe.ExpectColumnValuesToBeUnique(column=column) for column in ("id", "text")],
        "leakage": [gxe.ExpectColumnValuesToBeBetween(column="splits_of_text", min_value=1, max_value=1)],
        "lengths": [
            gxe.ExpectColumnValuesToBeBetween(column="words", min_value=limits.min_words, max_value=limits.max_words)
        ],
    }


def _total_expectations(limits: Validate) -> dict[str, list[gxe.Expectation]]:
    return {
        "rows": [gxe.ExpectColumnValuesToBeBetween(column="rows", min_value=limits.min_rows_per_class)],
        "balance": [gxe.ExpectColumnValuesToBeBetween(column="share", min_value=limits.min_minority_share)],
    }


def _source_expectations(limits: Validate) -> dict[str, list[gxe.Expectation]]:
    return {
        "rejected": [gxe.ExpectColumnValuesToBeBetween(column="rejected_share", max_value=limits.max_rejected_share)]
    }


def _totals(reviews: pd.DataFrame) -> pd.DataFrame:
    """Counts rows by split and label; a combination without rows counts 0."""
    every = pd.MultiIndex.from_product([SPLITS, [0, 1]], names=["split", "label"])
    rows = reviews.groupby(["split", "label"]).size().reindex(every, fill_value=0)
    totals = rows.rename("rows").reset_index()
    totals["share"] = (totals["rows"] / totals.groupby("split")["rows"].transform("sum")).fillna(0)
    totals["part"] = totals["split"] + ", label " + totals["label"].astype(str)
    return totals


def run_expectations(
    frame: pd.DataFrame, index: str, expectations: dict[str, list[gxe.Expectation]], limits: Validate
) -> list[Finding]:
    """Runs expectations in a context that leaves nothing on disk; ``index`` names rows in findings."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("frame")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    findings = []
    for check, members in expectations.items():
        severity: Severity = getattr(limits.severity, "schema_" if check == "schema" else check)
        result_format = {"result_format": "COMPLETE", "unexpected_index_column_names": [index]}
        for expectation in members:
            expectation.severity = severity
            findings.append(_finding(check, severity, batch.validate(expectation, result_format=result_format), index))
    return findings


def _finding(check: str, severity: Severity, outcome: Any, index: str) -> Finding:
    config, result = outcome.expectation_config, outcome.result
    limits = {key: value for key, value in config.kwargs.items() if key not in ("batch_id", "column")}
    broken = result.get("unexpected_index_list") or []
    return Finding(
        check=check,
        expectation=config.type,
        column=config.kwargs.get("column", ""),
        severity=severity,
        success=bool(outcome.success),
        limits=limits,
        unexpected=int(result.get("unexpected_count", 0 if outcome.success else len(broken))),
        examples=[str(row[index]) for row in broken[:EXAMPLES]],
    )
