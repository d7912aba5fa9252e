"""The site of the documents: its contents, the pages that are generated, and that it needs no network."""

import contextlib
import importlib
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rnnlab.project import params
from rnnlab.project.overrides import flatten
from tests.support.documents import ROOT, fenced

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


@pytest.mark.needs("mkdocs")
def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    pages = {path: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")}
    assert "whole number" in pages[tmp_path / "docs/parameters.html"]
    assert "rnnlab.evaluation.statistics.estimate</h3>" in re.sub(r"<a .*?</a>", "", pages[tmp_path / "docs/api.html"])
    assert (tmp_path / "search/search_index.js").is_file()
    for page in pages.values():
        loaded = re.findall(r"<(?:script|img|iframe)[^>]* src=\"?([^\"\s>]+)|<link[^>]* href=\"?([^\"\s>]+)", page)
        assert [link for pair in loaded for link in pair if re.match("(?:https?:)?//", link)] == []
