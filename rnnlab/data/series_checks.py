"""Checks of a series, with the limits and severities of params."""

from collections.abc import Collection, Iterator

import great_expectations.expectations as gxe
import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnlab.data.expectations import Expectations, Finding, among, between, columns_fit, run_expectations
from rnnlab.data.numbers import LARGEST
from rnnlab.data.series import SCHEMA
from rnnlab.features.clean_rows import SPLITS
from rnnlab.project.sections.data import Validate
from rnnlab.project.tasks import CALENDAR, COVARIATE, is_known_ahead

MOST_STEPS = 48  # rows later at which a covariate is compared with the values
ALIKE = 0.999  # correlation with a later value from which on a covariate looks like that value
TELLS = 0.1  # of the share that the value a step earlier leaves unexplained: a smooth series is like its neighbours


def check_series(table: pd.DataFrame, limits: Validate, known_ahead: Collection[str] = ()) -> list[Finding]:
    """Checks values, order and splits of a table of `rnnlab.data.series.SCHEMA`, in the order of time.

    Returns:
        One finding per expectation; only those on the schema if the columns are wrong.
    """
    beside = table.loc[:, table.columns.str.startswith(COVARIATE)]
    table = table.loc[:, ~table.columns.str.startswith(COVARIATE)]  # what is carried along may be numbers or words
    schema = run_expectations(table, "row", columns_fit(SCHEMA, row="int64", value="float64", filled="bool"), limits)
    if not all(finding.success for finding in schema):
        return schema
    order = table["split"].map({name: index for index, name in enumerate(SPLITS)}).astype("float64")
    behind = (order.groupby(table["series"]).cummax() - order).fillna(0)
    steps = table.groupby("series")["row"].diff().fillna(1)
    rows = table.assign(steps_since_last=steps, splits_behind=behind)
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
        *_check_covariates(table, beside, limits, known_ahead),
    ]


def _check_covariates(
    table: pd.DataFrame, beside: pd.DataFrame, limits: Validate, known_ahead: Collection[str]
) -> Iterator[Finding]:
    """Finds numbers that look like values that are to be predicted, as a column that was shifted by mistake does.

    Of several series the longest tells, as one mistake shifts a column for all.
    """
    numbers = beside.select_dtypes("number").rename(columns=lambda name: name.removeprefix(COVARIATE))
    longest = table["series"].isin(table["series"].value_counts().index[:1])
    values, is_known = table["value"][longest].to_numpy(), ~table["filled"][longest].to_numpy()
    rows = []
    for name in (name for name in numbers if not name.startswith(CALENDAR)):
        first = 0 if is_known_ahead(name, known_ahead) else 1
        steps = lead(numbers[name][longest].to_numpy(), values, is_known, first)
        shown = name if steps is None else f"{name} (the value {steps} rows later)"
        rows.append({"covariate": shown, "gives_value_away": steps is not None})
    if rows:
        expected = {"covariates": [among("gives_value_away", [False])]}
        yield from run_expectations(pd.DataFrame(rows), "covariate", expected, limits)


def lead(
    column: npt.NDArray[np.floating], values: npt.NDArray[np.floating], is_known: npt.NDArray[np.bool_], first: int
) -> int | None:
    """Returns how many rows later the value is that a column gives away, or None if it does not.

    Args:
        column: of shape (rows,).
        values: of the series, likewise.
        is_known: whether a value is its own, likewise.
        first: the fewest steps that give something away: 1, or 0 for a column that is known ahead.
    """

    def unlike(steps: int) -> float:
        """Returns by how much the correlation with the values so many rows later falls short of 1."""
        ahead, start = max(steps, 0), max(-steps, 0)
        before, after = slice(start, len(values) - ahead), slice(ahead, len(values) - start)
        pairs = is_known[after]
        pair = column[before][pairs], values[after][pairs]
        if pairs.sum() < 3 or not all(each.std() for each in pair):
            return 1.0
        return round(1.0 - float(np.corrcoef(*pair)[0, 1]), 9)  # less is of the arithmetic

    steps = range(first, min(MOST_STEPS, len(values) // 3) + 1)
    best = min(steps, key=unlike, default=None)
    if best is None or unlike(best) > 1 - ALIKE or unlike(best) >= TELLS * unlike(first - 1):
        return None
    return best


def _row_expectations() -> Expectations:
    """Returns expectations by check; an unusable target counts as a wrong label, a missing row as a rejected one."""
    return {
        "nulls": [gxe.ExpectColumnValuesToNotBeNull(column=column) for column in SCHEMA.names],
        "labels": [between("value", -LARGEST, LARGEST), among("split", SPLITS)],
        "duplicates": [gxe.ExpectColumnValuesToBeUnique(column="row")],
        "leakage": [between("steps_since_last", 0), between("splits_behind", None, 0)],
        "rejected": [between("steps_since_last", None, 1)],
    }
