"""The page on which networks read what one types, served and in a real browser."""

import os
import socket
import statistics
import struct
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from reliability.ports import free_port
from tests.pipeline.conftest import Project
from tests.support.browser import launch

SCREENS: dict[int, Literal["light", "dark"]] = {1280: "light", 390: "dark"}  # by width
TEXT = "The direction was wonderful, but <b>the film</b> is terrible and the hero was awful."


@contextmanager
def demo(project: Project, networks: str) -> Iterator[str]:
    port = free_port()
    with subprocess.Popen(
        (sys.executable, "-m", "rnnlab.cli.main", "demo", "--port", str(port)),
        cwd=project.folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout
        said = server.stdout.readline()
        assert said == f"{networks} on http://127.0.0.1:{port}; stop with Ctrl-C\n"
        yield f"http://127.0.0.1:{port}/"
        server.terminate()


@pytest.fixture(scope="module")
def address(finished: Project) -> Iterator[str]:
    with demo(finished, "rnn and lstm read") as served:
        yield served


@pytest.fixture(scope="module")
def series_address(finished_series: Project) -> Iterator[str]:
    with demo(finished_series, "lstm forecast") as served:
        yield served


@pytest.fixture(scope="module")
def sequences_address(finished_sequences: Project) -> Iterator[str]:
    with demo(finished_sequences, "rnn and lstm read") as served:
        yield served


@contextmanager
def opened(address: str, width: int, picture: Path) -> Iterator[Page]:
    """The page on a screen; in the end it fits, nothing was complained of, and a picture of it is left."""
    with sync_playwright() as driver:
        browser = launch(driver)
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=SCREENS[width])
        heard: list[str] = []
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.goto(address)
        yield page
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not heard
        page.screenshot(path=picture.with_name(f"{picture.name}-{width}.png"), full_page=True)
        browser.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return Path(os.environ.get("UI_PICTURES") or tmp_path)


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", SCREENS)
def test_what_is_typed_is_read_word_by_word(address: str, width: int, pictures: Path) -> None:
    with opened(address, width, pictures / "demo") as page:
        field = page.get_by_label("Text, 5000 characters at most")
        field.fill("")
        expect(page.locator("#answer")).to_contain_text("Nothing to read yet")
        field.press_sequentially(TEXT[:40])
        expect(page.locator(".words").first).to_contain_text("wonderful")
        field.fill(TEXT)
        field.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator(".words").first).to_contain_text("awful")
        expect(page.get_by_role("status")).to_contain_text("rnn says")
        assert page.locator("#answer b").count() == 0
        assert page.locator(".words").count() == 2
        assert page.locator(".heat").count() == 2
        wide = "images => images.length == 10 && images.every(image => image.naturalWidth && image.width)"
        assert page.locator(".heat img").evaluate_all(wide)  # a picture and a colour bar each


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", SCREENS)
def test_what_is_pasted_is_forecast(series_address: str, width: int, pictures: Path) -> None:
    with opened(series_address, width, pictures / "demo-series") as page:
        expect(page.locator("#answer svg text").first).to_be_visible()  # of the last rows of the data
        field = page.get_by_role("textbox")
        field.fill("")
        expect(page.locator("#answer")).to_contain_text("Nothing to forecast yet")
        field.fill("1, 2, <b>x</b>")
        expect(page.get_by_role("status")).to_contain_text("Row 3 has '<b>x</b>' in column 'value'")
        field.fill("; ".join(f"{number / 7:.3f}" for number in range(40)))
        expect(page.get_by_role("status")).to_contain_text("the last value is 5.571.")
        expect(page.locator("#answer tbody tr")).to_have_count(1)
        drawn = page.locator("#answer svg").bounding_box()
        assert drawn and 300 < drawn["width"] <= width


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", SCREENS)
def test_a_pasted_sequence_is_read_step_by_step(sequences_address: str, width: int, pictures: Path) -> None:
    with opened(sequences_address, width, pictures / "demo-sequences") as page:
        expect(page.locator(".words").first).to_be_visible()  # a test sequence
        field = page.get_by_label("Steps of a sequence, a line each, of a, b")
        shown = field.input_value()
        assert len(shown.splitlines()) == page.locator(".words").first.locator(".w").count() > 3
        field.fill("1, 2, 3")
        expect(page.get_by_role("status")).to_contain_text("Line 1 has 3 cells, and a step has 2: a, b")
        field.fill("0.5\t5\n<b>x</b>\t5")
        expect(page.get_by_role("status")).to_contain_text("Line 2 has '<b>x</b>' for channel 'a'")
        field.fill("\n".join(f"{(step - 6) / 10:.1f},{5 + step % 2}" for step in range(12)))
        expect(page.get_by_role("status")).to_contain_text("lstm says")
        expect(page.locator(".words").first).to_contain_text("-0.6, 5")
        assert page.locator(".words").count() == 2


def test_it_works_without_a_script_and_answers_at_once(address: str) -> None:
    body = urllib.parse.urlencode({"text": TEXT}).encode()
    taken = []
    for _ in range(20):
        start = time.perf_counter()
        with urllib.request.urlopen(address, body, timeout=30) as reply:
            first = reply.read(1)
            taken.append(time.perf_counter() - start)
            assert "wonderful" in (first + reply.read()).decode()
    assert statistics.median(taken) < 0.2  # a tenth of a second where nothing else runs


def test_an_aborted_request_leaves_it_serving(address: str) -> None:
    body = urllib.parse.urlencode({"text": TEXT}).encode()
    request = f"POST /answer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n".encode()
    form = b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    port = urllib.parse.urlsplit(address).port
    assert port
    for resets in (True, False) * 5:
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", resets, 0))
        client.sendall(request + form + body)
        time.sleep(0.005)  # a network takes longer to answer
        client.close()
    time.sleep(1)  # for the answers to meet the closed connections
    with urllib.request.urlopen(f"{address}answer", body, timeout=30) as reply:
        assert "wonderful" in reply.read().decode()
