"""The checks that data must pass before anything is trained on them. Great Expectations takes seconds to import."""

from collections.abc import Callable

import pandas as pd

from rnnlab.data.expectations import Finding
from rnnlab.data.review_checks import check_reviews
from rnnlab.data.series_checks import check_series
from rnnlab.project.params import Params, Validate
from rnnlab.project.tasks import TaskName

CHECKS: dict[TaskName, Callable[[pd.DataFrame, int, Validate], list[Finding]]] = {
    "text": check_reviews,
    "series": lambda rows, rows_read, limits: check_series(rows, limits),
}


def check(settings: Params, rows: pd.DataFrame, rows_read: int) -> list[Finding]:
    """Checks rows of the ingest stage, with the number of rows in the user's files; one finding per expectation."""
    return CHECKS[settings.task](rows, rows_read, settings.validate_)
