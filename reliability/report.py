"""What the campaigns found, as Markdown for people and JSON with every case."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from tabulate import tabulate


class Section(NamedTuple):
    """What one campaign found.

    Attributes:
        title: its name.
        sentence: what was done.
        header: of the table.
        rows: of the table.
        raw: every case, as JSON can hold it.
        sound: whether everything held.
    """

    title: str
    sentence: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    raw: Mapping[str, Any]
    sound: bool


def entry(section: Section, quick: bool) -> dict[str, Any]:
    """Adds to a section when and where it was run."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    return {**section._asdict(), "date": date.today().isoformat(), "machine": machine, "quick": quick}


def markdown(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Writes the report of all campaigns that were run."""
    parts = ["# Reliability", "Written by `make reliability`; what is found and mended gets a test of its own."]
    for found in entries.values():
        brief = ", in its short form" if found["quick"] else ""
        parts += [f"## {found['title']}", found["sentence"]]
        if found["rows"]:
            parts.append(tabulate(found["rows"], headers=found["header"], tablefmt="github", disable_numparse=True))
        parts.append(f"Run on {found['date']}{brief}: {found['machine']}.")
    return "\n\n".join(parts) + "\n"
