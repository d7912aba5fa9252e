"""A real browser."""

from playwright.sync_api import Browser, Playwright

from tests.support.tools import find_chromium

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def launch(driver: Playwright) -> Browser:
    """Starts the Chromium of this machine."""
    return driver.chromium.launch(executable_path=find_chromium(), args=OPTIONS)
