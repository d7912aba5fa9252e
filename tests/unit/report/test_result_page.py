import re
from collections.abc import Sequence
from contextlib import chdir
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json, write_json
from rnnlab.project.params import Params, Run
from rnnlab.report import result_page
from tests.support.results import SERIES, changed, lay_out

VOID = {"meta", "link", "input", "br", "img"}


class Outline(HTMLParser):
    """Notes headings, ids and links of a page, and whether its elements are closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.levels: list[int] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids += [value for value in [values.get("id")] if value]
        self.links += [value for name in ("href", "src", "xlink:href") if (value := values.get(name))]
        self.levels += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        self.open += [] if tag in VOID else [tag]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def write(folder: Path, settings: Params, texts: Sequence[str] = ()) -> str:
    with chdir(folder):
        lay_out(settings, texts)
        return result_page.write(settings)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the figures, which take a second to draw."""
    monkeypatch.setattr(result_page, "draw", lambda *_: {"training": [], "tuning": [], "results": [], "why": []})


@pytest.fixture(scope="module")
def page(settings: Params, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("page"), changed(settings, train__seeds=[1, 2]))


def test_the_page_has_an_outline_and_its_links_lead_somewhere(page: str) -> None:
    outline = Outline(page)
    assert not outline.open
    assert outline.levels[0] == 1 and outline.levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(outline.levels, outline.levels[1:], strict=False))
    assert len(outline.ids) == len(set(outline.ids))
    inner = {link[1:] for link in outline.links if link.startswith("#")}
    assert inner <= set(outline.ids)
    assert {"answer", "rerun", "data", "models", "training", "results", "why", "mistakes", "main"} <= inner


def test_it_fetches_nothing(page: str) -> None:
    outer = [link for link in Outline(page).links if not link.startswith(("#", "data:"))]
    assert all(link.startswith("http://127.0.0.1:5000/#/experiments/") for link in outer)
    assert not re.search(r"url\((?!#)|@import|<script[^>]+src|<iframe|<img(?! src=\"data:image/png;base64,)", page)


def test_every_probability_is_of_a_network_that_exists(page: str) -> None:
    assert "as the networks of seed 1 give it" in page
    assert "with each of the 2 seeds" in page
    assert re.search(r"rnn: 0\.\d\d, 0\.\d\d <span class=\"wrong\">✗ wrong with [12] of 2 seeds", page)


def test_the_answer_stands_on_top(page: str) -> None:
    headline = re.search(r"<h1>(.*)</h1>", page)
    assert headline and re.match(
        r"Not shown that lstm and rnn differ: \d+\.\d points \(95 % interval [^;]+\)\.$", headline[1]
    )
    for question in ("Is it real?", "Where does rnn fail?", "What does it cost?", "And without recurrence?"):
        assert f"<dt>{question}</dt>" in page


def test_every_section_has_what_it_promises(page: str) -> None:
    assert page.count('role="img"') == 4 + 2 + 3 + 1
    assert "Rejected rows by reason" in page and '<q dir="auto">the same again</q>' in page
    assert "2 checks, 0 critical failures, 1 warning" in page
    assert "<strong>SimpleRNN</strong>" in page and "<strong>LSTM</strong>" in page
    assert page.count("<math") == 1 + 6
    assert "bands their range" in page
    assert 'class="w s3 no"' in page
    assert re.findall(r"<strong>(\w+ \w+ \w)</strong>", page) == [
        *("hidden state h", "hidden state h", "cell state c", "forget gate f", "input gate i")
    ]
    assert 'data-groups="wrong-rnn' in page


def test_the_same_result_gives_the_same_bytes(page: str, settings: Params, tmp_path: Path) -> None:
    assert write(tmp_path, changed(settings, train__seeds=[1, 2])) == page


@pytest.mark.usefixtures("undrawn")
def test_a_training_that_had_not_converged_says_why(settings: Params, tmp_path: Path) -> None:
    page = write(tmp_path, changed(settings, train__seeds=[1, 2], train__epochs=4))
    assert page.count("no: best epoch 4 of 4") == 2  # one of the two seeds of either network
    assert "1 of 2 seeds of rnn had not converged: longer or other training may change this." in page
    assert "Not converged: 1 of 2 seeds of lstm, 1 of 2 seeds of rnn." in page


@pytest.mark.usefixtures("undrawn")
def test_a_result_from_before_convergence_was_judged_is_shown(settings: Params, tmp_path: Path) -> None:
    with chdir(tmp_path):
        lay_out(changed(settings))
        older = read_json(layout.COMPARISON)
        del older["convergence"]
        write_json(layout.COMPARISON, older)
        page = result_page.write(changed(settings))
    assert "converged?" not in page and "no: best epoch" not in page


@pytest.mark.usefixtures("undrawn")
def test_one_seed_has_no_band_and_the_page_says_so(settings: Params, tmp_path: Path) -> None:
    page = write(tmp_path, changed(settings, train__seeds=[7]))
    assert "One seed: every figure comes from a single training" in page
    assert "One seed, so there are no bands." in page and "bands their range" not in page


