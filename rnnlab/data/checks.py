"""The checks that data must pass before anything is trained on them. Great Expectations takes seconds to import."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from rnnlab.data.expectations import Finding
from rnnlab.data.review_checks import check_reviews
from rnnlab.data.sequence_checks import check_sequences
from rnnlab.data.series_checks import check_series
from rnnlab.project.params import Params
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
    """Checks rows of the ingest stage, with its counts of them; one finding per expectation."""
    return CHECKS[settings.task](rows, counts, settings)
