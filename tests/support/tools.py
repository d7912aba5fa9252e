"""What tests need besides the locked packages.

A test says so with ``@pytest.mark.needs("chromium")``. Where that is not installed the test is skipped, or fails if
``RNNLAB_REQUIRE_TOOLS`` is set, as it is in CI.
"""

import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest


class Tool(NamedTuple):
    """Something to install.

    Attributes:
        name: as people call it.
        find: returns something true where it is installed.
        install: the command that installs it.
    """

    name: str
    find: Callable[[], object]
    install: str


def find_chromium() -> str | None:
    """Returns the path of Chromium, or of Chrome."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def find_initdb() -> str | None:
    """Returns the path of PostgreSQL's initdb, which Debian keeps out of PATH."""
    debian = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    return shutil.which("initdb", path=os.pathsep.join([os.environ["PATH"], *debian]))


TOOLS = {
    "chromium": Tool("Chromium", find_chromium, "apt-get install chromium"),
    "postgresql": Tool("PostgreSQL", find_initdb, "apt-get install postgresql"),
    "strace": Tool("strace", lambda: shutil.which("strace"), "apt-get install strace"),
    "faketime": Tool("faketime", lambda: shutil.which("faketime"), "apt-get install faketime"),
    "locales": Tool("locales", Path("/usr/share/i18n/locales/tr_TR").exists, "apt-get install locales"),
    "mkdocs": Tool("MkDocs", lambda: find_spec("material"), "make install"),
    "ray": Tool("Ray", lambda: find_spec("ray"), "make ray"),
}


def require(key: str) -> None:
    """Skips or fails the running test unless a tool of `TOOLS` is installed.

    All tests are skipped on this one line, so that pytest's summary names a missing tool once.
    """
    tool = TOOLS[key]
    if tool.find():
        return
    message = f"{tool.name} is not installed: {tool.install}"
    if os.environ.get("RNNLAB_REQUIRE_TOOLS"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
