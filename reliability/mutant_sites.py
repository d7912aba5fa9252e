"""Small faults that can be planted in the code, by the operators of Cosmic Ray, and a fair sample of them."""

import difflib
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import parso
from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Example, Operator

PACKAGES = ("rnnlab", "stages")
# Of Cosmic Ray's operators those whose mutants run: `list << 1` and a path times another would fail in any test.
OPERATORS = re.compile(
    r"core/(ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|FloorDiv_Mul|Mod_FloorDiv|BitOr_BitAnd|BitAnd_BitOr)"
    r"|ReplaceComparisonOperator_((Eq|NotEq|LtE?|GtE?)_(Eq|NotEq|LtE?|GtE?)|Is_IsNot|IsNot_Is)"
    r"|ReplaceUnaryOperator_Delete_\w+|AddNot|Replace(True|False|And|Or|Break|Continue)With\w+"
    r"|ExceptionReplacer|NumberReplacer|RemoveDecorator|ZeroIterationForLoop)"
)
# Progress bars; how large or thick something is drawn; what only type checkers or a direct start see; and zip's guard,
# which nothing can reach.
SKIPPED = re.compile(
    r"\btqdm\(|\b(figsize|dpi|ms|s|linewidths?|capsize|alpha)=|linewidth|font|TYPE_CHECKING|__name__ == |strict=True"
)


class Mutant(NamedTuple):
    """One fault.

    Attributes:
        path: of the module, from the project's root.
        line: that differs, from 1.
        body: lines of the function that it is in, empty for what runs on import.
        change: the line before and after.
        source: of the whole module with the fault.
    """

    path: str
    line: int
    body: range
    change: str
    source: str

    @property
    def name(self) -> str:
        """What it is known by from one commit to the next."""
        return f"{self.path}: {self.change}"

    @property
    def room(self) -> str:
        """The package of the module, see `docs/architecture.md`."""
        return _room(Path(self.path))


class Site(NamedTuple):
    """A place in a module, and what can be done there: operators, each with the number of its occurrence.

    Its ``name`` is that of the module and the line's text: it stays the same when other lines change.
    """

    path: Path
    name: str
    line: int
    body: range
    operations: list[tuple[Operator, int]]


class DropStatement(Operator):
    """Leaves out a call whose value nobody reads, a `raise`, or an assignment such as `+=`; Cosmic Ray has no such."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Yields the statement's position."""
        if node.parent is None or node.parent.type != "simple_stmt":
            return
        calls = node.type in ("atom_expr", "power") and node.children[-1].get_code().startswith("(")
        adds = node.type == "expr_stmt" and re.fullmatch(r"\W+=", node.children[1].get_code().strip())
        if calls or adds or node.type == "raise_stmt":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Returns `pass` in its place."""
        return parso.python.tree.Keyword("pass", node.start_pos, prefix=node.get_first_leaf().prefix)

    @classmethod
    def examples(cls) -> Sequence[Example]:
        """Returns one, as Cosmic Ray asks of its operators."""
        return (Example("x += 1", "pass"),)


def sample(root: Path, cases: int, seed: int) -> list[Mutant]:
    """Draws mutants from every room by its size, at least a sixteenth of ``cases`` each, one per place in the code.

    Whether a place is drawn is up to a hash of its name: a change elsewhere leaves nearly all mutants as they were.
    """
    rooms: dict[str, list[Site]] = defaultdict(list)
    for path in sorted(file for package in PACKAGES for file in (root / package).rglob("*.py")):
        if path.name != "__init__.py":
            rooms[_room(path.relative_to(root))] += sites(path)
    total = sum(map(len, rooms.values()))
    drawn = []
    for places in rooms.values():
        count = min(len(places), max(cases // 16, round(cases * len(places) / total)))
        chosen = sorted(places, key=lambda site: random.Random(f"{seed} {site.name}").random())[:count]
        made = (_mutant(root, site, *random.Random(site.name).choice(site.operations)) for site in chosen)
        drawn += [mutant for mutant in made if mutant]
    return drawn


def sites(path: Path) -> list[Site]:
    """Lists the places of a module; docstrings and texts have none, annotations are left out."""
    code = path.read_text(encoding="utf-8")
    lines, operations, bodies = code.splitlines(), defaultdict(list), {}
    nodes = [node for node in ast_nodes(get_ast(code)) if not _annotates(node)]
    operators = [plugins.get_operator(name)() for name in plugins.operator_names() if OPERATORS.fullmatch(name)]
    for operator in (*operators, DropStatement()):
        positions = ((node, start) for node in nodes for start, _ in operator.mutation_positions(node))
        for occurrence, (node, start) in enumerate(positions):
            if not SKIPPED.search(lines[start[0] - 1]):
                bodies[start] = _body(node)
                operations[start].append((operator, occurrence))
    names = {start: f"{path.name}: {lines[start[0] - 1].strip()} {start[1]}" for start in operations}
    return [Site(path, names[start], start[0], bodies[start], operations[start]) for start in sorted(operations)]


def _body(node: Any) -> range:
    while node.parent:
        if node.parent.type == "funcdef" and node is node.parent.children[-1]:
            return range(node.start_pos[0], node.end_pos[0] + 1)
        node = node.parent
    return range(0)


def _room(path: Path) -> str:
    """Returns the room of a module, given its path from the project's root."""
    return path.parts[1] if path.parts[0] == "rnnlab" else path.parts[0]


def _annotates(node: Any) -> bool:
    """Tells whether a node belongs to an annotation, or is the star of a signature."""
    if node.parent and node.parent.type == "parameters" and node.type == "operator":
        return True
    while node.parent:
        parent = node.parent
        if parent.type == "tfpdef" or (parent.type == "annassign" and node is parent.children[1]):
            return True
        if parent.type == "funcdef" and node is parent.annotation:
            return True
        node = parent
    return False


def _mutant(root: Path, site: Site, operator: Operator, occurrence: int) -> Mutant | None:
    code = site.path.read_text(encoding="utf-8")
    try:
        source = mutate_code(code, operator, occurrence)
    except AttributeError:  # Cosmic Ray replaces no exception of a module in a tuple, such as csv.Error
        return None
    before, after = code.splitlines(), source.splitlines()
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    _, start, stop, new_start, new_stop = next(block for block in blocks if block[0] != "equal")
    old, new = (" ".join(" ".join(part).split()) for part in (before[start:stop], after[new_start:new_stop]))
    return Mutant(str(site.path.relative_to(root)), site.line, site.body, f"{old} → {new}", source)
