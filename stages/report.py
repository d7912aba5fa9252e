"""All results → the page that answers the question: one file that needs no network."""

import argparse
import sys
from pathlib import Path

from rnnlab import params, result_page
from rnnlab.errors import exit_status
from rnnlab.files import write_text
from rnnlab.runs import drop_leftovers

TIMINGS = Path("reports/timings")  # differ every time, so dvc.yaml does not name them
SWEEPS = Path("reports/experiments")  # of `rnnlab experiments report`


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in result_page.Files._fields:
        if name not in ("timings", "sweeps"):
            parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    flags = vars(parser.parse_args())
    target = flags.pop("out")
    settings = params.read()
    page = result_page.write(settings, result_page.Files(**flags, timings=TIMINGS, sweeps=SWEEPS))
    drop_leftovers(flags["models"], [f"{run.name}.keras" for run in settings.runs])
    drop_leftovers(flags["history"], [f"{run.name}.csv" for run in settings.runs])
    write_text(target, page)


if __name__ == "__main__":
    sys.exit(exit_status(main))
