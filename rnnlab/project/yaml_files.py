"""YAML from anyone: plain values or a reason why not, never code, and no more values than the text is long."""

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

LONGEST_FILE = 1 << 18  # bytes, thirty times params.yaml; so many take seconds to read
LONGEST_NUMBER = 100  # characters; Python does not write out numbers of more than 4,300 digits
SPARE = 100  # values beyond one a character: those that are left blank have none
HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def read(source: Path) -> Any:
    """Reads a file that a person writes; see `load`.

    Raises:
        FileNotFoundError: there is none.
        ValueError: says in a line why it is not to be read.
    """
    size = source.stat().st_size
    if size > LONGEST_FILE:
        raise ValueError(f"{size:,} bytes, more than the {LONGEST_FILE:,} that are read at most")
    return load(source.read_text(encoding="utf-8"))


def load(text: str) -> Any:
    """Reads one document.

    Raises:
        ValueError: it is not YAML; or holds a tag other than YAML's own, a number of absurd length, half of a
            surrogate pair, or aliases that stand for what holds them or for more values than the text has characters.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(text)
        if root is None:
            return None
        values = _count(root, {})
        if values > len(text) + SPARE:
            raise ValueError(f"its aliases stand for {values:,} values")
        return yaml.constructor.construct_document(root)
    except Exception as damage:  # its own, and what Python says to a date, a number, or too many brackets
        raise ValueError(" ".join(str(damage).split()) or type(damage).__name__) from None


def _count(node: Node, known: dict[int, int]) -> int:
    """Counts the values below a node, those behind an alias each time that it is named."""
    if known.get(id(node)) == 0:
        raise ValueError("an alias stands for what holds it")
    if id(node) not in known:
        known[id(node)] = 0  # until it is counted
        known[id(node)] = 1 + sum(_count(part, known) for part in _parts(node))
    return known[id(node)]


def _parts(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    if isinstance(node, SequenceNode):
        return list(node.value)
    if HALF_A_PAIR.search(node.value):
        raise ValueError("half of a surrogate pair, which is no character")
    if len(node.value) > LONGEST_NUMBER and str(node.tag).endswith((":int", ":float")):
        raise ValueError(f"a number of {len(node.value):,} characters")
    return []
