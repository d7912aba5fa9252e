"""A cell from outside: that of the recipe, and how to have a project with one."""

from pathlib import Path

from tests.support.documents import ROOT, fenced

RECIPE = ROOT / "docs/how-to/add-a-cell.md"


def minimal_gated_unit() -> str:
    """The code of the cell in the recipe."""
    return next(block for language, block in fenced(RECIPE) if language == "python")


def write_cell(folder: Path, name: str = "mgu", code: str = "") -> Path:
    """Writes a cell of a project, that of the recipe unless there is another."""
    target = folder / "cells" / f"{name}.py"
    target.parent.mkdir(exist_ok=True)
    target.write_text(code or minimal_gated_unit(), encoding="utf-8")
    return target
