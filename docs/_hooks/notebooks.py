"""Notebooks as pages: the outputs are made when the site is, as a committed one would grow old."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any


def cells(notebook: Path) -> list[tuple[str, str]]:
    """Returns the kind, markdown or code, and the text of each cell."""
    loaded = json.loads(notebook.read_text(encoding="utf-8"))
    return [(cell["cell_type"], "".join(cell["source"])) for cell in loaded["cells"]]


def read(notebook: Path) -> str:
    """Returns the prose of a notebook."""
    return "\n\n".join(text for kind, text in cells(notebook) if kind == "markdown")


def executed(notebook: Path) -> str:
    """Runs the cells one after the other, and returns them as Markdown with what each printed."""
    names: dict[str, Any] = {}
    parts = []
    for kind, text in cells(notebook):
        if kind == "markdown":
            parts.append(text)
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.chdir(notebook.parent):
            exec(text, names)
        parts.append(f"```python\n{text}\n```")
        if printed.getvalue():
            parts.append(f"```text\n{printed.getvalue()}```")
    return "\n\n".join(parts)
