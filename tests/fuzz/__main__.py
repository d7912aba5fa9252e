"""`make fuzz`: many random cases of hostile and odd input; prints its seed, and a summary as JSON."""

import argparse
import faulthandler
import json
import random
import sys
import time
from pathlib import Path

from tests.fuzz import campaign, strategies
from tests.fuzz.properties import PROPERTIES


def main() -> int:
    """Runs the properties asked for, each for its share of the cases; returns 1 if one failed."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--only", choices=PROPERTIES, action="append", help="spend all cases on this property")
    parser.add_argument("--out", type=Path, help="a file for the summary")
    flags = parser.parse_args()
    print(f"seed {flags.seed}", file=sys.stderr)
    faulthandler.enable()
    strategies.saved_networks()  # imports TensorFlow, before memory is limited
    campaign.limit_memory()
    started = time.perf_counter()
    names = flags.only or list(PROPERTIES)
    shares = sum(PROPERTIES[name].share for name in names)
    found = {}
    for name in names:
        faulthandler.dump_traceback_later(3600, exit=True)  # for C code that never returns to Python
        cases = -(-flags.cases * PROPERTIES[name].share // shares)
        begun = time.perf_counter()
        found[name] = campaign.run(PROPERTIES[name], cases, flags.seed)
        shown = {key: value for key, value in found[name].items() if key != "what_failed"}
        print(f"{name}: {shown}, {time.perf_counter() - begun:.0f} s", file=sys.stderr)
        print("\n".join(found[name]["what_failed"]), end="", file=sys.stderr)
    totals = {
        key: sum(each[key] for each in found.values())
        for key in ("cases", "results", "refusals", "failures", "overdue")
    }
    summary = {
        "seed": flags.seed,
        **totals,
        "seconds": round(time.perf_counter() - started),
        "peak_megabytes": max(each["most_megabytes"] for each in found.values()),
        "properties": found,
    }
    written = json.dumps(summary, indent=2) + "\n"
    if flags.out:
        flags.out.write_text(written, encoding="utf-8")
    print(written, end="")
    return int(bool(totals["failures"] or totals["overdue"]))


if __name__ == "__main__":
    sys.exit(main())
