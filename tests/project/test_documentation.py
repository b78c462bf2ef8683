"""No block of the documentation goes unseen, and a page that shows what does not happen is noticed."""

import re
from pathlib import Path

import page_runner
import pages
import pytest

import gradcheck_core
from gradcheck_core import errors

ELSEWHERE = {
    "docs/architecture.md": "trees of files and signatures, no programs",
    "docs/writing-a-backend.md": "its files are those of examples/backends, which have tests; two blocks outline one",
    "docs/operators/": "written by sweeps/run.py; the findings are parts of the sweeps' own exception files",
}
OWN = [page for page in pages.pages() if not page.startswith(tuple(ELSEWHERE))]


@pytest.mark.parametrize("page", OWN)
def test_every_block_is_run_or_compared_or_says_why_not(page):
    assert pages.unaccounted(page) == []


# The findings on operators have the lines of the sweeps' own exception files.
@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", *(page for page in pages.pages() if not page.startswith("docs/operators/"))]
)
def test_prose_has_no_line_over_100_characters(page):
    source = (pages.ROOT / page).read_text(encoding="utf-8")
    prose = re.sub(r"^ *```.*?^ *```$|^<!-- setup\n.*?-->$", "", source, flags=re.DOTALL | re.MULTILINE)

    lines = [line for line in prose.splitlines() if not line.startswith("|") and "://" not in line]
    assert [line for line in lines if len(line) > 100] == []


@pytest.mark.parametrize("prefix", ELSEWHERE)
def test_what_is_left_out_exists(prefix):
    assert any(page.startswith(prefix) for page in pages.pages())


def test_every_public_name_is_in_the_reference():
    reference = (pages.ROOT / "docs/reference.md").read_text(encoding="utf-8")

    def is_there(name):
        return f":: gradcheck_core.{name}\n" in reference or name in vars(errors)

    assert [name for name in gradcheck_core.__all__ if not is_there(name)] == []


SHOWN = """BUG  The claimed gradient is wrong.
worst entry: b[0], claimed -0.320257, numeric -0.0666 ± 1e-10

parameter  difference  verdict
b             5.2e-01  BUG
w             4.7e-11  CORRECT

resolution 1e-05, at most 9.0e-01
441 evaluations, 0.1 s.
"""


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("0.1 s", "2.4 s"),
        ("441 evaluations", "460 evaluations"),
        ("4.7e-11", "8.9e-12"),
        ("± 1e-10", "± 3e-11"),
        ("-0.320257", "-0.320258"),
        ("1e-05", "2e-05"),
        ("9.0e-01", "8.9e-01"),
    ],
)
def test_last_digits_times_and_rounding_may_differ(shown, printed):
    assert pages.differences(SHOWN, SHOWN.replace(shown, printed)) == ""


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("BUG", "SUSPECT"),
        ("b[0]", "b[1]"),
        ("-0.320257", "0.320257"),
        ("-0.0666", "-0.0766"),
        ("5.2e-01", "6.2e-01"),
        ("4.7e-11", "4.7e-04"),
        ("441", "820"),
        ("1e-05", "8e+00"),
        ("1e-05", "3e-05"),
        ("9.0e-01", "0.0e+00"),
        ("9.0e-01", "8.0e-01"),
        ("w             4.7e-11  CORRECT\n", ""),
    ],
)
def test_another_output_than_the_one_shown_is_noticed(shown, printed):
    assert pages.differences(SHOWN, SHOWN.replace(shown, printed)) != ""


def test_lines_may_be_left_out_where_the_page_says_so():
    parts = SHOWN.splitlines()

    assert pages.differences("\n".join([parts[0], "...", parts[-1]]), SHOWN) == ""
    assert pages.differences("\n".join([parts[0], parts[-1]]), SHOWN) != ""
    assert pages.differences("\n".join([parts[0], "...", "more"]), SHOWN) != ""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function that runs a page of the given text."""

    def run(text):
        (tmp_path / "page.md").write_text(text, encoding="utf-8")
        monkeypatch.setattr(pages, "ROOT", tmp_path)
        page_runner.run("page.md", "numpy", tmp_path)

    return run


def test_blocks_are_one_script_and_their_output_is_compared(run):
    page = (
        "<!-- executed with: numpy -->\n\n# A\n\n"
        "```python\na = 2\n```\n\n```python\nprint(a)\n```\n\n```text\n{}\n```\n"
    )

    run(page.format(2))
    with pytest.raises(AssertionError, match=r"page\.md:9 prints something else"):
        run(page.format(3))


def test_a_command_that_ends_otherwise_than_the_page_says_is_noticed(run):
    page = "<!-- executed with: numpy -->\n\n# A\n\n{}```sh\necho a; exit 3\n```\n\n```text\na\n```\n"

    run(page.format("<!-- exit: 3 -->\n"))
    with pytest.raises(AssertionError, match="ends with 3"):
        run(page.format(""))


def test_an_exception_that_the_page_shows_has_to_come(run):
    page = (
        "<!-- executed with: numpy -->\n\n# A\n\n<!-- raises -->\n```python\n{}\n```\n\n```text\nKeyError: 'b'\n```\n"
    )

    run(page.format("{}['b']"))
    with pytest.raises(AssertionError, match="raises"):
        run(page.format("pass"))


def test_a_block_without_a_framework_or_a_reason_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    (tmp_path / "page.md").write_text("# A\n\n```python\na\n```\n\n```text\nb\n```\n\nc\n\n```text\nd\n```\n")

    assert len(pages.unaccounted("page.md")) == 2


@pytest.mark.parametrize(("language", "faults"), [("pyhton", 1), ("", 1), ("toml", 0), ("{toctree}", 0)])
def test_a_block_of_a_language_that_nobody_runs_is_noticed(tmp_path, monkeypatch, language, faults):
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    (tmp_path / "page.md").write_text(f"# A\n\n```{language}\na\n```\n")

    assert len(pages.unaccounted("page.md")) == faults


def test_the_architecture_names_every_room_and_no_file_that_is_gone():
    page = (pages.ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    core = Path(gradcheck_core.__file__).parent
    rooms = {path.name for path in core.iterdir() if path.suffix in ("", ".py")} - {"__pycache__"}
    folders = (core, pages.ROOT / "backends", pages.ROOT / "tests")
    files = {path.as_posix() for folder in folders for path in folder.rglob("*.py")}

    listed = set(re.findall(r"^  ([a-z]+(?:/|\.py)) ", page.split("backends/")[0], re.MULTILINE))
    assert {name.rstrip("/") for name in listed} == rooms - {"__init__.py", "__main__.py"}
    assert set(re.findall(r"\w+\.py", page)) - {path.rpartition("/")[2] for path in files} == set()
    placed = set(re.findall(r"(?:\w+/)+\w+\.py", page))
    assert {path for path in placed if not any(known.endswith(f"/{path}") for known in files)} == set()
