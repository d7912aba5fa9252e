"""The checks that data must pass before anything is trained on them. Great Expectations takes seconds to import."""

import pandas as pd

from rnnlab.data.expectations import Finding
from rnnlab.data.review_checks import check_reviews
from rnnlab.data.series_checks import check_series
from rnnlab.project.params import Params


def check(settings: Params, rows: pd.DataFrame, rows_read: int) -> list[Finding]:
    """Checks rows of the ingest stage, with the number of rows in the user's files; one finding per expectation."""
    if settings.task == "text":
        return check_reviews(rows, rows_read, settings.validate_)
    return check_series(rows, settings.validate_)
