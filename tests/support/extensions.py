"""Code of a project's own beside cells: that of the recipe, and how to have a project with it."""

from pathlib import Path

from tests.support.documents import ROOT

RECIPE = ROOT / "docs/how-to/extend.md"


def recipe(kind: str) -> str:
    """The code of the recipe for a file of ``extensions/<kind>``."""
    text = RECIPE.read_text(encoding="utf-8").partition(f"`extensions/{kind}/")[2]
    return text.partition("```python\n")[2].partition("```")[0]


def write_extension(folder: Path, kind: str, name: str, code: str = "") -> Path:
    """Writes a file of a project, that of the recipe unless there is another."""
    target = folder / "extensions" / kind / f"{name}.py"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(code or recipe(kind), encoding="utf-8")
    return target
