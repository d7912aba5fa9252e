"""The page of a finished pipeline, and pages beside it, in a real browser that reaches no network."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.pipeline.conftest import Project
from tests.support.browser import launch

PAGE = "reports/index.html"
MOST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        started = launch(driver)
        yield started
        started.close()


@contextmanager
def opened(
    browser: Browser, file: Path, width: int = 1280, scheme: str = "light", scripts: bool = True
) -> Iterator[Page]:
    """Opens a file; whatever it asks for or says to the console is a failure."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        offline=True,
        java_script_enabled=scripts,
    )
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url))
    page.goto(file.as_uri())
    yield page
    context.close()
    assert [words for words in heard if not words.startswith("data:")] == [file.as_uri()]


def brightness(page: Page, selector: str, side: str) -> float:
    """From 0 to 255, of a computed colour."""
    colour = page.locator(selector).first.evaluate(f"(element) => getComputedStyle(element).{side}")
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


@pytest.fixture
def page_file(finished: Project) -> Path:
    return finished.folder / PAGE


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_the_window_and_the_reader_s_scheme(
    browser: Browser, page_file: Path, tmp_path: Path, width: int, scheme: str
) -> None:
    with opened(browser, page_file, width, scheme) as page:
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ground, ink = brightness(page, "body", "backgroundColor"), brightness(page, "body", "color")
        assert ground > 240 and ink < 60 if scheme == "light" else ground < 40 and ink > 200
        assert abs(brightness(page, "figure text", "fill") - ink) < 1
        folder = Path(os.environ.get("UI_PICTURES") or tmp_path)
        page.screenshot(path=folder / f"report-{width}-{scheme}.png", full_page=True)


@pytest.mark.needs("chromium")
def test_the_mistakes_can_be_narrowed_down(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file) as page:
        rows, shown = page.locator(".mistakes > li"), page.locator(".mistakes > li:visible")
        every = rows.count()
        assert every
        expect(page.get_by_role("status")).to_have_text(f"{every} of {every} texts")
        page.get_by_label("Show").select_option("wrong-rnn")
        wrong = page.locator('.mistakes > li[data-groups~="wrong-rnn"]').count()
        assert shown.count() == wrong
        page.get_by_label("containing the words").fill("no review says this")
        assert shown.count() == 0
        expect(page.get_by_role("status")).to_have_text(f"0 of {every} texts")


@pytest.mark.needs("chromium")
def test_without_scripts_nothing_is_missing(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file, scripts=False) as page:
        assert page.locator(".mistakes > li:visible").count() == page.locator(".mistakes > li").count() > 0
        expect(page.locator("#filter")).to_be_hidden()


@pytest.mark.needs("chromium")
def test_a_keyboard_gets_past_the_contents(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file) as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        assert page.url.endswith("#main")


@pytest.mark.needs("chromium")
def test_on_paper_there_is_nothing_to_press(browser: Browser, page_file: Path) -> None:
    with opened(browser, page_file, scheme="dark") as page:
        page.emulate_media(media="print", color_scheme="dark")
        expect(page.get_by_role("navigation")).to_be_hidden()
        expect(page.locator("#filter")).to_be_hidden()
        assert brightness(page, "body", "backgroundColor") == 255


def test_it_is_small_and_stays_out_of_git(finished: Project, page_file: Path) -> None:
    assert page_file.stat().st_size < MOST_BYTES
    finished.run("git", "check-ignore", PAGE)


def test_mlflow_has_it(finished: Project) -> None:
    from mlflow import MlflowClient

    (parent,) = finished.runs("tags.kind = 'pipeline'")
    client = MlflowClient(f"sqlite:///{finished.folder / 'mlflow' / 'mlflow.db'}")
    assert "index.html" in {artifact.path for artifact in client.list_artifacts(parent.info.run_id)}
    key = re.search(r"tags\.pipeline_key = &#39;(\w+)&#39;", (finished.folder / PAGE).read_text())
    assert key and key[1] == parent.data.tags["pipeline_key"]


@pytest.mark.needs("chromium")
def test_a_page_of_a_series_fits_too(browser: Browser, finished_series: Project) -> None:
    with opened(browser, finished_series.folder / PAGE, 390) as page:
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.needs("chromium")
def test_results_are_shown_side_by_side(browser: Browser, project: Project) -> None:
    project.inside("rnnlab.cli.main", "report", "workspace", "main")
    with opened(browser, project.folder / "reports/compare.html", 390) as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("workspace against main")
        assert page.locator("figure").count() == 2 * 4
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.needs("chromium")
def test_a_page_of_a_failed_check_is_read_without_a_network(browser: Browser, fresh: Project) -> None:
    fresh.set_params(validate__min_rows_per_class=1000)
    for stage, expected in {"sample": 0, "ingest": 0, "validate": 1}.items():
        fresh.stage(stage, expect=expected)
    with opened(browser, fresh.folder / "reports/validation-failed.html", 390) as page:
        expect(page.get_by_text("FAILED (critical)").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_before_the_first_run_there_is_a_sentence(fresh: Project) -> None:
    told = fresh.stage("report", expect=1).stderr
    assert told == "error: reports/metrics.json: no such file; `dvc repro` makes it\n"
    told = fresh.inside("rnnlab.cli.main", "report", expect=1).stderr
    assert told.startswith("error: name two results or more: rnnlab report NAME NAME") and told.count("\n") == 1
