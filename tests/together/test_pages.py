"""Every page does what it shows: the blocks that need all frameworks at once."""

import page_runner
import pages
import pytest


@pytest.mark.parametrize("page", [page for page in pages.pages() if pages.steps(page, "all")])
def test_the_page_shows_what_happens(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page_runner.run(page, "all", tmp_path)
