"""The checks that data must pass before anything is trained on them. Great Expectations takes seconds to import."""

from collections.abc import Callable, Mapping
from typing import Any

import great_expectations.expectations as gxe
import pandas as pd

from rnnlab.data.expectations import Finding, run_expectations
from rnnlab.data.review_checks import check_reviews
from rnnlab.data.sequence_checks import check_sequences
from rnnlab.data.series_checks import check_series
from rnnlab.project import plugins
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.sections.kinds import CHECKS as KIND
from rnnlab.project.tasks import TaskName

CHECKS: dict[TaskName, Callable[[pd.DataFrame, Mapping[str, Any], Params], list[Finding]]] = {
    "text": lambda rows, counts, settings: check_reviews(
        rows, counts["rows_read"], settings.validate_, counts["rows_left_out"], counts["labels"]
    ),
    "series": lambda rows, counts, settings: check_series(rows, settings.validate_, settings.data.known_ahead),
    "sequences": lambda rows, counts, settings: check_sequences(
        rows, counts["rows_read"], settings.validate_, counts["rows_left_out"], counts["labels"], counts["channels"]
    ),
}


def check(settings: Params, rows: pd.DataFrame, counts: Mapping[str, Any]) -> list[Finding]:
    """Checks rows of the ingest stage, with its counts of them; one finding per expectation.

    Those of ``validate.checks`` come last, and not at all where the columns are wrong.

    Raises:
        UserError: one of ``validate.checks`` does not work.
    """
    findings = CHECKS[settings.task](rows, counts, settings)
    if any(finding.check == "schema" and not finding.success for finding in findings):
        return findings
    return findings + [finding for name in settings.validate_.checks for finding in _other(name, rows, settings)]


def _other(name: str, rows: pd.DataFrame, settings: Params) -> list[Finding]:
    """Checks rows by expectations of others."""
    plugin = plugins.get(KIND, name)
    function = plugin.function()
    with plugins.blaming(plugin, f"{function.__name__}()"):
        expectations = list(function())
    if not expectations or not all(isinstance(each, gxe.Expectation) for each in expectations):
        raise UserError(f"{plugin.place}: {function.__name__}() returns no list of expectations of Great Expectations")
    with plugins.blaming(plugin, "an expectation"):
        return run_expectations(rows, "row", {name: expectations}, settings.validate_)
