import json
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from rnnlab.data import series
from rnnlab.features.clean_rows import SPLITS
from rnnlab.project.params import Params
from rnnlab.project.sections.data import Validate
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


def beside(shift: int, noise: float = 0.0, smooth: bool = False) -> pd.DataFrame:
    """A series of 300 rows, and a column that has the value so many rows later."""
    draw = np.random.default_rng(1)
    values = draw.normal(size=350).cumsum() if smooth else draw.normal(size=350)
    parts = series.split_series(300, 0.2, 0.2)
    moved = values[20 + shift : 320 + shift] * 3 + draw.normal(0, noise, 300)
    read = complete(values[20:320])._replace(covariates={"x": pa.array(moved), "words": pa.array(["a", "b"] * 150)})
    return series.to_table(read, parts).to_pandas()


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("shift", [1, 24])
def test_a_covariate_that_is_a_later_value_is_reported(
    gate: ModuleType, limits: Validate, shift: int, smooth: bool
) -> None:
    table = beside(shift, smooth=smooth)
    table.loc[100:103, ["value", "filled"]] = (0.0, True)  # what was filled in is no value
    (finding,) = failures(gate, table, limits)
    assert (finding.check, finding.severity, finding.column) == ("covariates", "warning", "gives_value_away")
    assert finding.examples == [f"x (the value {shift} rows later)"]


@pytest.mark.parametrize(("shift", "noise"), [(0, 0.0), (-1, 0.0), (1, 1.0)], ids=["same row", "row before", "noise"])
@pytest.mark.parametrize("smooth", [False, True])
def test_a_covariate_that_tells_nothing_early_is_not(
    gate: ModuleType, limits: Validate, shift: int, noise: float, smooth: bool
) -> None:
    found = gate.check_series(beside(shift, noise, smooth), limits)
    assert all(finding.success for finding in found)
    assert [finding.check for finding in found].count("covariates") == 1


@pytest.mark.parametrize("column", [np.sin(np.arange(300) / 7), np.arange(300.0)], ids=["its copy", "a counter"])
def test_a_smooth_series_is_no_reason_for_a_warning(gate: ModuleType, column: np.ndarray[Any, Any]) -> None:
    values = np.sin(np.arange(300) / 7) + np.arange(300) * (column[-1] > 2)
    assert gate.lead(column, values, np.ones(300, bool), 1) is None


def test_a_column_that_is_known_ahead_must_not_be_the_value_itself(gate: ModuleType, limits: Validate) -> None:
    (finding,) = (one for one in gate.check_series(beside(0), limits, ("x",)) if not one.success)
    assert finding.examples == ["x (the value 0 rows later)"]


def test_no_rows_at_all_fail_without_a_crash(gate: ModuleType, limits: Validate) -> None:
    findings = {finding.check: finding for finding in failures(gate, sound().iloc[:0], limits)}
    assert findings["rows"].examples == list(SPLITS)


def test_two_different_values_of_a_split_are_enough(gate: ModuleType, limits: Validate) -> None:
    table = sound()
    table.loc[table["split"] == "test", "value"] = [0, 1, 0, 1, 0, 1, 1]
    assert failures(gate, table, limits) == []


@pytest.mark.parametrize(("later", "found"), [(10, 10), (11, None)])
def test_a_value_is_looked_for_up_to_a_third_of_the_rows_later(gate: ModuleType, later: int, found: int | None) -> None:
    values = np.random.default_rng(1).normal(size=30)
    assert gate.lead(np.roll(values, -later), values, np.ones(30, bool), 1) == found


@pytest.mark.parametrize(("known", "found"), [(3, 1), (2, None)])
def test_three_values_that_are_its_own_are_enough_to_tell(gate: ModuleType, known: int, found: int | None) -> None:
    values = np.random.default_rng(1).normal(size=30)
    assert gate.lead(np.roll(values, -1), values, np.arange(30) >= 30 - known, 1) == found
