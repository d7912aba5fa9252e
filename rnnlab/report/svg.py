"""Figures as SVG inside a page: text stays text, ink takes the page's colour, and equal figures have equal bytes."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from rnnlab.report.figures import common

INK = "#010203"  # placeholder for the page's text colour, which depends on the reader's theme
TRANSPARENT = (0, 0, 0, 0)
STYLE = {
    **common.STYLE,
    "svg.fonttype": "none",
    "path.simplify_threshold": 0.3,  # pixels: a ROC curve of 25,000 rows does not need every step
    "figure.facecolor": TRANSPARENT,
    "axes.facecolor": TRANSPARENT,
    "legend.facecolor": "none",
    "legend.edgecolor": INK,
    "legend.framealpha": 0.3,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"), INK
    ),
}


@contextmanager
def style() -> Iterator[None]:
    """Makes matplotlib draw what `inline` expects; make and write figures inside the block."""
    with matplotlib.rc_context(STYLE):
        yield


def inline(figure: Figure, name: str, label: str) -> Markup:
    """Writes a figure as an ``<svg>`` element.

    Args:
        figure: made under `style`.
        name: unique on the page; otherwise figures would share marks and clips.
        label: what it shows, for people who cannot see it.
    """
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", dpi=144, metadata=nothing)
    text = buffer.getvalue()
    text = re.sub(r"<style.*?</style>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = _without_unused_ids(text).replace(INK, "currentColor")
    width, height = (float(side) * 4 / 3 for side in re.findall(r'viewBox="0 0 (\S+) (\S+)"', text)[0])  # points to px
    view = re.findall(r'viewBox="[^"]*"', text)[0]
    head = f'<svg {view} width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{escape(label)}">'
    return Markup(head + re.sub(r"\s*\n\s*", "\n", text[text.index(">") + 1 :].strip()))


def without_styles(drawing: Markup) -> Markup:
    """Turns styles into attributes, for a page whose policy allows no style but its own sheet's."""

    def attributes(match: re.Match[str]) -> str:
        settings = (setting.split(":", 1) for setting in match[1].split(";"))
        return " ".join(f'{name.strip()}="{value.strip()}"' for name, value in settings)

    return Markup(re.sub(r'style="([^"]*)"', attributes, str(drawing)))


def _without_unused_ids(text: str) -> str:
    """Removes ids such as axes_1, which every figure on a page would have."""
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    return re.sub(r' id="([^"]+)"', lambda match: match[0] if match[1] in used else "", text)
