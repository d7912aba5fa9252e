"""The site of the documents: its contents, the pages that are generated, and that it needs no network."""

import contextlib
import importlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from rnnlab.project import params
from rnnlab.project.overrides import flatten
from tests.support.browser import launch
from tests.support.documents import ROOT, fenced
from tests.support.tools import require

PARAMS = ROOT / "params.yaml"
FIGURE = re.compile(r"\d[\d,]*\.\d+")


@pytest.fixture(scope="module", autouse=True)
def hooks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs/_hooks"))
        yield


@pytest.fixture(scope="module")
def handbook(hooks: None) -> ModuleType:
    return importlib.import_module("handbook")


@pytest.fixture(scope="module")
def reference(hooks: None) -> ModuleType:
    return importlib.import_module("reference")


def test_every_document_is_in_the_contents(handbook: ModuleType) -> None:
    sections: list[dict[str, Any]] = handbook.contents()
    listed = {
        path for section in sections for entries in section.values() for entry in entries for path in entry.values()
    }
    assert {path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md")} <= listed
    assert [name for section in sections for name in section][:2] == ["Start", "Tutorial"]


def test_what_documents_link_to_is_part_of_the_site(handbook: ModuleType) -> None:
    assert {"reports/coverage.md", "params.yaml", "stages", "docs/README.md"} <= set(handbook.closure(["README.md"]))


def test_links_to_files_and_folders_lead_to_the_pages_that_show_them(handbook: ModuleType) -> None:
    text = "[a](../params.yaml#x), [b](../stages/), [c](README.md), [d](https://a.b/c.py), [e](../none.py)\n"
    block = "```md\n[a](../params.yaml)\n```\n"
    changed = "[a](../params.yaml.md#x), [b](../stages.md), [c](README.md), [d](https://a.b/c.py), [e](../none.py)\n"
    assert handbook.with_pages(text + block, "docs/a.md") == changed + block


def test_a_folder_is_shown_by_its_names_and_a_file_by_its_text(handbook: ModuleType) -> None:
    assert "- `train.py`" in handbook.shown("stages")
    assert PARAMS.read_text(encoding="utf-8") in handbook.shown("params.yaml")


def test_every_parameter_and_every_word_of_its_comment_is_on_the_page(reference: ModuleType) -> None:
    page = reference.parameters("")
    for key in flatten(params.read(PARAMS).model_dump(mode="json", by_alias=True)):
        name = re.sub(r"^models\.\w+", "models.<name>", key)
        assert f"`{'tune.space' if name.startswith('tune.space.') else name}`" in page
    reasons = reference.reasons(PARAMS.read_text(encoding="utf-8"))
    comments = re.findall(r" # (.*)", PARAMS.read_text(encoding="utf-8"))
    assert sorted(" ".join(comments).split()) == sorted(" ".join(reasons.values()).split())


def test_a_row_tells_what_is_allowed_and_why(reference: ModuleType) -> None:
    page = reference.parameters("# Parameters")
    assert page.startswith("# Parameters\n\n## task\n\n| key | allowed |")
    assert "| `train.batch_size` | whole number from 1 to 2,147,483,647 | `64` |  |" in page
    assert "| `train.clip_norm` | number above 0 or `null` | `0.436` | of all gradients together; without" in page
    cell = "| `models.<name>.cell` | text like `^[a-z][a-z0-9_]{0,99}$` | `simple_rnn` | simple_rnn, lstm, gru, or"
    assert cell in page
    assert (
        "| `models.<name>.pooling` | `last` or `mean` or `max` or `mean_max` or `sqrtn_max` | `last` | last: the final"
        in page
    )
    assert "| `wave.periods` | 2 times number above 1 |" in page
    assert "\n\nLimits that the data are checked against.\n\n" in page


def test_every_command_is_on_the_page(reference: ModuleType) -> None:
    page = reference.commands("")
    for verb in ("results", "compare", "experiments run", "tune", "predict", "new"):
        assert f"\n## rnnlab {verb}\n" in page
        assert f"usage: rnnlab {verb} " in page


def test_every_promised_function_is_documented(reference: ModuleType) -> None:
    source = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    names = reference.NAMED.findall(source)
    assert len(names) > 20
    for name in names:
        heading, _, text = reference.described(name).partition("\n```\n\n")
        assert heading.startswith(f"### {name}\n")
        assert re.match(r"[A-Z].*\.", text)
    assert not reference.NAMED.search(reference.api(source))


def test_docstrings_become_markdown(reference: ModuleType) -> None:
    text = reference.described("rnnlab.evaluation.statistics.difference")
    assert "\n\n**Raises**\n\n- `UserError`: rows or seeds cannot be paired.\n" in text
    text = reference.described("rnnlab.serving.predictors.Predictor")
    assert "- `classify`: from texts, or sequences as lists of steps, to their labels and the probabilities" in text


@pytest.mark.parametrize("document", ["api", "tutorial"])
def test_an_example_prints_what_the_page_says(document: str) -> None:
    blocks = dict(fenced(ROOT / f"docs/{document}.md"))  # the last of each language
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(blocks["python"], {})
    assert printed.getvalue() == blocks["text"]


def test_every_figure_of_the_tutorial_is_in_a_report_or_printed_by_it() -> None:
    tutorial = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    sources = [*ROOT.glob("reports/*.md"), ROOT / "docs/statistics.md", *ROOT.glob("experiments/*pad*.yaml")]
    known = set(FIGURE.findall(" ".join(source.read_text(encoding="utf-8") for source in sources)))
    printed = dict(fenced(ROOT / "docs/tutorial.md"))["text"]
    figures = set(FIGURE.findall(tutorial)) - set(FIGURE.findall(printed))
    assert len(figures) > 20
    assert figures <= known


def test_the_notebook_tells_what_the_result_says(hooks: None) -> None:
    notebook = ROOT / "docs/lesson.ipynb"
    loaded = json.loads(notebook.read_text(encoding="utf-8"))
    assert not any(cell.get("outputs") for cell in loaded["cells"])
    page = importlib.import_module("notebooks").executed(notebook)
    pairs = json.loads((ROOT / "reports/comparison.json").read_text(encoding="utf-8"))["pairs"]
    assert pairs[0]["sentence"] in page
    assert page.count("```python\n") == page.count("```text\n") == 5
    assert re.search(r"```text\nrnn +\d\d\.\d\d", page)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def test_the_site_builds_without_a_warning_and_has_what_is_generated(site: Path) -> None:
    assert "whole number" in (site / "docs/parameters.html").read_text(encoding="utf-8")
    api = (site / "docs/api.html").read_text(encoding="utf-8")
    assert "rnnlab.evaluation.statistics.estimate</h3>" in re.sub(r"<a .*?</a>", "", api)
    assert (site / "params.yaml.html").is_file()


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)[^>]* src=\"?([^\"\s>]+)|<link[^>]* href=\"?([^\"\s>]+)", text)
        assert [link for pair in loaded for link in pair if re.match("(?:https?:)?//", link)] == []


@pytest.mark.needs("chromium")
def test_the_search_works_where_the_site_is_opened_from_its_files(site: Path) -> None:
    with sync_playwright() as driver, launch(driver) as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / "docs/tutorial.html").as_uri())
        page.click("input.md-search__input")
        page.locator("input.md-search__input").press_sequentially("forget gate")
        page.wait_for_selector(".md-search-result__item a[href*='tutorial.html']", state="attached")
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
