"""Chromium without a window, driven by selenium: it opens a page, and says what the page said and asked for."""

import json
import shutil
import tempfile
from contextlib import contextmanager

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

_FLAGS = (
    "--headless",
    "--no-sandbox",  # a page of ours, in a container whose user is root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)


class ChromiumIsMissingError(Exception):
    """These tests are for a browser and there is none."""


@contextmanager
def chromium(width=1200, height=900):
    """A browser with a profile of its own."""
    paths = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    absent = [name for name, path in paths.items() if path is None]
    if absent:
        msg = f"{' and '.join(absent)} not found; install Debian's: apt-get install chromium chromium-driver"
        raise ChromiumIsMissingError(msg)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = paths["chromium"]
        for flag in (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(paths["chromedriver"]))
        try:
            yield driver
        finally:
            driver.quit()


def opened(driver, page):
    """A page from a file, and nothing logged from before it."""
    requested(driver)
    driver.get_log("browser")
    driver.get(page.resolve().as_uri())
    return driver


def requested(driver):
    """The addresses that were asked for since it was last looked at, besides what is in the page itself."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    sent = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if not url.startswith("data:")]


def prefer(driver, scheme):
    """As if the reader's system were light or dark."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
