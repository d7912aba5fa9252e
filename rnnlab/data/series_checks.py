"""Checks of a series, with the limits and severities of params."""

import great_expectations.expectations as gxe
import pandas as pd

from rnnlab.data.expectations import Expectations, Finding, among, between, columns_fit, run_expectations
from rnnlab.data.series import LARGEST, SCHEMA
from rnnlab.features.clean_rows import SPLITS
from rnnlab.project.params import Validate
from rnnlab.project.tasks import COVARIATE


def check_series(table: pd.DataFrame, limits: Validate) -> list[Finding]:
    """Checks values, order and splits of a table of `rnnlab.data.series.SCHEMA`, in the order of time.

    Returns:
        One finding per expectation; only those on the schema if the columns are wrong.
    """
    table = table.loc[:, ~table.columns.str.startswith(COVARIATE)]  # what is carried along may be numbers or words
    schema = run_expectations(table, "row", columns_fit(SCHEMA, row="int64", value="float64", filled="bool"), limits)
    if not all(finding.success for finding in schema):
        return schema
    order = table["split"].map({name: index for index, name in enumerate(SPLITS)}).astype("float64")
    behind = (order.cummax() - order).fillna(0)
    rows = table.assign(steps_since_last=table["row"].diff().fillna(1), splits_behind=behind)
    totals = table.groupby("split")["value"].agg(rows="size", distinct_values="nunique")
    totals = totals.reindex(SPLITS, fill_value=0).rename_axis("split").reset_index()
    of_totals = {
        "rows": [between("rows", limits.min_rows_per_class)],
        "balance": [between("distinct_values", 2)],
    }
    return [
        *schema,
        *run_expectations(rows, "row", _row_expectations(), limits),
        *run_expectations(totals, "split", of_totals, limits),
    ]


def _row_expectations() -> Expectations:
    """Returns expectations by check; an unusable target counts as a wrong label, a missing row as a rejected one."""
    return {
        "nulls": [gxe.ExpectColumnValuesToNotBeNull(column=column) for column in SCHEMA.names],
        "labels": [between("value", -LARGEST, LARGEST), among("split", SPLITS)],
        "duplicates": [gxe.ExpectColumnValuesToBeUnique(column="row")],
        "leakage": [between("steps_since_last", 0), between("splits_behind", None, 0)],
        "rejected": [between("steps_since_last", None, 1)],
    }
