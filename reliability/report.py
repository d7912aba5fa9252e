"""The results of the campaigns as Markdown for people, and as JSON with every case."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from tabulate import tabulate

FIXED = Path(__file__).with_name("fixed.md")


class Section(NamedTuple):
    """The result of one campaign.

    Attributes:
        title: its name.
        sentence: what was done.
        header: of the table.
        rows: of the table.
        raw: every case, in a form that JSON can hold.
        sound: whether nothing broke.
    """

    title: str
    sentence: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    raw: Mapping[str, Any]
    sound: bool


def entry(section: Section, quick: bool) -> dict[str, Any]:
    """Returns a section with when and where it was run."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    return {**section._asdict(), "date": date.today().isoformat(), "machine": machine, "quick": quick}


def markdown(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Writes the report of all campaigns."""
    parts = ["# Reliability", "Written by `make reliability`."]
    for section in entries.values():
        brief = ", in its short form" if section["quick"] else ""
        parts += [f"## {section['title']}", section["sentence"]]
        if section["rows"]:
            parts.append(tabulate(section["rows"], headers=section["header"], tablefmt="github", disable_numparse=True))
        parts.append(f"Run on {section['date']}{brief}: {section['machine']}.")
    parts += ["## Found and fixed", FIXED.read_text(encoding="utf-8").rstrip()]
    return "\n\n".join(parts) + "\n"
