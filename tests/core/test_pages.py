"""Pages and plots without a browser: what is in them, that nothing gets out, and what happens where they cannot be."""

import base64
import dataclasses
import hashlib
import importlib.util
import io
import math
import re
import unicodedata
import warnings
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest
import reports
import shown_reports
from matplotlib.image import imread
from plugins import run_python

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.assessment import Evidence
from gradcheck_core.illustrating import illustrated
from gradcheck_core.layout import Parameter
from gradcheck_core.numerics.coordinates import Derivatives
from gradcheck_core.pictures import Picture, Pictures
from gradcheck_core.second_look import Claimed

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


class Page(HTMLParser):
    """What elements a page has, and its text."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.elements, self.attributes, self.content, self.titles = [], [], "", []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.titles += [value for name, value in attrs if name == "title"]

    def handle_data(self, data):
        self.content += data


def page_of(report, folder):
    report.to_html(folder / "page.html")
    source = (folder / "page.html").read_bytes().decode("utf-8")
    return source, Page(source)


def wrong_by(name):
    """A real check of a parameter of this name, with a wrong entry."""
    w = np.linspace(0.1, 1.0, 6).reshape(2, 3)
    claimed = np.cos(w)
    claimed[1, 2] = 2.0
    return gc.check_gradients(lambda p: float(np.sum(np.sin(p[name]))), {name: w}, {name: claimed})


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_is_text_on_a_page_and_turns_nothing_around(name, tmp_path):
    plain_source, plain = page_of(wrong_by("plain"), tmp_path)
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
@pytest.mark.parametrize("kind", ["svg", "png"])
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


def test_the_page_says_what_the_report_says(tmp_path):
    report = shown_reports.wrong_report()
    _, page = page_of(report, tmp_path)

    for name, parameter in report.parameters.items():
        assert name in page.content
        assert f"{parameter.difference:.1e}" in page.content
    assert report.worst.diagnosis.sentence.replace("`", "") in page.content
    assert report.pictures.replay in page.content
    assert page.elements.count("figure") >= 8


def test_the_certificate_stands_in_words(tmp_path):
    certificate = gc.Certificate(bound=3e-9, confidence=0.999, directions=12, seed=5)
    report = reports.report(method="projected", certificate=certificate)
    _, page = page_of(report, tmp_path)

    assert "With 99.9 % confidence, no parameter's gradient is off by more than 3.0e-09 of its norm." in page.content
    assert "12 random directions (seed 5)" in page.content


def test_only_its_own_script_may_run_and_nothing_may_be_loaded(tmp_path):
    source, _ = page_of(shown_reports.wrong_report(), tmp_path)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', source)
    script = source[source.rindex("<script>") + 8 : source.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}';" in policy
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", source)


def test_a_page_is_the_same_each_time(tmp_path):
    report = shown_reports.wrong_report()

    assert page_of(report, tmp_path)[0] == page_of(report, tmp_path)[0]


def test_plots_are_the_same_each_time_and_whatever_the_reader_set(tmp_path):
    report = wrong_by("w")
    first = [file.read_bytes() for file in gc.plots(report, tmp_path / "a")]
    with matplotlib.rc_context({"text.usetex": True, "svg.fonttype": "path", "axes.facecolor": "red"}):
        again = [file.read_bytes() for file in gc.plots(report, tmp_path / "b")]
        assert matplotlib.rcParams["axes.facecolor"] == "red"

    assert first == again


def test_more_wrong_parameters_than_there_are_pictures_of_are_counted(tmp_path):
    report = reports.report(
        *(reports.parameter(f"w{k}", Verdict.BUG) for k in range(9)), pictures=Pictures((Picture("w0"),), left_out=8)
    )

    assert "8 more parameters are wrong" in page_of(report, tmp_path)[1].content
    one = dataclasses.replace(report, pictures=Pictures((Picture("w0"),), left_out=1))
    assert "1 more parameter is wrong" in page_of(one, tmp_path)[1].content


def with_a_claim_of(bad):
    w = np.ones((2, 2))
    return gc.check_gradients(lambda w: float(np.sum(w**2)), w, np.array([[2.0, bad], [2.5, 2.0]]))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_has_a_colour_of_its_own_and_no_line(bad, tmp_path):
    report = with_a_claim_of(bad)
    source, page = page_of(report, tmp_path)
    heat = next(file for file in gc.plots(report, tmp_path) if ".heat-map." in file.name).read_text()
    images = [imread(io.BytesIO(base64.b64decode(data)))[..., :3] for data in re.findall(r"base64,([^\"]+)", heat)]
    red = np.array([0xE4, 0x00, 0x3B]) / 255  # what `Palette.not_finite` is

    assert any((np.abs(image - red) < 1e-3).all(axis=-1).any() for image in images)
    assert "1 of 4 entries is not finite." in page.content
    assert page.content.count("The claim is not finite, so nothing of it is drawn.") == 2
    assert "|D(h) - claimed|" not in page.content
    assert "claimed gradient<" not in source


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


def test_one_is_not_several(tmp_path):
    _, page = page_of(gc.check_gradients(lambda w: float(np.sin(w)), np.array(0.5), np.array(2.0)), tmp_path)

    assert "1 of 1 entry lies where something is wrong." in page.content
    assert "1 parameters" not in page.content


def test_a_page_of_nothing_but_notes_can_be_written(tmp_path):
    report = reports.report(reports.parameter(worst_index=(), analytic=math.nan, numeric=math.nan), notes=("n",) * 500)

    assert "and 400 more" in page_of(report, tmp_path)[1].content


def test_a_comparison_has_its_mapping_its_cause_and_the_pictures_of_the_side_at_fault(tmp_path):
    report = shown_reports.parity_report()
    _, page = page_of(report, tmp_path)

    assert report.culprit == "new"
    assert report.sides["new"].report.worst.diagnosis.sentence.replace("`", "") in page.content
    assert "What is wrong with new by itself" in page.content
    assert page.elements.count("figure") >= 8
    for row in report.rows:
        assert row.target in page.content
    assert "0, 1" in page.content  # axes


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\u202e\ud800", "x" * 10_000])
def test_names_of_sides_are_text_too(name, tmp_path):
    case = gc.GradientCase(shown_reports.cost, shown_reports.start(), shown_reports.backward)
    source, page = page_of(gc.compare_gradients({"old": case, name: case}), tmp_path)

    assert page.elements.count("script") == 1
    assert "\u202e" not in source


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
    with pytest.raises(gc.InvalidInputError, match=r"`folder` of plots is .*; pass a path"):
        gc.plots(wrong_by("w"), path)
    with pytest.raises(gc.InvalidInputError, match=rf"`path` of to_html is {re.escape(repr(path))}; pass a path"):
        reports.report().to_html(path)


def test_plots_of_what_is_no_report_or_in_another_format_are_refused(tmp_path):
    with pytest.raises(gc.InvalidInputError, match="`report` of plots is ParityReport; pass a GradientReport"):
        gc.plots(shown_reports.parity_report(), tmp_path)
    with pytest.raises(gc.InvalidInputError, match="written in 'svg' or 'png', and the format asked for is 'pdf'"):
        gc.plots(reports.report(), tmp_path, format="pdf")


def test_ten_thousand_parameters_take_less_than_five_megabytes(tmp_path):
    names = (f"encoder.layers.{k}.self_attention.out_proj.weight" for k in range(10_000))
    page_of(reports.report(*(reports.parameter(name, Verdict.BUG) for name in names)), tmp_path)

    assert (tmp_path / "page.html").stat().st_size < 5e6


def test_ten_thousand_parameters_with_names_of_ten_thousand_characters_do_too(tmp_path):
    parameters = (reports.parameter(f"{k}<" + "\x1b" * 10_000, Verdict.BUG) for k in range(10_000))
    page_of(reports.report(*parameters), tmp_path)

    assert (tmp_path / "page.html").stat().st_size < 5e6


def test_a_tensor_of_ten_million_entries_takes_less_than_a_megabyte(tmp_path):
    shape = (1000, 100, 100)
    numeric = np.linspace(-1.0, 1.0, math.prod(shape))
    claimed = numeric.copy()
    claimed[5_432_101] += 0.5
    item = Evidence(
        Parameter("w", shape, "float64", 0),
        Claimed(claimed, 0.0),
        Derivatives(numeric, numeric, np.full(numeric.size, 1e-9)),
    )
    worst = reports.parameter("w", Verdict.BUG, shape=shape, worst_index=(543, 21, 1))
    pictures = illustrated([(item, worst)], "w", {}, "")
    page_of(reports.report(worst, pictures=pictures), tmp_path)

    (picture,) = pictures.of
    assert max(max(row) for row in picture.heat_map.cells) == 0.5
    assert picture.scatter.claimed[0] - picture.scatter.numeric[0] == pytest.approx(0.5)
    assert (tmp_path / "page.html").stat().st_size < 1e6


def test_nothing_warns(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page_of(shown_reports.kinked_report(), tmp_path)
