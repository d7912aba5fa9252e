"""Nothing → the embedded data: labelled texts in the layout of the IMDB CSV, and a numeric series."""

import argparse
import csv
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rnnlab import corpus, params, wave
from rnnlab.errors import exit_status
from rnnlab.files import replacing


def write_csv(target: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a CSV file whole or not at all."""
    with replacing(target) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reviews", type=Path, required=True)
    parser.add_argument("--series", type=Path, required=True)
    flags = parser.parse_args()
    settings = params.read()
    write_csv(flags.reviews, ["review", "sentiment"], corpus.reviews(settings.sample, settings.seed))
    write_csv(flags.series, ["value"], ([value] for value in wave.wave(settings.wave, settings.seed)))


if __name__ == "__main__":
    sys.exit(exit_status(main))
