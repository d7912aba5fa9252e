"""What the local page of `rnnlab demo` needs to know of a task."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple


class DemoPage(NamedTuple):
    """A page on which networks answer what is typed.

    Attributes:
        models: their names.
        verb: what they do.
        templates: of the page, and of the answer alone.
        answer: from what was typed to the values that both templates need.
        examples: the first is what the page shows before anything is typed; the others warm the networks up.
        longest: characters of what is typed; more are left out.
    """

    models: Sequence[str]
    verb: str
    templates: tuple[str, str]
    answer: Callable[[str], Mapping[str, Any]]
    examples: Sequence[str]
    longest: int
