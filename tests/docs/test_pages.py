"""Every page does what it shows: its blocks that need one framework, in that framework's environment."""

import page_runner
import pages
import pytest

SLOW = {("docs/explanation/certificate.md", "numpy")}  # makes 200 checks


def pytest_generate_tests(metafunc):
    frameworks = [name for name in metafunc.config.getoption("--backends").split(",") if name in pages.ENVIRONMENTS]
    cases = [(page, name) for page in pages.pages() for name in frameworks if pages.steps(page, name)]
    marked = [pytest.param(*case, marks=[pytest.mark.slow] if case in SLOW else []) for case in cases]
    metafunc.parametrize(("page", "framework"), marked, ids=[f"{page}-{name}" for page, name in cases])


def test_the_page_shows_what_happens(page, framework, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page_runner.run(page, framework, tmp_path)
