"""Checks of ingested reviews, with the limits and severities of params."""

from collections.abc import Iterable, Sequence

import great_expectations.expectations as gxe
import pandas as pd

from rnnlab.data.expectations import Expectations, Finding, among, between, columns_fit, run_expectations
from rnnlab.features.clean_rows import SCHEMA, SPLITS
from rnnlab.project.sections.data import Validate
from rnnlab.project.tasks import SLICE


def check_reviews(
    parts: Iterable[pd.DataFrame],
    rows_read: int,
    limits: Validate,
    left_out: int = 0,
    labels: Sequence[str] = ("0", "1"),
) -> list[Finding]:
    """Checks a table of `rnnlab.features.clean_rows.SCHEMA`, and how many of the ``rows_read`` were rejected.

    Args:
        parts: of the table, at least one; only some 100 B of each row are kept, however long its text is.
        rows_read: of the user's data.
        limits: of the checks. A share of the rarer of two labels is one of these two; of more labels the rarest is
            compared with the most frequent in the same way.
        left_out: training rows that are good, but not in the table.
        labels: names by their numbers.

    Returns:
        One finding per expectation; only those on the schema if the columns are wrong.
    """
    schema: list[Finding] = []
    measured: list[pd.DataFrame] = []
    for part in parts:
        own = part.loc[:, ~part.columns.str.startswith(SLICE)]  # what is carried along may hold anything
        schema = schema or run_expectations(own, "row", columns_fit(SCHEMA, label="int16"), limits)
        if not all(finding.success for finding in schema):
            return schema
        measured.append(_measured(own))
    rows = pd.concat(measured, ignore_index=True)
    rows["splits_of_text"] = rows.groupby("text")["split"].transform("nunique")
    return [
        *schema,
        *run_expectations(rows, "row", _row_expectations(limits, len(labels)), limits),
        *check_counts(rows, rows_read, limits, left_out, labels),
    ]


def _measured(part: pd.DataFrame) -> pd.DataFrame:
    """Returns rows with their number of words, and 64 bits in place of each id and text: what is equal stays equal."""
    words = (part["text"].str.count(" ").fillna(0) + 1).astype("int32")
    return part.assign(id=_hashed(part["id"]), text=_hashed(part["text"]), words=words)


def _hashed(values: pd.Series) -> "pd.arrays.IntegerArray":
    hashes = pd.util.hash_array(values.to_numpy(object)).view("int64")
    return pd.arrays.IntegerArray(hashes, values.isna().to_numpy())


def check_counts(
    rows: pd.DataFrame, rows_read: int, limits: Validate, left_out: int, labels: Sequence[str]
) -> list[Finding]:
    """Checks how many labelled rows there are by split and label, and how many were rejected; see `check_reviews`."""
    rejected_share = (rows_read - left_out - len(rows)) / max(rows_read, 1)
    source = pd.DataFrame({"source": ["csv"], "rejected_share": [rejected_share]})
    of_totals = {
        "rows": [between("rows", limits.min_rows_per_class)],
        "balance": [between("share", limits.min_minority_share)],
    }
    of_source = {"rejected": [between("rejected_share", None, limits.max_rejected_share)]}
    return [
        *run_expectations(_totals(rows, labels), "part", of_totals, limits),
        *run_expectations(source, "source", of_source, limits),
    ]


def _row_expectations(limits: Validate, labels: int) -> Expectations:
    return {
        "nulls": [gxe.ExpectColumnValuesToNotBeNull(column=column) for column in SCHEMA.names],
        "labels": [among("label", range(labels)), among("split", SPLITS)],
        "duplicates": [gxe.ExpectColumnValuesToBeUnique(column=column) for column in ("id", "text")],
        "leakage": [between("splits_of_text", 1, 1)],
        "lengths": [between("words", limits.min_words, limits.max_words)],
    }


def _totals(reviews: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Counts rows by split and label, combinations without rows included; shares are of them and the most frequent."""
    combinations = pd.MultiIndex.from_product([SPLITS, range(len(labels))], names=["split", "label"])
    rows = reviews.groupby(["split", "label"]).size().reindex(combinations, fill_value=0)
    totals = rows.rename("rows").reset_index()
    most = totals.groupby("split")["rows"].transform("max")
    totals["share"] = (totals["rows"] / (totals["rows"] + most)).fillna(0)
    totals["part"] = totals["split"] + ", label " + totals["label"].map(dict(enumerate(labels)))
    return totals
