"""A name is text on a page and in a plot, whatever characters it has, and never more."""

import re
import unicodedata
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import shown_reports
from written import page_of, wrong_by

import gradcheck_core as gc

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": "\"' onload=alert(1) x='",
    "closing": "</title></style></script></svg>--><b>",
    "template": "{{ 7 * 7 }}{% raw %}",
    "formula": r"$\frac{1}{0}$",
    "escape": "w\x1b[31m",
    "null": "w\x00\n",
    "surrogate": "w\ud800",
    "override": "w\u202egnp",
    "hebrew": "שלום.weight",
    "long": "x" * 10_000,
    "long and hostile": "<b>\u202e\ud800" * 2_500,
    "letters no font has": "\U0001f9ff\u4e2d",
    "empty": "",
}


@pytest.fixture(scope="module")
def plain_page(tmp_path_factory):
    return page_of(wrong_by("plain"), tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_is_text_on_a_page_and_turns_nothing_around(name, plain_page, tmp_path):
    plain_source, plain = plain_page
    source, page = page_of(wrong_by(name), tmp_path)

    extra = {"details", "summary", "p", "bdi"} if len(name) > 80 else set()
    assert set(page.elements) - extra == set(plain.elements) - extra
    assert page.elements.count("script") == 1
    assert set(page.attributes) <= {*plain.attributes, "title"}
    unsafe = {char for char in source if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert unsafe == set()
    assert len(source) < len(plain_source) + 300_000


def test_a_long_name_is_shortened_and_there_in_full(tmp_path):
    name = "layer." + "x" * 9_994
    _, page = page_of(wrong_by(name), tmp_path)

    assert name in page.titles
    assert name in page.content
    assert "The whole name, 10000 characters" in page.content


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", ["svg", pytest.param("png", marks=pytest.mark.slow)])
def test_a_name_is_harmless_in_plots_and_in_the_names_of_their_files(name, kind, tmp_path):
    files = gc.plots(wrong_by(name), tmp_path, format=kind)

    assert len(files) == 5
    for file in files:
        assert file.parent == tmp_path
        assert re.fullmatch(r"1-[A-Za-z0-9_.-]{1,160}\." + kind, file.name)
        if kind == "png":
            assert file.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        else:
            root = ElementTree.fromstring(file.read_bytes())
            assert not [element for element in root.iter() if element.tag.endswith("script")]


def test_two_names_that_differ_in_what_files_cannot_have_do_not_meet(tmp_path):
    params = {"a/b": np.ones(2), "a:b": np.ones(2)}
    report = gc.check_gradients(
        lambda p: float(sum(np.sum(np.sin(w)) for w in p.values())), params, {n: w * 0 for n, w in params.items()}
    )
    files = gc.plots(report, tmp_path)

    assert len(set(files)) == len(files) == len(list(tmp_path.iterdir())) > 5


def test_a_name_that_looks_like_a_reference_or_a_colour_is_left_as_it_is(tmp_path):
    for name in ('a"#b', "#0a0b00", 'id="url(#c)'):
        report = wrong_by(name)
        texts = [
            "".join(ElementTree.fromstring(file.read_bytes()).itertext()) for file in gc.plots(report, tmp_path / "p")
        ]
        _, page = page_of(report, tmp_path)

        assert all(name in text for text in texts)
        assert f"{name}[" in page.content
        assert "heat-map-" not in page.content


def test_backticks_of_sentences_are_code_and_a_name_between_them_is_still_text(tmp_path):
    source, page = page_of(wrong_by("<b>"), tmp_path)

    assert "b" not in page.elements
    assert "<code>&lt;b&gt;" in source


def test_a_name_that_is_not_whole_says_so(tmp_path):
    name = "x" * 30_000

    assert "The name, its first 20000 of 30000 characters" in page_of(wrong_by(name), tmp_path)[1].content


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\u202e\ud800", "x" * 10_000])
def test_names_of_sides_are_text_too(name, tmp_path):
    case = gc.GradientCase(shown_reports.cost, shown_reports.start(), shown_reports.backward)
    source, page = page_of(gc.compare_gradients({"old": case, name: case}), tmp_path)

    assert page.elements.count("script") == 1
    assert "\u202e" not in source
