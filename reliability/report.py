"""What the campaigns found, as Markdown for people and JSON with every case."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from tabulate import tabulate

MENDED = Path(__file__).with_name("mended.md")


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
    parts = ["# Reliability", "Written by `make reliability`."]
    for found in entries.values():
        brief = ", in its short form" if found["quick"] else ""
        parts += [f"## {found['title']}", found["sentence"]]
        if found["rows"]:
            parts.append(tabulate(found["rows"], headers=found["header"], tablefmt="github", disable_numparse=True))
        parts.append(f"Run on {found['date']}{brief}: {found['machine']}.")
    parts += ["## Found and mended", MENDED.read_text(encoding="utf-8").rstrip()]
    return "\n\n".join(parts) + "\n"
