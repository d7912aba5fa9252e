"""MLflow's own pages in a real browser, reached by the links that `rnnlab ui` prints."""

import html
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from reliability.ports import free_port
from tests.pipeline.conftest import Project
from tests.support.browser import launch

PATIENCE_MS = 60_000

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture(scope="module")
def links(finished: Project) -> Iterator[dict[str, str]]:
    """Addresses by what they show."""
    port = free_port()
    server = subprocess.Popen(
        (sys.executable, "-m", "rnnlab.cli.main", "ui", "--port", str(port)),
        cwd=finished.folder,
        env=finished.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert server.stdout
    printed = ""
    while not printed.endswith("stop with Ctrl-C\n"):
        line = server.stdout.readline()
        assert line, printed
        printed += line
    yield dict(re.findall(r"^(.+):\n  (http.+)$", printed, re.MULTILINE))
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(30)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as driver:
        browser = launch(driver)
        opened = browser.new_page(viewport={"width": 2200, "height": 1000})
        opened.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield opened
        browser.close()


def visit(page: Page, address: str) -> None:
    """Opens a page; the server may still be starting."""
    for _ in range(60):
        try:
            page.goto("about:blank")
            page.goto(address)
            return
        except Exception:  # refused while nobody listens yet
            page.wait_for_timeout(1000)
    raise AssertionError(f"{address} does not answer")


def picture(page: Page, name: str, tmp_path: Path) -> None:
    """Keeps a picture for whoever wants to look: in ``UI_PICTURES``, if it is set."""
    page.wait_for_timeout(1500)
    page.screenshot(path=Path(os.environ.get("UI_PICTURES") or tmp_path) / f"{name}.png")


def test_the_last_result_has_its_table(page: Page, links: dict[str, str], tmp_path: Path) -> None:
    visit(page, links["last result"])
    expect(page.get_by_text("test accuracy").first).to_be_visible()
    expect(page.get_by_text("95 % interval").first).to_be_visible()
    picture(page, "last-result", tmp_path)


def test_all_models_are_in_a_table_with_their_figures(page: Page, links: dict[str, str], tmp_path: Path) -> None:
    visit(page, links["all models"])
    for text in ("rnn-1", "lstm-2", "nbsvm", "test_accuracy", "seconds_per_epoch", "seed", "converged", "data_version"):
        expect(page.get_by_text(text, exact=True).first).to_be_visible()
    picture(page, "all-models", tmp_path)


def test_all_networks_are_models_with_names_and_figures_by_data(
    page: Page, links: dict[str, str], tmp_path: Path
) -> None:
    visit(page, links["all networks"])
    for name in ("rnn-1", "rnn-2", "lstm-1", "lstm-2"):
        expect(page.get_by_role("link", name=name, exact=True)).to_have_count(2)  # the model, and the run it is of
    expect(page.get_by_text(re.compile(r"^reviews\.csv test \(#")).first).to_be_visible()
    expect(page.get_by_role("columnheader", name="test_accuracy", exact=True)).to_be_visible()
    picture(page, "all-networks", tmp_path)
    page.locator("input[value=CHART]").evaluate("button => button.click()")
    expect(page.get_by_text("test_accuracy").first).to_be_visible()
    expect(page.locator(".js-plotly-plot .barlayer .trace").first).to_be_visible()
    picture(page, "all-networks-drawn", tmp_path)


def test_all_runs_are_in_a_table(page: Page, links: dict[str, str], tmp_path: Path) -> None:
    visit(page, links["all runs"])
    expect(page.get_by_text("workspace-").first).to_be_visible()
    picture(page, "all-runs", tmp_path)


def test_the_page_of_a_result_leads_to_its_runs(page: Page, links: dict[str, str], finished: Project) -> None:
    text = html.unescape((finished.folder / "reports/index.html").read_text())
    address = re.search(r'href="http://127\.0\.0\.1:5000(/#/[^"]+)"', text)
    assert address
    server = links["all runs"].partition("/#/")[0]
    visit(page, server + address[1])
    expect(page.get_by_text("workspace-").first).to_be_visible()


def test_the_models_stand_side_by_side(page: Page, links: dict[str, str], tmp_path: Path) -> None:
    visit(page, links["its models side by side"])
    for name in ("rnn-1", "rnn-2", "lstm-1", "lstm-2"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    expect(page.get_by_text("test_accuracy").first).to_be_visible()
    picture(page, "side-by-side", tmp_path)


def test_their_curves_are_on_one_chart(page: Page, links: dict[str, str], tmp_path: Path) -> None:
    visit(page, links["their curves overlaid"])
    for name in ("rnn-1", "rnn-2", "lstm-1", "lstm-2"):
        expect(page.get_by_text(f"{name} (val_accuracy)").first).to_be_visible()
    expect(page.locator(".js-plotly-plot .scatterlayer .trace").first).to_be_visible()
    picture(page, "curves", tmp_path)
