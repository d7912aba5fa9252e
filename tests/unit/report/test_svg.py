import re
from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest
from markupsafe import Markup
from matplotlib.figure import Figure

from rnnlab.report import svg


@pytest.fixture(autouse=True)
def styled() -> Iterator[None]:
    with svg.style():
        yield
    plt.close("all")


def draw(points: int = 9) -> Figure:
    figure, panel = plt.subplots()
    panel.plot(np.linspace(0, 1, points), np.linspace(0, 1, points) ** 2, marker="o" if points < 100 else "")
    panel.set(title="a < b & c", xlabel="words")
    return figure


def test_styles_become_attributes_for_a_page_that_allows_none() -> None:
    drawn = svg.without_styles(Markup('<path style="fill: none; stroke: #123456"/><text style="font: x">style</text>'))
    assert drawn == Markup('<path fill="none" stroke="#123456"/><text font="x">style</text>')


def test_text_stays_text_and_is_escaped() -> None:
    text = svg.inline(draw(), "curve", 'falls "fast"')
    assert ">a &lt; b &amp; c</text>" in text and ">words</text>" in text
    assert 'role="img" aria-label="falls &#34;fast&#34;"' in text


def test_ink_is_the_page_s_and_nothing_lies_behind_it() -> None:
    text = svg.inline(draw(), "curve", "a curve")
    assert "fill: currentColor" in text and "stroke: currentColor" in text
    assert svg.INK not in text and "#ffffff" not in text and "#000000" not in text


def test_the_same_figure_has_the_same_bytes_and_no_date() -> None:
    first, second = (svg.inline(draw(), "curve", "a curve") for _ in range(2))
    assert first == second
    assert "<metadata" not in first and "<?xml" not in first and "<style" not in first


def test_two_figures_on_a_page_share_no_id() -> None:
    ids = [re.findall(r' id="([^"]+)"', svg.inline(draw(), name, "a curve")) for name in ("one", "two")]
    assert ids[0] and not set(ids[0]) & set(ids[1])


def test_what_refers_to_a_part_finds_it() -> None:
    text = svg.inline(draw(), "curve", "a curve")
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    assert used == set(re.findall(r' id="([^"]+)"', text))


def test_thousands_of_points_are_thinned() -> None:
    assert len(svg.inline(draw(100_000), "curve", "a curve")) < 30_000


def test_it_keeps_its_shape_at_any_size() -> None:
    figure = plt.figure(figsize=(6, 3))
    assert '<svg viewBox="0 0 432 216" width="576" height="288"' in svg.inline(figure, "empty", "nothing")
