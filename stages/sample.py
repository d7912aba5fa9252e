"""Nothing → the embedded corpus as a CSV in the layout of the IMDB one."""

import argparse
import csv
import sys
from pathlib import Path

from rnnlab import corpus, params
from rnnlab.errors import exit_status
from rnnlab.files import replacing


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    flags = parser.parse_args()
    settings = params.read()
    with replacing(flags.out) as target, target.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["review", "sentiment"])
        writer.writerows(corpus.reviews(settings.sample, settings.seed))


if __name__ == "__main__":
    sys.exit(exit_status(main))
