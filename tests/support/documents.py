"""Extracts commands, parameters, links and names from Markdown documents."""

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hydra.core.override_parser.overrides_parser import OverridesParser

ROOT = Path(__file__).parents[2]
PROGRAMS = ("make", "rnnlab", "dvc", "python")  # the commands of others are not checked
SHELL = ("", "sh", "bash")  # languages of blocks that hold commands

FENCED = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```\s*?$", re.M | re.S)
INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.M)
SOURCE = re.compile(r"(?:rnnlab|stages|tests|benchmarks|reliability|experiments|docs|\.github)/[\w./-]+")
DOTTED = re.compile(r"(?:rnnlab\.)?([a-z_]+(?:\.\w+)+)")
ASSIGNMENT = re.compile(r"[A-Z_]+=")


class Command(NamedTuple):
    """A command in a document.

    Attributes:
        document: its path from the project's root.
        words: the command, without redirections and the variables set before it.
        complete: whether it is in a block; a sentence may mention a command without its arguments.
    """

    document: str
    words: tuple[str, ...]
    complete: bool

    def __str__(self) -> str:
        return f"{self.document}: {shlex.join(self.words)}"


def is_placeholder(word: str) -> bool:
    return "…" in word or word.isupper()


def shell_commands(text: str) -> Iterator[tuple[str, ...]]:
    """Yields the words of each command in shell code, split at newlines, ``&&``, ``|`` and ``;``; drops comments."""
    joined = re.sub(r"\\\n\s*", " ", text)
    lexer = shlex.shlex(re.sub(r"(^|\s)#\s.*", r"\1", joined), posix=True, punctuation_chars="();<>|&\n")
    lexer.commenters, lexer.whitespace, lexer.whitespace_split = "", " \t", True
    words: list[str] = []
    redirected = False
    for word in [*lexer, "\n"]:
        if not set(word) <= set("();<>|&\n"):
            if not redirected:
                words.append(word)
            redirected = False
        elif set(word) <= set("<>"):
            redirected = True
        else:
            kept = tuple(itertools.dropwhile(ASSIGNMENT.match, words))
            if kept:
                yield kept
            words = []


def fenced(document: Path) -> Iterator[tuple[str, str]]:
    """Yields the language and the text of each code block."""
    yield from FENCED.findall(document.read_text(encoding="utf-8"))


def inline(document: Path) -> Iterator[str]:
    """Yields the code spans of the prose, each on one line."""
    prose = FENCED.sub("", document.read_text(encoding="utf-8"))
    yield from (re.sub(r"\s+", " ", code).strip() for code in INLINE.findall(prose))


def commands(document: Path) -> Iterator[Command]:
    name = str(document.relative_to(ROOT))
    for language, block in fenced(document):
        if language in SHELL:
            yield from (Command(name, words, True) for words in shell_commands(block) if words[0] in PROGRAMS)
    for code in inline(document):
        if code.startswith("-S "):
            yield Command(name, ("dvc", "exp", "run", *shlex.split(code)), False)
        elif re.match(rf"(?:[A-Z_]+=\S+ )*(?:{'|'.join(PROGRAMS)}) ", code):
            yield from (Command(name, words, False) for words in shell_commands(code) if words[0] in PROGRAMS)


def overrides(command: Command) -> list[str]:
    marked = itertools.pairwise(command.words)
    return [change for flag, change in marked if flag in ("-S", "--set-param") and not is_placeholder(change)]


def combinations(changes: list[str]) -> Iterator[dict[str, Any]]:
    """Reads overrides with Hydra, as DVC does, and yields each point of a grid; leaves out keys added with ``+``."""
    reader = OverridesParser.create()
    axes: list[list[tuple[str, Any]]] = []
    for change in reader.parse_overrides(changes):
        if change.is_add():
            continue
        values = list(change.sweep_iterator()) if change.is_sweep_override() else [change.value()]
        axes.append([(change.key_or_group, plain(value)) for value in values])
    yield from (dict(point) for point in itertools.product(*axes))


def plain(value: Any) -> Any:
    """Converts Hydra's quoted strings to strings."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else getattr(value, "text", value)


def links(document: Path) -> list[str]:
    """Returns the links to files and headings of the project, images included."""
    prose = INLINE.sub("", FENCED.sub("", document.read_text(encoding="utf-8")))
    return [link for link in LINK.findall(prose) if not re.match(r"[a-z]+:", link)]


def anchors(document: Path) -> set[str]:
    """Returns the anchors that GitHub gives the headings; repeated ones are numbered."""
    found: set[str] = set()
    for title in HEADING.findall(FENCED.sub("", document.read_text(encoding="utf-8"))):
        shown = LINK.sub(lambda link: link[0][1 : link[0].index("]")], title)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        numbered = (f"{slug}-{number}" if number else slug for number in itertools.count())
        found.add(next(each for each in numbered if each not in found))
    return found


def named(document: Path, sections: set[str]) -> tuple[list[str], list[str]]:
    """Returns the dotted names that start with one of ``sections``, without ``rnnlab.``, and the source paths."""
    code = list(inline(document))
    names = [match[1] for match in map(DOTTED.fullmatch, code) if match and match[1].split(".")[0] in sections]
    return names, [each for each in code if SOURCE.fullmatch(each)]
