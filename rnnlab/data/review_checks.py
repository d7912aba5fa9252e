"""Checks of ingested reviews, with the limits and severities of params."""

import great_expectations.expectations as gxe
import pandas as pd

from rnnlab.data.expectations import Finding, run_expectations
from rnnlab.features.clean_rows import SCHEMA, SPLITS
from rnnlab.project.params import Validate


def check_reviews(reviews: pd.DataFrame, rows_read: int, limits: Validate) -> list[Finding]:
    """Checks rows, splits and totals.

    Args:
        reviews: the columns of `rnnlab.features.clean_rows.SCHEMA`.
        rows_read: number of rows in the CSV, rejected ones included.
        limits: thresholds and severities.

    Returns:
        One finding per expectation; only those on the schema if the columns are wrong.
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
    """Counts rows by split and label, combinations without rows included."""
    combinations = pd.MultiIndex.from_product([SPLITS, [0, 1]], names=["split", "label"])
    rows = reviews.groupby(["split", "label"]).size().reindex(combinations, fill_value=0)
    totals = rows.rename("rows").reset_index()
    totals["share"] = (totals["rows"] / totals.groupby("split")["rows"].transform("sum")).fillna(0)
    totals["part"] = totals["split"] + ", label " + totals["label"].astype(str)
    return totals
