"""Code of others that the pipeline uses by name: a file of the project, or an entry point of an installed package.

It is trusted like the project's own stages; what may name it are parameters, never code inside of data.
"""

import hashlib
import importlib.util
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, NamedTuple

from rnnlab.project.errors import UserError, first_line

NAME = r"^[a-z][a-z0-9_]{0,99}$"


class Plugin(NamedTuple):
    """Code of a kind, by its name; it is in a file or in a package."""

    kind: str  # the folder of such files in a project, see `group`
    name: str
    file: Path | None
    point: EntryPoint | None = None

    @property
    def place(self) -> str:
        """Where the code is, for people to read."""
        return str(self.file) if self.file else f"{self.requirement}: {self.point.value if self.point else ''}"

    @property
    def requirement(self) -> str:
        """The package that has it, with its version; "" of a file."""
        package = self.point.dist if self.point else None
        return f"{package.name}=={package.version}" if package else ""

    @property
    def version(self) -> str:
        """What changes whenever the code may do so: 16 digits of a file's hash, or a package with its version."""
        return hashlib.sha256(self.file.read_bytes()).hexdigest()[:16] if self.file else self.requirement

    def load(self, fits: Callable[[Any], bool], wanted: str) -> Any:
        """Runs the code and returns the one thing in it that fits; ``wanted`` says what that is.

        Raises:
            UserError: it cannot be imported, or has none or several of what is wanted.
        """
        with blaming(self, "importing it"):
            found = [self.point.load()] if self.point else _defined(self)
        fitting = [each for each in found if fits(each)]
        if len(fitting) != 1:
            raise UserError(f"{self.place}: defines {len(fitting) or 'no'} {wanted}; expected one")
        return fitting[0]

    def function(self) -> Callable[..., Any]:
        """Runs the code and returns the function or class in it whose name begins with no underscore; see `load`."""
        found: Callable[..., Any] = self.load(
            lambda each: callable(each) and not each.__name__.startswith("_"), "functions without an underscore"
        )
        return found


def _defined(plugin: Plugin) -> list[Any]:
    """Returns what a file defines itself, without what it imports."""
    spec = importlib.util.spec_from_file_location(f"{group(plugin.kind)}.{plugin.name}", plugin.file or "")
    if not spec or not spec.loader:
        raise ImportError("it is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [each for each in vars(module).values() if getattr(each, "__module__", None) == module.__name__]


@contextmanager
def blaming(plugin: Plugin, action: str) -> Iterator[None]:
    """Turns whatever the code raises into one sentence that names it."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except SystemExit:
        raise UserError(f"{plugin.place}: {action} ends the process") from None
    except Exception as failure:
        raise UserError(f"{plugin.place}: {action} raises {type(failure).__name__} ({first_line(failure)})") from None


def find(kind: str, name: str, folder: Path = Path()) -> Plugin | None:
    """Returns the code of a name, None if there is none: first of the files in a project's folder, then of packages."""
    if not re.fullmatch(NAME, name):
        return None
    file = folder / kind / f"{name}.py"
    if file.is_file():
        return Plugin(kind, name, file)
    points = entry_points(group=group(kind), name=name)
    return next((Plugin(kind, name, None, point) for point in points), None)


def get(kind: str, name: str) -> Plugin:
    """Returns what `find` does in this project.

    Raises:
        UserError: there is none.
    """
    if plugin := find(kind, name):
        return plugin
    noun = Path(kind).name.removesuffix("s")
    raise UserError(f"there is no {noun} {name!r}: no file {kind}/{name}.py, and no entry point of {group(kind)}")


def group(kind: str) -> str:
    """Returns the group of the entry points that stand for files of a folder."""
    return f"rnnlab.{Path(kind).name}"


def check(
    kind: str, key: str, name: str, own: tuple[str, ...], folder: Path = Path(), taken: tuple[str, ...] = ()
) -> None:
    """Checks that a parameter names one of our own, or code that exists and does not bear the name of one.

    Code must not bear a name that is taken otherwise, either.

    Raises:
        UserError: it does not; the sentence begins with ``key``.
    """
    for each in (*own, *taken):
        if (file := folder / kind / f"{each}.py").exists():
            raise UserError(f"{file}: {each} is the name of one that rnnlab has; give the file another")
    if name not in own and not find(kind, name, folder):
        known = ", ".join([*own, f"a file {kind}/NAME.py"])
        raise UserError(f"{key}: must be {known} or an entry point NAME of {group(kind)}, not {name!r}")
