"""Predictions of the test rows → intervals, tests and plain sentences on every pair of models."""

import argparse
import sys
from pathlib import Path

from rnnlab import comparisons, params
from rnnlab.errors import exit_status
from rnnlab.files import write_json, write_text
from rnnlab.tables import read_parquet


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--markdown", type=Path, required=True)
    flags = parser.parse_args()
    settings = params.read()
    scores = comparisons.row_scores(settings, read_parquet(flags.predictions))
    comparison = comparisons.compare(settings, scores)
    write_json(flags.json, comparison)
    write_text(flags.markdown, comparisons.markdown(comparison))


if __name__ == "__main__":
    sys.exit(exit_status(main))
