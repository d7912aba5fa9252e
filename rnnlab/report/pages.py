"""Web pages from the templates beside this module: one file each, without anything to fetch."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


class Table(NamedTuple):
    """A table of a page.

    Attributes:
        caption: what it shows.
        headings: of the columns; the first column names the rows.
        rows: cells as they shall be shown.
        text: columns that hold words and not figures, from 0.
    """

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: Sequence[int] = (0,)


class Drawing(NamedTuple):
    """A figure of a page.

    Attributes:
        svg: from `rnnlab.report.svg.inline`.
        caption: how to read it.
    """

    svg: Markup
    caption: str


def render(template: str, **values: Any) -> str:
    """Fills a template; what it shows is escaped, and a value that is missing is a mistake of the program.

    Args:
        template: its file name.
        values: what it shows, all of it computed: templates know loops and conditions, and no more.
    """
    environment = Environment(
        loader=PackageLoader("rnnlab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(**values)


def cut(text: str, length: int) -> str:
    """Shortens a text to some characters; the dots say that it was longer."""
    return text if len(text) <= length else f"{text[:length].rstrip()} …"
