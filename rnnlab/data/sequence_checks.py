"""Checks of ingested sequences, with the limits and severities of params."""

from collections.abc import Sequence

import great_expectations.expectations as gxe
import numpy as np
import pandas as pd

from rnnlab.data import sequences
from rnnlab.data.expectations import Expectations, Finding, among, between, columns_fit, run_expectations
from rnnlab.data.numbers import LARGEST
from rnnlab.data.review_checks import check_counts
from rnnlab.features.clean_rows import SPLITS
from rnnlab.features.sequences import CHANNEL
from rnnlab.project.sections.data import Validate
from rnnlab.project.tasks import SLICE


def check_sequences(
    rows: pd.DataFrame,
    rows_read: int,
    limits: Validate,
    left_out: int,
    labels: Sequence[str],
    channels: Sequence[str],
) -> list[Finding]:
    """Checks a table of `rnnlab.data.sequences.schema`, and how many of the sequences read were rejected.

    Args:
        rows: the table.
        rows_read: sequences of the user's data.
        limits: of the checks, as those of texts; lengths are in steps.
        left_out: training sequences that are good, but not in the table.
        labels: names by their numbers.
        channels: their names; one whose training values are all equal fails the check ``balance``.

    Returns:
        One finding per expectation; only those on the schema if the columns are wrong.
    """
    rows = rows.loc[:, ~rows.columns.str.startswith(SLICE)]  # what is carried along may hold anything
    schema = run_expectations(rows, "row", columns_fit(sequences.schema(channels, ()), label="int16"), limits)
    if not all(finding.success for finding in schema):
        return schema
    values = [f"{CHANNEL}{name}" for name in channels]
    plain = rows.drop(columns=values).assign(**_measure(rows, values))
    training = rows[rows["split"] == "train"]
    distinct = [len(np.unique(np.concatenate([*training[name], []]))) for name in values]
    of_channels = pd.DataFrame({"channel": list(channels), "distinct_values": distinct})
    return [
        *schema,
        *run_expectations(plain, "row", _row_expectations(limits, len(labels)), limits),
        *run_expectations(of_channels, "channel", {"balance": [between("distinct_values", 2)]}, limits),
        *check_counts(plain, rows_read, limits, left_out, labels),
    ]


def _measure(rows: pd.DataFrame, values: Sequence[str]) -> dict[str, object]:
    """Returns what is checked of each sequence, by column."""
    lengths = np.stack([rows[name].map(len) for name in values])
    largest = [[np.abs(steps).max(initial=0) for steps in rows[name]] for name in values]  # NaN if a value is
    grouped = rows["group"] != ""
    splits_of_group = rows.groupby("group")["split"].transform("nunique").where(grouped, 1)
    return {
        "steps": lengths[0],
        "channels_of_other_length": (lengths != lengths[0]).sum(axis=0),
        "largest_value": np.max(largest, axis=0),
        "splits_of_group": splits_of_group,
    }


def _row_expectations(limits: Validate, labels: int) -> Expectations:
    """Returns expectations by check; a value that is missing or not finite counts as a missing one."""
    facts = [gxe.ExpectColumnValuesToNotBeNull(column=column) for column in (*sequences.SCHEMA.names, "largest_value")]
    return {
        "nulls": [*facts, between("largest_value", 0, LARGEST), between("channels_of_other_length", 0, 0)],
        "labels": [among("label", range(labels)), among("split", SPLITS)],
        "duplicates": [gxe.ExpectColumnValuesToBeUnique(column=column) for column in ("id", "sequence")]
        + [gxe.ExpectColumnValuesToBeBetween(column="rise", min_value=0, strict_min=True)],  # or steps are twice
        "leakage": [between("splits_of_group", 1, 1)],
        "lengths": [between("steps", limits.min_words, limits.max_words)],
    }
