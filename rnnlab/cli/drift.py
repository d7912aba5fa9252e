"""``rnnlab drift``: whether the workspace is worse than a committed result."""

import argparse
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rnnlab.cli.printing import printing
from rnnlab.project import git, layout, params
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json, write_text

if TYPE_CHECKING:
    import pandas as pd


def run(flags: argparse.Namespace) -> None:
    """Compares the workspace with a committed result, and writes and prints a summary.

    Raises:
        UserError: a model is worse, or there is nothing to compare.
    """
    from rnnlab.experiments import drift, named_results, results

    before, now = named_results.read([flags.revision, results.WORKSPACE])
    old, new = data = _data_summary(flags.revision), _data_summary(None)
    rows = _test_rows(old), _test_rows(new)
    verdicts = drift.verdicts(before, now, rows, params.read().drift)
    summary = drift.summary(before, now, verdicts, data, _curves())
    write_text(flags.out, summary)
    with printing():
        print(summary)
    if worse := drift.worsened(verdicts):
        raise UserError(
            f"worse than {flags.revision}: {', '.join(worse)}; {flags.out} says by how much, and what changed"
        )


def _data_summary(revision: str | None) -> dict[str, Any]:
    files = {"data": layout.SUMMARY, "features": layout.FEATURE_FIGURES}
    if revision is None:
        return {name: read_json(file) for name, file in files.items()}
    return {name: json.loads(git.run("show", f"{revision}:{file}")) for name, file in files.items()}


def _test_rows(data: Mapping[str, Any]) -> int:
    """Returns the number of test rows, which are windows of a series."""
    counts = data["features"]["test"]
    return int(counts.get("windows", counts.get("rows")))


def _curves() -> Mapping[str, "pd.Series[float]"]:
    import pandas as pd

    histories = pd.read_csv(layout.HISTORY_TABLE).groupby(["model", "epoch"])["val_loss"].mean()
    return {str(model): losses.droplevel("model") for model, losses in histories.groupby("model", sort=False)}