@pytest.mark.usefixtures("undrawn")
def test_one_network_is_told_of_without_a_rival(settings: Params, tmp_path: Path) -> None:
    page = write(tmp_path, changed(settings, compare=["gru"], train__seeds=[1, 2]))
    assert "no other network was trained to compare it with" in page
    assert "One network: it can be compared with the baselines only" in page
    assert "<dt>What does it cost?</dt>" not in page
    assert page.count("<math") == 4
    assert '<option value="differ">' not in page


def test_a_series_has_no_words(settings: Params, tmp_path: Path) -> None:
    page = write(tmp_path, changed(settings, **SERIES, train__seeds=[1, 2]))
    assert re.search(
        r"<h1>Not shown that the mean squared errors of lstm and rnn differ: -[\d.]+ \(95 % interval", page
    )
    assert "cut into windows: 30 train, 30 validation, 30 test" in page
    assert "The largest errors of each network" in page
    assert "Word by word" not in page and 'class="heat"' not in page and 'id="filter"' not in page
    assert 'id="why"' in page and "What the forecasts rest on" in page
    assert page.count('role="img"') == 4 + 6
    inner = {link[1:] for link in Outline(page).links if link.startswith("#")}
    assert inner <= set(Outline(page).ids)


@pytest.mark.usefixtures("undrawn")
def test_markup_in_texts_and_labels_is_text(settings: Params, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script> & <b>bold</b>"
    page = write(
        tmp_path, changed(settings, data__labels=["<i>bad", "good"]), [f"{evil} number {n}" for n in range(40)]
    )
    assert "<script>alert" not in page and "<b>bold" not in page and "<i>bad" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;bold" in page


@pytest.mark.usefixtures("undrawn")
def test_long_words_and_other_scripts_are_shown_in_part_and_in_their_direction(
    settings: Params, tmp_path: Path
) -> None:
    texts = ["x" * 10_000, *["هذا الفيلم جميل جدا" for _ in range(39)]]
    page = write(tmp_path, changed(settings), texts)
    assert "x" * 3700 in page and "x" * 3701 not in page
    assert '<p dir="auto">هذا' in page


def test_a_sweep_over_the_distance_is_drawn_where_there_is_one(
    settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = changed(settings)
    lay_out(settings)
    points = {"model": ["rnn", "rnn"], "seed": 1, "accuracy": [0.99, 0.5], "distance": [10, 100]}
    layout.EXPERIMENTS_CURVES.mkdir()
    pd.DataFrame(points).to_csv(layout.EXPERIMENTS_CURVES / "long-range.csv", index=False)
    assert "From the experiment long-range, not from this run" in result_page.write(settings)
    assert not list(result_page.sweep_panels(layout.EXPERIMENTS_CURVES, "series"))


@pytest.mark.usefixtures("undrawn")
def test_lost_timings_cost_nothing_but_themselves(
    settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = changed(settings)
    lay_out(settings)
    for file in layout.TIMINGS.iterdir():
        file.unlink()
    assert "their training times are lost" in result_page.write(settings)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("lost", [layout.METRICS, layout.layers(Run("lstm", 1))])
def test_without_a_run_the_missing_file_is_named(
    lost: Path, settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lay_out(changed(settings))
    lost.unlink()
    with pytest.raises(UserError, match=f"{re.escape(str(lost))}: no such file; `dvc repro` makes it"):
        result_page.write(changed(settings))


def test_every_figure_is_shown_where_the_networks_are_worst_first(settings: Params) -> None:
    settings = changed(settings, compare=["rnn", "lstm"], baselines=["majority"])
    cells = [
        {"column": column, "value": value, "rows": 1200, "model": model, "figure": figure, "low": 0.1, "high": 0.95}
        | {"mean": 0.9 if value == "NA" else 0.8}
        for column, values in {"all": [""], "slice_place": ["NA", "far"], "words": ["1 to 9", "10 to 20"]}.items()
        for value in values
        for model in settings.scored
        for figure in ("accuracy", "roc_auc")
        if (value, figure) != ("far", "roc_auc")
    ]
    whole, place, words = result_page.figures_tables(settings, pd.DataFrame(cells))
    assert whole.headings == ["model", "test accuracy", "ROC AUC"]
    assert whole.rows[0] == ["rnn", "0.800 (0.100 to 0.950)", "0.800 (0.100 to 0.950)"]
    assert place.headings[:3] == ["place", "test rows", "model"]
    assert place.rows[0] == ["far", "1,200", "rnn", "0.800 (0.100 to 0.950)", "–"]
    assert [row[0] for row in place.rows] == ["far"] * 3 + ["NA"] * 3
    assert [row[0] for row in words.rows] == ["1 to 9"] * 3 + ["10 to 20"] * 3


def test_an_error_stands_at_the_row_of_its_step() -> None:
    wrong = pd.DataFrame(
        {"model": ["rnn"], "seed": 1, "row": 1200, "step": 3, "target": 2.0, "predicted": 5.0, "error": 3.0}
    )
    [row] = result_page.errors_table(wrong, "value").rows
    assert row[:4] == ["rnn", "1", "1,202", "3"]
