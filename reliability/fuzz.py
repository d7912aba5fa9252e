"""Hostile and odd input: the cases of `make fuzz`, as a section of the report."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from reliability.report import Section
from rnnlab.project.files import read_json


def measure(quick: bool) -> Section:
    """Tries random cases in a separate process, whose memory is limited."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "fuzz.json"
        cases = "2000" if quick else "200000"
        subprocess.run((sys.executable, "-m", "tests.fuzz", "--cases", cases, "--out", str(out)), check=False)
        return section(read_json(out))


def section(tried: dict[str, Any]) -> Section:
    """Puts what `make fuzz` counted into a table."""
    counted = ("cases", "results", "refusals", "failures", "overdue")
    rows = [
        [name, *(f"{each[key]:,}" for key in counted), f"{each['slowest_seconds']} s"]
        for name, each in tried["properties"].items()
    ]
    sentence = (
        f"**Hostile and odd input** (seed {tried['seed']}): {tried['cases']:,} cases, {tried['failures']} tracebacks or"
        f" broken promises, {tried['overdue']} that took more than ten seconds of a core;"
        f" one took {tried['peak_megabytes']:,} MB at most, beyond what was loaded before it."
    )
    sound = not tried["failures"] and not tried["overdue"]
    return Section("Hostile input", sentence, ("of", *counted, "slowest"), rows, tried, sound)
