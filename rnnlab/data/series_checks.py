"""Checks of a series, with the limits and severities of params."""

import great_expectations.expectations as gxe
import pandas as pd

from rnnlab.data.expectations import Finding, run_expectations
from rnnlab.data.series import LARGEST, SCHEMA
from rnnlab.features.clean_rows import SPLITS
from rnnlab.project.params import Validate


def check_series(table: pd.DataFrame, limits: Validate) -> list[Finding]:
    """Checks values, order and splits.

    Args:
        table: the columns of `rnnlab.data.series.SCHEMA`, in the order of time.
        limits: severities, and the smallest number of rows in a split (``min_rows_per_class``).

    Returns:
        One finding per expectation; only those on the schema if the columns are wrong.
    """
    schema = run_expectations(table, "row", _schema_expectations(), limits)
    if not all(finding.success for finding in schema):
        return schema
    order = table["split"].map({name: index for index, name in enumerate(SPLITS)}).astype("float64")
    rows = table.assign(
        steps_since_last=table["row"].diff().fillna(1),
        splits_behind=(order.cummax() - order).fillna(0),
    )
    return [
        *schema,
        *run_expectations(rows, "row", _row_expectations(), limits),
        *run_expectations(_totals(table), "split", _total_expectations(limits), limits),
    ]


def _schema_expectations() -> dict[str, list[gxe.Expectation]]:
    return {
        "schema": [
            gxe.ExpectTableColumnsToMatchSet(column_set=list(SCHEMA.names), exact_match=True),
            gxe.ExpectColumnValuesToBeOfType(column="row", type_="int64"),
            gxe.ExpectColumnValuesToBeOfType(column="value", type_="float64"),
        ]
    }


def _row_expectations() -> dict[str, list[gxe.Expectation]]:
    """Returns expectations by check; an unusable target counts as a wrong label, a missing row as a rejected one."""
    return {
        "nulls": [gxe.ExpectColumnValuesToNotBeNull(column=column) for column in SCHEMA.names],
        "labels": [
            gxe.ExpectColumnValuesToBeBetween(column="value", min_value=-LARGEST, max_value=LARGEST),
            gxe.ExpectColumnValuesToBeInSet(column="split", value_set=list(SPLITS)),
        ],
        "duplicates": [gxe.ExpectColumnValuesToBeUnique(column="row")],
        "leakage": [
            gxe.ExpectColumnValuesToBeBetween(column="steps_since_last", min_value=0),
            gxe.ExpectColumnValuesToBeBetween(column="splits_behind", max_value=0),
        ],
        "rejected": [gxe.ExpectColumnValuesToBeBetween(column="steps_since_last", max_value=1)],
    }


def _total_expectations(limits: Validate) -> dict[str, list[gxe.Expectation]]:
    return {
        "rows": [gxe.ExpectColumnValuesToBeBetween(column="rows", min_value=limits.min_rows_per_class)],
        "balance": [gxe.ExpectColumnValuesToBeBetween(column="distinct_values", min_value=2)],
    }


def _totals(table: pd.DataFrame) -> pd.DataFrame:
    """Counts rows and distinct values by split, empty splits included."""
    totals = table.groupby("split")["value"].agg(rows="size", distinct_values="nunique")
    return totals.reindex(SPLITS, fill_value=0).rename_axis("split").reset_index()
