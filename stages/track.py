"""Results of the last run → MLflow, once; `--backfill` adds DVC experiments that were not logged yet."""

import argparse
import sys

from rnnlab.experiments import records
from rnnlab.project.errors import UserError, exit_status, first_line
from rnnlab.tracking import store


def main() -> None:
    """Logs as ``MLFLOW_SYNC`` says; only ``strict`` fails if MLflow cannot be reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backfill", action="store_true", help="add DVC experiments that were not logged yet")
    flags = parser.parse_args()
    mode = store.sync_mode()
    if flags.backfill:
        records.backfill()
        return
    if mode == "off":
        print("MLFLOW_SYNC=off: nothing logged")
        return
    try:
        print(records.log_workspace())
    except (UserError, KeyboardInterrupt):
        raise
    except Exception as failure:  # MLflow, its database and its server may raise anything
        problem = f"{store.tracking_uri()}: MLflow cannot log this run ({first_line(failure)})"
        message = f"{problem}; {store.remedy(store.tracking_uri(), failure)}"
        if mode == "strict":
            raise UserError(message) from failure
        print(f"warning: {message}, then run `python -m stages.track`", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
