import re
from itertools import product

import pytest
from jinja2 import UndefinedError

from rnnlab.report import pages
from rnnlab.report.figures import common


def styles(scheme: str) -> dict[str, str]:
    """The colours of the page by name."""
    text = pages.render("style.css")
    light, dark = re.findall(r":root \{(.*?)\}", text, re.DOTALL)[:2]
    found = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", light if scheme == "light" else dark))
    assert len(found) == 11
    return found


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance (WCAG 2.2) of red, green and blue in [0, 1]."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(scheme: str) -> None:
    colours = {name: rgb(value) for name, value in styles(scheme).items()}
    for text, ground in product(("ink", "soft", "link", "good", "bad"), ("paper", "panel")):
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["ink"], colours["note"]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("side", ["minus", "plus"])
def test_words_are_readable_on_every_shade(scheme: str, side: str) -> None:
    colours = {name: rgb(value) for name, value in styles(scheme).items()}
    for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        mixed = [
            share * shade + (1 - share) * paper for shade, paper in zip(colours[side], colours["paper"], strict=True)
        ]
        assert contrast(colours["ink"], tuple(mixed)) >= 4.5, share


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_models_lines_can_be_told_from_the_ground(scheme: str) -> None:
    paper = rgb(styles(scheme)["paper"])
    for colour in common.COLOURS[:4]:
        assert contrast(rgb(colour), paper) >= 3, colour


def test_what_is_missing_is_a_mistake() -> None:
    with pytest.raises(UndefinedError):
        pages.render("compare.html", title="one against two")
