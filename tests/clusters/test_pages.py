"""Every page does what it shows: the blocks that start a cluster of this machine's processes."""

import page_runner
import pages
import pytest


@pytest.mark.parametrize("page", [page for page in pages.pages() if pages.steps(page, "clusters")])
def test_the_page_shows_what_happens(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page_runner.run(page, "clusters", tmp_path)
