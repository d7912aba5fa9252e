"""The versions of packages that a project made by `rnnlab new` runs on: its stages depend on this file."""

import importlib.metadata
import re
from pathlib import Path

from packaging.requirements import Requirement

from rnnlab.project.errors import UserError

NAME = "rnn-vs-lstm"
FILE = "requirements.txt"


def installed() -> str:
    """Returns the installed version of this package and of all that it needs, as a requirements file."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    wanted = [Requirement(NAME)]
    while wanted:
        need = wanted.pop()
        name = re.sub(r"[-_.]+", "-", need.name).lower()
        for extra in {"", *need.extras}:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            package = importlib.metadata.distribution(name)
            found[name] = package.version
            needs = map(Requirement, package.requires or [])
            wanted += [need for need in needs if not need.marker or need.marker.evaluate({"extra": extra})]
    return "".join(f"{name}=={version}\n" for name, version in sorted(found.items()))


def version() -> str:
    """Returns the version of the installed package."""
    return importlib.metadata.version(NAME)


def check(folder: Path = Path()) -> None:
    """Checks that a project's pinned version is the installed one; other folders pass.

    Raises:
        UserError: it is another one.
    """
    pinned = folder / FILE
    wanted = re.search(rf"^{NAME}==(\S+)$", pinned.read_text(encoding="utf-8"), re.M) if pinned.is_file() else None
    if wanted and wanted[1] != version():
        raise UserError(
            f"{FILE}: this project uses {NAME} {wanted[1]}, and {version()} is installed; `rnnlab upgrade` takes the"
            f" installed one, pip install -r {FILE} the other"
        )
