"""Predictions on the test rows → intervals, significance tests and plain sentences for every pair of models."""

from rnnlab.evaluation import comparisons
from rnnlab.project import layout, params
from rnnlab.project.dataframes import read_parquet
from rnnlab.project.errors import exit_status
from rnnlab.project.files import write_json, write_text


def main() -> None:
    """Compares every pair of models."""
    settings = params.read()
    comparison = comparisons.compare(settings, comparisons.scores_by_model(settings, read_parquet(layout.PREDICTIONS)))
    write_json(layout.COMPARISON, comparison)
    write_text(layout.COMPARISON_PAGE, comparisons.markdown(comparison))


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
