"""Checks of others are findings like ours; one that does not work is a sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from tests.support.extensions import recipe, write_extension
from tests.support.results import changed
from tests.unit.data.test_review_checks import reviews

OURS = "import great_expectations.expectations as gxe\n\ndef mine():\n    return [gxe.{}]\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def findings(settings: Params, name: str, rows: pd.DataFrame, **changes: Any) -> list[Any]:
    from rnnlab.data import checks  # imports Great Expectations, which takes seconds

    limits = {"validate__min_rows_per_class": 5, "validate__checks": [name]}
    counts = {"rows_read": len(rows), "rows_left_out": 0, "labels": ["no", "yes"]}
    rows.to_parquet("rows.parquet")
    return checks.check(changed(settings, **limits, **changes), Path("rows.parquet"), counts)


def test_the_recipe_names_the_rows_that_violate_it(settings: Params, project: Path) -> None:
    write_extension(project, "checks", "no_links")
    rows = reviews()
    assert all(found.success for found in findings(settings, "no_links", rows))
    rows.loc[[3, 7], "text"] += " https://buy.it"
    *ours, found = findings(settings, "no_links", rows)
    assert all(each.success for each in ours) and {each.check for each in ours} >= {"schema", "rows", "rejected"}
    assert (found.check, found.severity, found.success, found.examples) == ("no_links", "critical", False, ["4", "8"])
    [*_, found] = findings(settings, "no_links", rows, validate__severity__checks="warning")
    assert found.severity == "warning"
    assert len(recipe("checks").splitlines()) < 30


def test_wrong_columns_are_told_first(settings: Params, project: Path) -> None:
    write_extension(project, "checks", "no_links")
    found = findings(settings, "no_links", reviews().drop(columns="text"))
    assert {each.check for each in found} == {"schema"}


def test_sequences_are_checked_too(settings: Params, project: Path) -> None:
    from rnnlab.data.expectations import run_expectations

    code = OURS.format("ExpectColumnValuesToNotMatchRegex(column='sequence', regex='test')")
    write_extension(project, "checks", "mine", code)
    import great_expectations.expectations as gxe

    rows = pd.DataFrame({"row": [1, 2], "sequence": ["a", "test"], "channel_x": [np.ones(3), np.ones(2)]})
    expected = {"mine": [gxe.ExpectColumnValuesToNotMatchRegex(column="sequence", regex="test")]}
    [found] = run_expectations(rows, "row", expected, changed(settings, validate__checks=["mine"]).validate_)
    assert (found.success, found.examples) == (False, ["2"])


MISTAKES = {
    "an error": ("def bad():\n    1 / 0", r"bad\(\) raises ZeroDivisionError \(division by zero\)"),
    "no list": ("def bad():\n    return None", r"bad\(\) raises TypeError"),
    "no expectations": ("def bad():\n    return ['text']", r"bad\(\) returns no list of expectations of Great Exp"),
    "none": ("def bad():\n    return []", r"bad\(\) returns no list of expectations of Great Exp"),
    "a column that is not there": (
        OURS.format("ExpectColumnValuesToNotBeNull(column='nope')"),
        r"an expectation raises ValueError \(.*nope",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_that_does_not_work_is_a_sentence(settings: Params, project: Path, mistake: str) -> None:
    code, sentence = MISTAKES[mistake]
    write_extension(project, "checks", "bad", code)
    with pytest.raises(UserError, match=rf"^extensions/checks/bad\.py: {sentence}"):
        findings(settings, "bad", reviews())


def test_a_name_is_refused_with_its_key(settings: Params, project: Path) -> None:
    known = r"validate\.checks: must be a file extensions/checks/NAME\.py or an entry point NAME of rnnlab\.checks, not"
    with pytest.raises(UserError, match=known):
        changed(settings, validate__checks=["labels"])
    write_extension(project, "checks", "labels")
    with pytest.raises(UserError, match=r"extensions/checks/labels\.py: labels is the name of one that rnnlab has"):
        changed(settings, validate__checks=["labels"])
