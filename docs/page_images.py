"""The images of the page in the documentation: ``python docs/page_images.py`` takes them again, with Chromium."""

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests" / "kits")]

import shown_reports  # noqa: E402

import browser  # noqa: E402  # of the tests, which open the same pages


def main() -> None:
    """Take a light and a dark image of the page of a wrong gradient."""
    with tempfile.TemporaryDirectory() as folder, browser.chromium(width=1150, height=1500) as driver:
        page = Path(folder) / "report.html"
        shown_reports.wrong_report().to_html(page)
        browser.opened(driver, page)
        for scheme in ("light", "dark"):
            browser.prefer(driver, scheme)
            driver.save_screenshot(str(HERE / "images" / f"page-{scheme}.png"))


if __name__ == "__main__":
    main()
