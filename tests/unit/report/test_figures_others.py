"""Figures of others are drawn like ours; one that does not work is a sentence."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.sections.results import OWN_FIGURES
from rnnlab.report import svg
from rnnlab.report.figures import common, others
from rnnlab.report.figures.tables import Tables
from tests.support.documents import ROOT
from tests.support.extensions import recipe, write_extension
from tests.support.results import changed


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tables() -> Tables:
    predictions = pd.DataFrame({"model": ["rnn", "rnn", "lstm", "lstm"], "probability": [0.1, 0.7, 0.2, 0.9]})
    return Tables(pd.DataFrame(), {}, predictions, pd.DataFrame())


def test_ours_are_those_that_the_parameters_know() -> None:
    drawn = {
        name
        for file in ROOT.glob("rnnlab/report/figures/*.py")
        for name in re.findall(r'"(\w+)\.png"', file.read_text())
    }
    assert drawn == set(OWN_FIGURES)


def test_the_recipe_becomes_a_panel_of_the_page(project: Path) -> None:
    write_extension(project, "figures", "confidence")
    with svg.style():
        panel = others.draw("confidence", tables())
        drawing = svg.inline(panel.figure, panel.name, panel.label)
    common.close(panel.figure)
    assert (panel.section, panel.name) == ("results", "own-confidence")
    assert panel.caption == "Probabilities that each model gives to the test rows, all seeds together."
    assert all(f">{word}</text>" in drawing for word in ("rnn", "lstm", "density of test rows"))
    assert len(recipe("figures").splitlines()) < 30


def test_without_a_docstring_its_name_tells_what_it_shows(project: Path) -> None:
    code = "import matplotlib.pyplot as plt\n\ndef draw(tables):\n    return plt.figure()\n"
    write_extension(project, "figures", "my_view", code)
    panel = others.draw("my_view", tables())
    assert panel.caption == "my view"
    common.close(panel.figure)


MISTAKES = {
    "an error": ("def bad(tables):\n    tables.nothing", "bad raises AttributeError"),
    "no figure": ("def bad(tables):\n    return 1", "bad returns int; expected a figure of matplotlib"),
    "what cannot be drawn": (
        "import matplotlib.pyplot as plt\n\ndef bad(tables):\n    return plt.figure().text(0, 0, '$x^$').figure",
        "drawing its figure raises ValueError",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_that_does_not_work_is_a_sentence(project: Path, mistake: str) -> None:
    code, sentence = MISTAKES[mistake]
    write_extension(project, "figures", "bad", code)
    with pytest.raises(UserError, match=rf"^extensions/figures/bad\.py: {sentence}"):
        others.draw("bad", tables())
    plt.close("all")


def test_a_name_is_refused_with_its_key(settings: Params, project: Path) -> None:
    with pytest.raises(UserError, match=r"figures: must be a file extensions/figures/NAME\.py or an entry point NAME"):
        changed(settings, figures=["confidence"])
    write_extension(project, "figures", "traces")
    with pytest.raises(UserError, match=r"extensions/figures/traces\.py: traces is the name of one that rnnlab has"):
        changed(settings, figures=["traces"])
