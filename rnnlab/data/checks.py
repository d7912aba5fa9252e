"""The checks that data must pass before anything is trained on them. Great Expectations takes seconds to import."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import great_expectations.expectations as gxe
import pandas as pd
import pyarrow.parquet as pq
from pyarrow import dataset

from rnnlab.data.expectations import Finding, run_expectations
from rnnlab.data.review_checks import check_reviews
from rnnlab.data.sequence_checks import check_sequences
from rnnlab.data.series_checks import check_series
from rnnlab.project import plugins
from rnnlab.project.dataframes import read_parquet
from rnnlab.project.errors import UserError
from rnnlab.project.files import reading
from rnnlab.project.params import Params
from rnnlab.project.sections.kinds import CHECKS as KIND
from rnnlab.project.tasks import TaskName

PART = 2_048  # rows whose texts are held at a time

CHECKS: dict[TaskName, Callable[[Path, Mapping[str, Any], Params], list[Finding]]] = {
    "text": lambda rows, counts, settings: check_reviews(
        _parts(rows), counts["rows_read"], settings.validate_, counts["rows_left_out"], counts["labels"]
    ),
    "series": lambda rows, counts, settings: check_series(
        read_parquet(rows), settings.validate_, settings.data.known_ahead
    ),
    "sequences": lambda rows, counts, settings: check_sequences(
        read_parquet(rows),
        counts["rows_read"],
        settings.validate_,
        counts["rows_left_out"],
        counts["labels"],
        counts["channels"],
    ),
}


def _parts(rows: Path) -> Iterator[pd.DataFrame]:
    with reading(rows):
        source = dataset.dataset(rows, format="parquet")
        yield source.schema.empty_table().to_pandas()
        for file in source.files:
            # Unlike the dataset, or with its read-ahead, this holds a part in memory, not a file.
            parts = pq.ParquetFile(file, pre_buffer=False).iter_batches(PART)
            yield from (part.to_pandas() for part in parts)


def check(settings: Params, rows: Path, counts: Mapping[str, Any]) -> list[Finding]:
    """Checks the Parquet file or folder of the ingest stage, with its counts; one finding per expectation.

    Those of ``validate.checks`` come last, and not at all where the columns are wrong. They see all rows at once, with
    their texts.

    Raises:
        UserError: one of ``validate.checks`` does not work.
    """
    findings = CHECKS[settings.task](rows, counts, settings)
    if any(finding.check == "schema" and not finding.success for finding in findings):
        return findings
    others = settings.validate_.checks
    whole = read_parquet(rows) if others else pd.DataFrame()
    return findings + [finding for name in others for finding in _other(name, whole, settings)]


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
