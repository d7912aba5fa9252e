"""The checks that data must pass before anything is trained on them. Great Expectations takes seconds to import."""

import pandas as pd

from rnnlab.data.expectations import Finding
from rnnlab.data.review_checks import check_reviews
from rnnlab.data.series_checks import check_series
from rnnlab.project.params import Params


def check(settings: Params, rows: pd.DataFrame, rows_read: int) -> list[Finding]:
    """Checks clean rows.

    Args:
        settings: task, and limits and severities of the checks.
        rows: as the ingest stage wrote them.
        rows_read: number of rows in the user's files, rejected ones included.

    Returns:
        One finding per expectation.
    """
    return CHECKS[settings.task](rows, rows_read, settings)


CHECKS = {
    "text": lambda rows, rows_read, settings: check_reviews(rows, rows_read, settings.validate_),
    "series": lambda rows, rows_read, settings: check_series(rows, settings.validate_),
}
