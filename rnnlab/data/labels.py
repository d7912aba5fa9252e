"""What a label of a stranger's file may be."""

import re
from collections.abc import Mapping
from itertools import islice

from rnnlab.project.sections.data import MOST_LABELS, is_label

NONE = ("nan", "na", "n/a", "null")  # how programs write that a cell is blank; "none" may be meant


def is_missing(label: str) -> bool:
    """Whether a trimmed cell says that a row has no label."""
    return not label or label.lower() in NONE


def problem(counts: Mapping[str, int], most: int, fewest_rows: int = 0) -> str | None:
    """Says what is wrong with labels, trimmed and counted over the rows that can be used; None if they will do.

    Args:
        counts: rows of each label.
        most: number of labels, from `data.max_labels`.
        fewest_rows: with which each split has one of that label.
    """
    rows = sum(counts.values())
    if not counts:
        return "holds no labels at all"
    if len(counts) == 1:
        return f"has one label only, {next(iter(counts))!r}; expected two or more"
    if len(counts) > max(most, rows // 2):
        return f"has {len(counts):,} different values in {rows:,} rows: an id or a text, and no label"
    if len(counts) > most:
        hint = ": raise data.max_labels" if most < MOST_LABELS else ""
        return f"has {len(counts):,} labels, {_some(counts)}; expected at most {most}{hint}"
    if bad := next((label for label in counts if not is_label(label)), None):
        return f"has the label {bad[:40]!r}; expected 1 to 100 visible characters on one line"
    if same := _alike(counts):
        both = " and ".join(map(repr, same))
        return f"has labels that differ only in case or blanks, {both}; make them one, or list data.labels"
    rarest = min(counts, key=counts.__getitem__)
    if counts[rarest] < fewest_rows:
        told = f"{counts[rarest]} row{'s' * (counts[rarest] > 1)} with the label {rarest!r}"
        return f"has {told}, too few for each split to have one; add rows (to {fewest_rows}), or drop the label"
    return None


def _alike(labels: Mapping[str, int]) -> tuple[str, str] | None:
    """Returns two labels that a person would take for one."""
    seen: dict[str, str] = {}
    for label in labels:
        key = re.sub(r"[\s_-]+", " ", label).strip().casefold()
        if key in seen:
            return seen[key], label
        seen[key] = label
    return None


def _some(labels: Mapping[str, int]) -> str:
    return ", ".join(map(repr, islice(labels, 3))) + ", …" * (len(labels) > 3)
