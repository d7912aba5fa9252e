"""Reads YAML from anyone: plain values, never code, and not many more values than the text has characters."""

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

LONGEST_FILE = 1 << 18  # bytes, thirty times params.yaml; these take seconds to read
LONGEST_NUMBER = 100  # characters; Python cannot write numbers of more than 4,300 digits
SPARE = 100  # values in excess of characters, as values that are left blank have none
SURROGATES = re.compile("[\ud800-\udfff]")


def read(source: Path) -> Any:
    """Reads a file; see `load`.

    Raises:
        FileNotFoundError: there is none.
        ValueError: says in one line why it cannot be read.
    """
    size = source.stat().st_size
    if size > LONGEST_FILE:
        raise ValueError(f"{size:,} bytes, more than the limit of {LONGEST_FILE:,}")
    return load(source.read_text(encoding="utf-8"))


def load(text: str) -> Any:
    """Reads one document.

    Raises:
        ValueError: it is not YAML, or contains a tag other than YAML's own, an absurdly long number, half a surrogate
            pair, or aliases that contain themselves or expand to more values than the text has characters.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(text)
        if root is None:
            return None
        values = _count(root, {})
        if values > len(text) + SPARE:
            raise ValueError(f"its aliases expand to {values:,} values")
        return yaml.constructor.construct_document(root)
    except Exception as damage:  # YAML's own errors, and Python's on a date, a number, or too many brackets
        raise ValueError(" ".join(str(damage).split()) or type(damage).__name__) from None


def _count(node: Node, known: dict[int, int]) -> int:
    """Counts the values below a node; those of an alias count each time that it is used."""
    if known.get(id(node)) == 0:
        raise ValueError("an alias contains itself")
    if id(node) not in known:
        known[id(node)] = 0  # while it is being counted
        known[id(node)] = 1 + sum(_count(part, known) for part in _parts(node))
    return known[id(node)]


def _parts(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    if isinstance(node, SequenceNode):
        return list(node.value)
    if SURROGATES.search(node.value):
        raise ValueError("half a surrogate pair, which is not a character")
    if len(node.value) > LONGEST_NUMBER and str(node.tag).endswith((":int", ":float")):
        raise ValueError(f"a number of {len(node.value):,} characters")
    return []
