import json
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from rnnlab.data import series
from rnnlab.features.clean_rows import SPLITS
from rnnlab.project.params import Params, Validate
from tests.support.builders import complete

if TYPE_CHECKING:
    from rnnlab.data.expectations import Finding

CHECKS = {"schema", "nulls", "labels", "duplicates", "leakage", "rows", "balance", "rejected"}
LEAST = 5


@pytest.fixture(scope="module")
def gate() -> ModuleType:
    """Great Expectations takes seconds to import: once is enough."""
    from rnnlab.data import series_checks

    return series_checks


@pytest.fixture
def limits(settings: Params) -> Validate:
    return settings.validate_.model_copy(update={"min_rows_per_class": LEAST})


def sound(per_split: int = LEAST + 2) -> pd.DataFrame:
    """Sound rows, numbered 1, 2, 3 …, as many in each split."""
    values = np.sin(np.arange(3 * per_split))
    parts = {split: slice(place * per_split, (place + 1) * per_split) for place, split in enumerate(SPLITS)}
    return series.to_table(complete(values), parts).to_pandas()


def failures(gate: ModuleType, table: pd.DataFrame, limits: Validate) -> "list[Finding]":
    findings: list[Finding] = gate.check_series(table, limits)
    return [finding for finding in findings if not finding.success]


def test_a_sound_series_passes_every_check(gate: ModuleType, limits: Validate) -> None:
    findings = gate.check_series(sound(), limits)
    assert {finding.check for finding in findings} == CHECKS
    assert all(finding.success and not finding.unexpected and not finding.examples for finding in findings)


def test_findings_are_json_and_the_same_each_time(gate: ModuleType, limits: Validate) -> None:
    table = sound().assign(value=1.0)
    first, second = (
        json.dumps([finding._asdict() for finding in gate.check_series(table, limits)], allow_nan=False)
        for _ in range(2)
    )
    assert first == second


def test_the_table_is_not_changed(gate: ModuleType, limits: Validate) -> None:
    table = sound()
    before = table.copy(deep=True)
    gate.check_series(table, limits)
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize("value", [None, float("nan")], ids=repr)
def test_a_gap_is_found(gate: ModuleType, limits: Validate, value: float | None) -> None:
    table = sound()
    table.loc[table["row"].isin([3, 5]), "value"] = value
    (finding,) = failures(gate, table, limits)
    assert (finding.check, finding.column, finding.severity) == ("nulls", "value", "critical")
    assert (finding.unexpected, finding.examples) == (2, ["3", "5"])


def test_a_null_split_is_found(gate: ModuleType, limits: Validate) -> None:
    table = sound()
    table.loc[table["row"] == 3, "split"] = None
    findings = {finding.check: finding for finding in failures(gate, table, limits)}
    assert (findings["nulls"].column, findings["nulls"].examples) == ("split", ["3"])


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 1e300])
def test_a_value_that_is_not_finite_is_found(gate: ModuleType, limits: Validate, value: float) -> None:
    table = sound()
    table.loc[table["row"] == 6, "value"] = value
    (finding,) = failures(gate, table, limits)
    assert (finding.check, finding.column, finding.severity) == ("labels", "value", "critical")
    assert (finding.unexpected, finding.examples) == (1, ["6"])


def test_a_split_of_another_name_is_found(gate: ModuleType, limits: Validate) -> None:
    table = sound()
    table.loc[table["row"] == 6, "split"] = "dev"
    (finding,) = failures(gate, table, limits)
    assert (finding.check, finding.column, finding.examples) == ("labels", "split", ["6"])


def test_a_constant_split_is_reported(gate: ModuleType, limits: Validate) -> None:
    table = sound()
    table.loc[table["split"] == "test", "value"] = 0.1
    (finding,) = failures(gate, table, limits)
    assert (finding.check, finding.column, finding.severity) == ("balance", "distinct_values", "warning")
    assert (finding.unexpected, finding.examples) == (1, ["test"])


