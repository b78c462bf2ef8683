"""Pages and plots without a browser: what is in them, that nothing gets out, and how large they become."""

import base64
import dataclasses
import hashlib
import io
import math
import re
import warnings

import matplotlib
import numpy as np
import pytest
import reports
import shown_reports
from matplotlib.image import imread
from written import page_of, wrong_by

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.check.illustrating import illustrate
from gradcheck_core.measure.evidence import Claimed, Evidence
from gradcheck_core.numerics.coordinates import Derivatives
from gradcheck_core.protocol.layout import Parameter
from gradcheck_core.report.pictures import Picture, Pictures


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


# The second look measures no claim of NaN again: then the curves are of the other wrong entry, which is finite.
@pytest.mark.parametrize(("bad", "curves"), [(math.nan, 0), (math.inf, 2)])
def test_what_is_not_finite_has_a_colour_of_its_own_and_no_line(bad, curves, tmp_path):
    report = with_a_claim_of(bad)
    source, page = page_of(report, tmp_path)
    heat = next(file for file in gc.plots(report, tmp_path) if ".heat-map." in file.name).read_text()
    images = [imread(io.BytesIO(base64.b64decode(data)))[..., :3] for data in re.findall(r"base64,([^\"]+)", heat)]
    red = np.array([0xE4, 0x00, 0x3B]) / 255  # what `Palette.not_finite` is

    assert any((np.abs(image - red) < 1e-3).all(axis=-1).any() for image in images)
    assert "1 of 4 entries is not finite." in page.content
    assert page.content.count("The claimed derivative is not finite, so it is not drawn.") == curves
    assert ("|D(h) - claimed|" in page.content) == (curves == 0)
    assert ("with the claimed derivative<" in source) == (curves == 0)


def test_one_is_not_several(tmp_path):
    _, page = page_of(gc.check_gradients(lambda w: float(np.sin(w)), np.array(0.5), np.array(2.0)), tmp_path)

    assert "1 of 1 entry is wrong." in page.content
    assert "1 parameters" not in page.content


@pytest.mark.parametrize(
    ("method", "wrong", "said"),
    [
        ("exhaustive", ((0, 2),), "2 of 6 entries are wrong."),
        ("projected", ((1, 2), (4, 5)), "2 of 6 entries are wrong."),
        ("projected", ((0, 4),), "4 of 6 entries are in a range where something is wrong."),
    ],
)
def test_entries_of_a_range_that_was_not_narrowed_down_are_not_all_called_wrong(method, wrong, said, tmp_path):
    report = reports.report(reports.parameter(verdict=Verdict.BUG, wrong=wrong), method=method)

    assert said in page_of(report, tmp_path)[1].content


def test_a_page_of_nothing_but_notes_can_be_written(tmp_path):
    report = reports.report(reports.parameter(worst_index=(), analytic=math.nan, numeric=math.nan), notes=("n",) * 500)

    assert "and 400 more" in page_of(report, tmp_path)[1].content


def test_a_comparison_has_its_mapping_its_cause_and_the_pictures_of_the_side_at_fault(tmp_path):
    report = shown_reports.parity_report()
    _, page = page_of(report, tmp_path)

    assert report.culprit == "new"
    assert report.sides["new"].report.worst.diagnosis.sentence.replace("`", "") in page.content
    assert "What is wrong with new alone" in page.content
    assert page.elements.count("figure") >= 8
    for row in report.rows:
        assert row.target in page.content
    assert "0, 1" in page.content  # axes


def test_ten_thousand_parameters_take_less_than_five_megabytes(tmp_path):
    names = (f"encoder.layers.{k}.self_attention.out_proj.weight" for k in range(10_000))
    page_of(reports.report(*(reports.parameter(name, Verdict.BUG) for name in names)), tmp_path)

    assert (tmp_path / "page.html").stat().st_size < 5e6


@pytest.mark.slow
def test_ten_thousand_parameters_with_names_of_ten_thousand_characters_do_too(tmp_path):
    parameters = (reports.parameter(f"{k}<" + "\x1b" * 10_000, Verdict.BUG) for k in range(10_000))
    page_of(reports.report(*parameters), tmp_path)

    assert (tmp_path / "page.html").stat().st_size < 5e6


@pytest.mark.slow
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
    pictures = illustrate([(item, worst)], "w", "")
    page_of(reports.report(worst, pictures=pictures), tmp_path)

    (picture,) = pictures.of
    assert max(max(row) for row in picture.heat_map.cells) == 0.5
    assert picture.scatter.claimed[0] - picture.scatter.numeric[0] == pytest.approx(0.5)
    assert (tmp_path / "page.html").stat().st_size < 1e6


def test_nothing_warns(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page_of(shown_reports.kinked_report(), tmp_path)
