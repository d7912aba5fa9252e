"""The measurements as Markdown for people, and as JSON with every raw second."""

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
PACKAGES = (
    *("tensorflow", "keras", "torch", "neuralforecast", "darts", "tokenizers"),
    *("scikit-learn", "numpy", "pandas", "pyarrow", "dvc", "mlflow"),
)


class Table(NamedTuple):
    """Figures, and the sentence that explains them."""

    sentence: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


class Section(NamedTuple):
    """A part of the report.

    Attributes:
        title: of the part.
        tables: what is shown.
        raw: the samples behind them, in a form that JSON can hold.
    """

    title: str
    tables: Sequence[Table]
    raw: dict[str, Any]


def comparison(rivals: dict[str, Rival], race: Race, per: float = 1.0, digits: int = 0) -> list[str]:
    """Returns a cell for each rival: the least milliseconds, and how many times those of the first rival.

    Args:
        rivals: the others are compared with the first.
        race: the measurements.
        per: number of steps, texts, … in one repetition.
        digits: decimals of the milliseconds.
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
    """Returns the ratio of seconds to those of ``base``: of the fastest repetitions, and quartiles of the rounds."""
    low, _, high = timing.ratios(samples, base)
    return f"**{timing.least(samples) / timing.least(base):.2f}×** ({low:.2f}–{high:.2f})"


def entry(section: Section, quick: bool) -> dict[str, Any]:
    """Returns a section in a form that JSON can hold, with when and where it was measured."""
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
    """Writes the page from the entries of the sections."""
    parts = [
        "# Benchmarks",
        "Written by `make bench`; every second is in `benchmarks.json`. Rivals run in separate processes and take "
        "turns in a random order, so that other load on the machine affects all of them alike. A ratio is that of the "
        "fastest repetitions, which other load disturbs least; the quartiles of the ratios of all rounds are in "
        "brackets. More than 1× means slower than ours. Machines differ, and one machine differs from hour to hour, so "
        "compare figures within a table only.",
    ]
    for section in sections.values():
        parts.append(f"## {section['title']}")
        for table in section["tables"]:
            aligned = tabulate(table["rows"], table["header"], "github", disable_numparse=True)
            parts.append(f"{table['sentence']}\n\n{aligned}")
        parts.append(f"{section['made']}.")
    return "\n\n".join(parts) + "\n"
