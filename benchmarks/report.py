"""What was measured, as Markdown for people and JSON with every raw second."""

import os
import platform
import re
from collections.abc import Sequence
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from tabulate import tabulate

from benchmarks import timing
from benchmarks.timing import Race, Rival, Sample

NOT_INSTALLED = "not installed"
PACKAGES = ("tensorflow", "keras", "torch", "tokenizers", "scikit-learn", "numpy", "pandas", "pyarrow", "dvc", "mlflow")


class Table(NamedTuple):
    """Figures and the sentence that says what they are."""

    sentence: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


class Section(NamedTuple):
    """A part of the report.

    Attributes:
        title: of the part.
        tables: what is shown.
        raw: the samples behind it, as JSON can hold them.
    """

    title: str
    tables: Sequence[Table]
    raw: dict[str, Any]


def comparison(rivals: dict[str, Rival], race: Race, per: float = 1.0, digits: int = 0) -> list[str]:
    """Gives a cell for each rival: the least milliseconds, and how many times those of the first.

    Args:
        rivals: the first is what the others are compared with.
        race: what was measured.
        per: how many steps, texts, … one repetition did.
        digits: of the milliseconds.
    """
    base = next(iter(rivals))
    cells = []
    for name in rivals:
        samples = race.samples.get(name)
        cells.append(_cell(samples, race.samples[base], name == base, per, digits) if samples else NOT_INSTALLED)
    return cells


def _cell(samples: Sequence[Sample], base: Sequence[Sample], alone: bool, per: float, digits: int) -> str:
    milliseconds = f"{timing.least(samples) / per * 1000:,.{digits}f} ms"
    return milliseconds if alone else f"{milliseconds}, {times(samples, base)}"


def times(samples: Sequence[Sample], base: Sequence[Sample]) -> str:
    """Says how many times more seconds than ``base``: of the fastest repetitions, and in quartiles of the rounds."""
    low, _, high = timing.ratios(samples, base)
    return f"**{timing.least(samples) / timing.least(base):.2f}×** ({low:.2f}–{high:.2f})"


def entry(section: Section, quick: bool) -> dict[str, Any]:
    """Gives a section as JSON can hold it, with when and where it was measured."""
    return {
        "title": section.title,
        "made": f"{date.today().isoformat()}{', `--quick`' if quick else ''}, {machine()}",
        "tables": [table._asdict() for table in section.tables],
        "raw": section.raw,
    }


def machine() -> str:
    """Describes the machine and the packages."""
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{package} {NOT_INSTALLED}")
    processor = model[1] if model else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}, {', '.join(versions)}"


def markdown(sections: dict[str, dict[str, Any]]) -> str:
    """Writes the page from what `entry` gave of each section."""
    parts = [
        "# Benchmarks",
        "Made by `make bench`; every second is in `benchmarks.json`. Rivals run in processes of their own and take "
        "turns in a random order, so that all see the same weather. A ratio is that of the fastest repetitions of "
        "either, which the load of other programs disturbs least; in brackets are the quartiles of the ratios round by "
        "round. More than 1× means slower than ours. Machines differ, and one machine differs from hour to hour: "
        "compare figures of one table only.",
    ]
    for section in sections.values():
        parts.append(f"## {section['title']}")
        for table in section["tables"]:
            aligned = tabulate(table["rows"], table["header"], "github", disable_numparse=True)
            parts.append(f"{table['sentence']}\n\n{aligned}")
        parts.append(f"{section['made']}.")
    return "\n\n".join(parts) + "\n"
