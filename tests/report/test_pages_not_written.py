"""Where pages and plots cannot be: an extra that is missing, and places that cannot be written to."""

import importlib.util
import re

import pytest
import reports
import shown_reports
from plugins import run_python
from written import wrong_by

import gradcheck_core as gc


@pytest.fixture
def without(monkeypatch):
    def hide(*missing):
        found = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name in missing else found(name, *a))

    return hide


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_without_the_extra_a_page_is_refused_with_the_command_that_installs_it(missing, without, tmp_path):
    without(missing)
    said = rf"^`to_html` needs the extra `report`, and {missing} is not installed: pip install 'gradcheck\[report\]'$"

    with pytest.raises(gc.MissingExtraError, match=said):
        reports.report().to_html(tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_plots_are_refused(without, tmp_path):
    without("jinja2", "matplotlib")

    with pytest.raises(gc.MissingExtraError, match=r"^`plots` needs .* jinja2 and matplotlib are not installed"):
        gc.plots(reports.report(), tmp_path / "plots")
    assert list(tmp_path.iterdir()) == []


def test_a_check_imports_nothing_that_draws(tmp_path):
    code = """
    import json, sys
    import numpy as np, gradcheck_core as gc
    gc.check_gradients(lambda w: float(w @ w), np.ones(2), np.zeros(2))
    print(json.dumps([name for name in ("jinja2", "matplotlib") if name in sys.modules]))
    """

    assert run_python(tmp_path, code) == []


@pytest.mark.parametrize("place", ["absent/page.html", "folder", "x" * 300])
def test_a_place_that_cannot_be_written_to_is_an_error_that_says_so(place, tmp_path):
    (tmp_path / "folder").mkdir()

    with pytest.raises(gc.InvalidInputError, match=r"to_html\(path=.*cannot be written there: .*; pass a file in"):
        reports.report().to_html(tmp_path / place)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    (tmp_path / "page.html").write_text("old")
    monkeypatch.setattr("os.fsync", lambda number: (_ for _ in ()).throw(OSError(28, "No space left on device")))

    with pytest.raises(gc.InvalidInputError, match="No space left on device"):
        reports.report().to_html(tmp_path / "page.html")
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("page.html", "old")]


def test_plots_in_a_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(gc.InvalidInputError, match=r"`folder=.*file'` of plots: cannot be written to"):
        gc.plots(wrong_by("w"), tmp_path / "file")


@pytest.mark.parametrize("path", [3, None, b"a", "a\0b", "a\ud800b"])
def test_what_is_no_path_is_refused_with_what_came(path, tmp_path):
    with pytest.raises(gc.InvalidInputError, match=r"`folder` of plots is .*; pass a string or pathlib.Path"):
        gc.plots(wrong_by("w"), path)
    with pytest.raises(gc.InvalidInputError, match=rf"`path` of to_html is {re.escape(repr(path))}; pass a string or"):
        reports.report().to_html(path)


def test_plots_of_what_is_no_report_or_in_another_format_are_refused(tmp_path):
    with pytest.raises(gc.InvalidInputError, match="`report` of plots is ParityReport; pass a GradientReport"):
        gc.plots(shown_reports.parity_report(), tmp_path)
    with pytest.raises(gc.InvalidInputError, match="the format of plots is 'pdf'; pass 'svg' or 'png'"):
        gc.plots(reports.report(), tmp_path, format="pdf")
