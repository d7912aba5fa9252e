"""Web pages from the templates beside this module: one self-contained file each."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


class Table(NamedTuple):
    """A table of a page; the first column names the rows, and ``text`` has the indices of columns of words."""

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: Sequence[int] = (0,)


class Drawing(NamedTuple):
    """A figure of a page, from `rnnlab.report.svg.inline`, and how to read it."""

    svg: Markup
    caption: str


def render(template: str, **values: Any) -> str:
    """Fills a template, which computes nothing; values are escaped, and a missing value is a bug."""
    environment = Environment(
        loader=PackageLoader("rnnlab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(**values)
