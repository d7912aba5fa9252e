"""Runs campaigns against copies of the last commit; writes reports/reliability.md and .json."""

import argparse
import importlib.util
import sys
from pathlib import Path

from reliability import faults, fuzz, kills, mutants, report, sweeps, verify, weekly
from rnnlab.project.errors import UserError, exit_status
from rnnlab.project.files import read_json, write_json, write_text

CAMPAIGNS = {
    "kills": kills.measure,
    "faults": faults.measure,
    "fuzz": fuzz.measure,
    "verify": verify.measure,
    "weekly": weekly.measure,
    "sweeps": sweeps.measure,
    "mutants": mutants.measure,
}


def main() -> None:
    """Runs the requested campaigns; the others stay in the report as they were."""
    parser = argparse.ArgumentParser(prog="python -m reliability", description=__doc__)
    parser.add_argument("campaigns", nargs="*", metavar="CAMPAIGN", help=f"{', '.join(CAMPAIGNS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="a few cases of each")
    parser.add_argument("--out", type=Path, default=Path("reports"), help="folder of the report")
    options = parser.parse_args()
    unknown = [name for name in options.campaigns if name not in CAMPAIGNS]
    if unknown:
        parser.error(f"no campaign {unknown[0]}; there are {', '.join(CAMPAIGNS)}")
    raw = options.out / "reliability.json"
    entries = read_json(raw) if raw.exists() else {}
    campaigns = options.campaigns or _possible()
    for name in campaigns:
        entries[name] = report.entry(CAMPAIGNS[name](options.quick), options.quick)
        # After each campaign, so that a run that is stopped keeps the results of those before.
        write_json(raw, entries)
        ordered = {name: entries[name] for name in CAMPAIGNS if name in entries}
        write_text(options.out / "reliability.md", report.markdown(ordered))
    print(report.markdown(ordered))
    unsound = [name for name in campaigns if not entries[name]["sound"]]
    if unsound:
        raise UserError(f"not everything held: {', '.join(unsound)}; see {options.out / 'reliability.md'}")


def _possible() -> list[str]:
    """Returns all campaigns but those that need Ray if it is not installed."""
    return [name for name in CAMPAIGNS if name != "sweeps" or importlib.util.find_spec("ray")]


if __name__ == "__main__":
    sys.exit(exit_status(main))