def test_too_few_rows_of_a_split_are_found(gate: ModuleType, limits: Validate) -> None:
    (finding,) = failures(gate, sound().iloc[:-3], limits)
    assert (finding.check, finding.severity) == ("rows", "critical")
    assert (finding.unexpected, finding.examples) == (1, ["test"])
    assert finding.limits == {"min_value": LEAST}


def test_just_enough_rows_pass(gate: ModuleType, limits: Validate) -> None:
    assert failures(gate, sound(LEAST), limits) == []


def test_an_absent_split_is_found(gate: ModuleType, limits: Validate) -> None:
    table = sound()
    findings = failures(gate, table[table["split"] != "test"], limits)
    assert {finding.check: finding.examples for finding in findings} == {"rows": ["test"], "balance": ["test"]}


def test_a_row_that_occurs_twice_is_found(gate: ModuleType, limits: Validate) -> None:
    table = sound()
    table.loc[3, "row"] = 3
    findings = {finding.check: finding for finding in failures(gate, table, limits)}
    assert (findings["duplicates"].column, findings["duplicates"].examples) == ("row", ["3", "3"])


def test_rows_out_of_order_are_leakage(gate: ModuleType, limits: Validate) -> None:
    table = sound()
    table.loc[[1, 3], "row"] = [4, 2]
    findings = {finding.check: finding for finding in failures(gate, table, limits)}
    assert set(findings) == {"leakage", "rejected"}
    assert (findings["leakage"].column, findings["leakage"].severity) == ("steps_since_last", "critical")
    assert findings["leakage"].examples == ["3", "2"]


def test_a_row_left_out_is_found(gate: ModuleType, limits: Validate) -> None:
    table = sound()
    (finding,) = failures(gate, table[table["row"] != 4], limits)
    assert (finding.check, finding.column, finding.severity) == ("rejected", "steps_since_last", "critical")
    assert (finding.unexpected, finding.examples) == (1, ["5"])


def test_a_training_row_after_the_test_split_began_is_leakage(gate: ModuleType, limits: Validate) -> None:
    table = sound()
    table.loc[table["row"].isin([17, 19]), "split"] = "train"
    (finding,) = failures(gate, table, limits)
    assert (finding.check, finding.column, finding.severity) == ("leakage", "splits_behind", "critical")
    assert (finding.unexpected, finding.examples) == (2, ["17", "19"])


def test_splits_drawn_at_random_are_leakage(gate: ModuleType, limits: Validate) -> None:
    table = sound(20)
    table["split"] = np.random.default_rng(1).permutation(table["split"])
    (finding,) = failures(gate, table, limits)
    assert finding.check == "leakage"
    assert finding.unexpected > 20


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.drop(columns="value"),
        lambda table: table.drop(columns="row"),
        lambda table: table.assign(extra=1),
        lambda table: table.rename(columns={"split": "part"}),
        lambda table: table.assign(value=table["value"].astype("float32")),
        lambda table: table.assign(value=table["value"].astype(str)),
        lambda table: table.assign(row=table["row"].astype("float64")),
    ],
    ids=["no value", "no row", "one more", "renamed", "float32", "text", "float rows"],
)
def test_other_columns_fail_the_schema_and_nothing_else_is_looked_at(
    gate: ModuleType, limits: Validate, change: Any
) -> None:
    findings = gate.check_series(change(sound()), limits)
    assert {finding.check for finding in findings} == {"schema"}
    assert not all(finding.success for finding in findings)


def test_severities_are_those_of_the_parameters(gate: ModuleType, limits: Validate) -> None:
    turned = {check if check != "schema" else "schema_": "warning" for check in CHECKS} | {"balance": "critical"}
    severities = limits.severity.model_copy(update=turned)
    findings = gate.check_series(sound(), limits.model_copy(update={"severity": severities}))
    shown = {finding.check: finding.severity for finding in findings}
    assert shown == {check: "critical" if check == "balance" else "warning" for check in CHECKS}


def test_no_rows_at_all_fail_without_a_crash(gate: ModuleType, limits: Validate) -> None:
    findings = {finding.check: finding for finding in failures(gate, sound().iloc[:0], limits)}
    assert findings["rows"].examples == list(SPLITS)
