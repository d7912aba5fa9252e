"""The tasks by which the field knows what a recurrent cell can remember, as sequences of symbols with a label.

- ``temporal_order``: which of x and y came first and second, far apart among other symbols? Four labels (Hochreiter &
  Schmidhuber 1997, "Long short-term memory", task 6a).
- ``copy``: which symbol stood at a place of the beginning that is named at the end, after so many blanks? The copying
  memory problem of Arjovsky et al. (2016), "Unitary evolution recurrent neural networks", with fewer symbols, and asked
  for one of them instead of all.
- ``parity``: is the number of ones odd (Bengio et al. 1994, "Learning long-term dependencies with gradient descent is
  difficult")?
- ``dyck1``, ``dyck2``: are brackets of one kind, or of two, balanced (Suzgun et al. 2019, "LSTM networks can perform
  dynamic counting")? Those that are not have as many of each bracket.
- ``adding``: is the sum of two marked numbers above 1? The adding problem (Hochreiter & Schmidhuber 1997, task 4), with
  numbers and marks as in Le et al. (2015), "A simple way to initialize recurrent networks of rectified linear units",
  and asked as a choice. No sum is nearer to 1 than an output of the first paper may be to the right one.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rnnlab.project.errors import UserError
from rnnlab.project.sections.data import COPIED, NUMERIC, Classic, ClassicName

TRIES = 1000  # draws of nothing but known sequences, after which there are hardly others
OTHERS = ("a", "b", "c", "d")  # symbols that say nothing
COPIES = ("a", "b", "c", "d", "e", "f", "g", "h")
ONE = 1000  # in the unit of the numbers to be added
# By how much two of them miss 1, at least: 0.04 in the paper, where sums of -2 to 2 are scaled to 0 to 1.
MARGIN = 80
Symbols = list[str]
Draw = Callable[[str, Classic, np.random.Generator], Symbols]


class Example(NamedTuple):
    """Symbols with blanks between them, of numbers one of each channel with commas between, and the label."""

    symbols: str
    label: str


def table(params: Classic) -> tuple[list[str], Iterator[tuple[object, ...]]]:
    """Returns the columns of a CSV and its rows, drawn one by one: a sequence each, or of numbers a step each.

    Raises as `examples` does.
    """
    if params.kind not in NUMERIC:
        return ["symbols", "label"], iter(examples(params))
    steps = (
        (sequence, step, *channels.split(","), label)
        for sequence, (symbols, label) in enumerate(examples(params), 1)
        for step, channels in enumerate(symbols.split(), 1)
    )
    return ["sequence", "step", "number", "mark", "label"], steps


def examples(params: Classic) -> Iterator[Example]:
    """Yields distinct sequences, their labels in turn.

    Raises:
        UserError: there are hardly as many of this length.
    """
    generator = np.random.default_rng(params.seed)
    labels, draw = KINDS[params.kind]
    seen: set[str] = set()
    for row in range(params.rows):
        label = labels[row % len(labels)]
        drawn = (" ".join(draw(label, params, generator)) for _ in range(TRIES))
        symbols = next((symbols for symbols in drawn if symbols not in seen), None)
        if symbols is None:
            raise UserError(
                f"params.yaml: classic.rows: {params.kind} of length {params.length} has hardly more than {row:,}"
                f" different sequences, not {params.rows:,}; ask for fewer, or for a greater length"
            )
        seen.add(symbols)
        yield Example(symbols, label)


def _temporal_order(label: str, params: Classic, generator: np.random.Generator) -> Symbols:
    """Puts two symbols after 10 to 20 % and 50 to 60 % of the steps; in the paper, there are 100 to 110 of these."""
    tenth = params.length // 10
    symbols = ["start", *generator.choice(OTHERS, params.length - 2).tolist(), "end"]
    for symbol, first in zip(label, (tenth, 5 * tenth), strict=True):
        symbols[first + int(generator.integers(tenth))] = symbol
    return symbols


def _copy(label: str, params: Classic, generator: np.random.Generator) -> Symbols:
    place = int(generator.integers(COPIED))
    symbols = generator.choice(COPIES, COPIED).tolist()
    symbols[place] = label
    return [*symbols, *["blank"] * params.length, str(place + 1)]


def _parity(label: str, params: Classic, generator: np.random.Generator) -> Symbols:
    """Draws as many bits as asked for at most, and at least half as many."""
    bits = generator.integers(2, size=generator.integers(params.length // 2, params.length + 1))
    bits[0] ^= (bits.sum() % 2 == 1) != (label == "odd")
    return [str(bit) for bit in bits]


def _dyck(kinds: int) -> Draw:
    """Returns what draws brackets of so many kinds; unbalanced ones were balanced before two of them changed places.

    Of one kind, those are any two, so that it takes counting to tell; of two, both close, one of each kind, so that the
    depth is right everywhere, and it takes a stack.
    """

    def draw(label: str, params: Classic, generator: np.random.Generator) -> Symbols:
        while len(set(symbols := _balanced(params.length // 2, kinds, generator))) < 2 * kinds:
            pass
        if label == "balanced":
            return symbols
        places = [place for place, symbol in enumerate(symbols) if kinds == 1 or symbol.startswith("close")]
        while True:
            changed, (first, second) = symbols.copy(), generator.choice(places, 2, replace=False)
            changed[first], changed[second] = symbols[second], symbols[first]
            if not is_balanced(changed):
                return changed

    return draw


def _adding(label: str, params: Classic, generator: np.random.Generator) -> Symbols:
    """Draws numbers from 0 to 1, and marks one in each half."""
    half = params.length // 2
    numbers, marks = generator.integers(ONE + 1, size=params.length), np.zeros(params.length, int)
    marked = [int(generator.integers(half)), int(generator.integers(half, params.length))]
    marks[marked] = 1
    while abs(over := numbers[marked].sum() - ONE) < MARGIN or (over > 0) != (label == "above"):
        numbers[marked] = generator.integers(ONE + 1, size=2)
    return [f"{number / ONE:.3f},{mark}" for number, mark in zip(numbers, marks, strict=True)]


def _balanced(pairs: int, kinds: int, generator: np.random.Generator) -> Symbols:
    """Draws balanced brackets, all shapes of one length alike.

    Of the rotations of brackets with one that closes too many, just one is balanced up to that last one: that which
    begins after the lowest depth (Dvoretzky & Motzkin 1947, "A problem of arrangements").
    """
    steps = generator.permutation([1] * pairs + [-1] * (pairs + 1))
    symbols: Symbols = []
    opened: list[int] = []
    for step in np.roll(steps, -1 - int(np.argmin(np.cumsum(steps))))[:-1]:
        if step == 1:
            opened.append(int(generator.integers(kinds)) + 1)
        symbols.append(f"open{opened[-1]}" if step == 1 else f"close{opened.pop()}")
    return symbols


def is_balanced(symbols: Sequence[str]) -> bool:
    """Whether each bracket that closes is of the kind of that which was opened last, and all are closed."""
    opened: list[str] = []
    for symbol in symbols:
        if symbol.startswith("open"):
            opened.append(symbol.removeprefix("open"))
        elif not opened or opened.pop() != symbol.removeprefix("close"):
            return False
    return not opened


# The labels of each, and what draws a sequence of one.
KINDS: dict[ClassicName, tuple[tuple[str, ...], Draw]] = {
    "temporal_order": (("xx", "xy", "yx", "yy"), _temporal_order),
    "copy": (COPIES, _copy),
    "parity": (("even", "odd"), _parity),
    "dyck1": (("balanced", "unbalanced"), _dyck(1)),
    "dyck2": (("balanced", "unbalanced"), _dyck(2)),
    "adding": (("above", "below"), _adding),
}
