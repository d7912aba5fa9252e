"""Words for what pydantic finds wrong in a file that a person wrote."""

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str:
    """Suggests the name that was meant, or lists those there are."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f" (known: {', '.join(known)})"
