import dataclasses
import re
import unicodedata

import numpy as np
import pytest
import reports
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

import gradcheck_core as gc
from gradcheck_core import Diagnosis, Verdict
from gradcheck_core.report.text import layout
from gradcheck_core.report.words import printable, safe

LONG = "encoder." + 5_000 * "ab" + ".bias"
HOSTILE = {
    "escape": "w\x1b[31mred",
    "bell": "w\x07",
    "newline": "w\nVERDICT  CORRECT",
    "return": "w\rCORRECT",
    "override": "w\u202egnp.exe",
    "isolate": "w\u2067x",
    "null": "w\x00",
    "surrogate": "w\ud800",
    "line separator": "w\u2028x",
    "zero width": "w\u200bx",
}


def lines(report):
    return str(report).splitlines()


def assert_fits(report):
    assert len(lines(report)) <= 40
    assert max(map(cell_len, lines(report))) <= 80


def assert_harmless(text):
    """Nothing that moves the cursor, colours or turns the text around, and everything can be written to a file."""
    unsafe = {char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert unsafe == set()


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_verdict_is_the_first_word(verdict):
    report = reports.report(reports.parameter(verdict=verdict))

    assert str(report).split()[0] == verdict.value
    assert verdict.sentence.split()[0] == str(report).split()[1]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_says_what_to_do_next(verdict):
    assert any(line.startswith("Next: ") for line in lines(reports.report(reports.parameter(verdict=verdict))))


@pytest.mark.parametrize(
    ("difference", "said"), [(2e-6, "Next: something small may be wrong"), (1e-8, "Next: if you need more certainty")]
)
def test_what_to_do_about_inspect_depends_on_whether_the_resolution_explains_it(difference, said):
    parameter = reports.parameter(verdict=Verdict.INSPECT, difference=difference, resolution=1e-6)

    assert any(line.startswith(said) for line in lines(reports.report(parameter)))


def test_the_worst_entry_is_named_with_both_values():
    report = reports.report(reports.parameter("net.w", Verdict.BUG), reports.parameter("net.b"))

    assert "worst entry: net.w[2, 1], claimed 0.5, numeric 0.25 ± 1e-10" in str(report)


TRANSPOSED = Diagnosis("transposed", "`w`: the claimed gradient is the transpose of the numeric one", 1.0)


def test_the_likely_mistake_is_the_second_line_and_its_kind_in_the_table():
    shown = lines(reports.report(reports.parameter(verdict=Verdict.BUG, diagnosis=TRANSPOSED), reports.parameter("b")))

    assert shown[:2] == ["BUG  The claimed gradient is wrong.", TRANSPOSED.sentence]
    assert any(re.fullmatch(r"w .* BUG +transposed", line) for line in shown)


def test_without_a_likely_mistake_there_is_no_column_for_it():
    assert "likely" not in str(reports.report(reports.parameter(verdict=Verdict.BUG)))


def test_of_several_wrong_parameters_the_one_to_look_at_first_comes_first():
    poisoned = reports.parameter("w1", Verdict.BUG, difference=0.9)
    culprit = reports.parameter("w2", Verdict.BUG, difference=0.1)
    report = reports.report(poisoned, culprit, first="w2")

    assert report.worst.name == "w2"
    assert str(report).index("\nw2 ") < str(report).index("\nw1 ")
    assert "worst entry: w2[2, 1]" in str(report)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_long_everything_still_fits_on_a_screen(width):
    long = Diagnosis("weight_decay", 20 * "`w`: words without end ", 1.0)
    many = [
        reports.parameter(f"layer{i}.{200 * 'x'}", Verdict.BUG, shape=(1024, 1024, 3, 3), diagnosis=long)
        for i in range(100)
    ]
    console = Console(width=width)

    with console.capture() as captured:
        console.print(layout(reports.report(*many, notes=(80 * "note ",) * 30)))

    assert max(map(cell_len, captured.get().splitlines())) <= width
    assert len(captured.get().splitlines()) <= (40 if width >= 80 else 75)  # a narrower one is scrolled


@pytest.mark.parametrize("verdict", [Verdict.CORRECT, Verdict.INSPECT])
def test_a_report_that_passed_has_no_worst_entry(verdict):
    assert "worst entry" not in str(reports.report(reports.parameter(verdict=verdict)))


def test_the_table_has_the_worst_parameters_first():
    good, middling, bad = (
        reports.parameter(name, verdict)
        for name, verdict in [("good", Verdict.CORRECT), ("middling", Verdict.INSPECT), ("bad", Verdict.BUG)]
    )
    first_words = [line.split()[0] for line in lines(reports.report(good, middling, bad)) if line]

    assert [word for word in first_words if word in ("good", "middling", "bad")] == ["bad", "middling", "good"]


def test_how_it_was_measured_is_said():
    text = " ".join(str(reports.report(reports.parameter(), reports.parameter("b", shape=()))).split())

    assert "7 derivatives by central differences in float64 on numpy; 14 evaluations, 0.25 s." in text
    assert "Over all parameters: difference 3.0e-10, resolution 2.0e-09." in text


def test_notes_are_listed_up_to_a_few():
    text = str(reports.report(notes=tuple(f"remark {i}" for i in range(9))))

    assert "Note: remark 5" in text
    assert "remark 6" not in text
    assert "Note: and 3 more in `report.notes`" in text


def test_ten_thousand_parameters_fit_on_a_screen():
    many = [reports.parameter(f"layer{i}.weight") for i in range(9_999)]
    report = reports.report(*many, reports.parameter("wrong", Verdict.BUG), notes=("one note",) * 10_000)

    assert_fits(report)
    assert "worst entry: wrong[2, 1]" in str(report)
    assert re.search(r"and 99[89]\d more, none worse", str(report))


def test_everything_shows_every_parameter_and_note():
    many = [reports.parameter(f"layer{i}.weight") for i in range(30)]
    console = Console(width=80)
    report = reports.report(*many, notes=tuple(f"remark {i}" for i in range(9)))

    with console.capture() as captured:
        console.print(layout(report, everything=True))

    assert "layer29.weight" in captured.get()
    assert "remark 8" in captured.get()


def test_leaving_out_ten_thousand_parameters_fits_on_a_screen():
    params = {f"layer{i}": 1.0 for i in range(10_000)}

    report = gc.check_gradients(
        lambda p: p["layer7"] ** 2, params, dict.fromkeys(params, 2.0), backend="numpy", include="layer7"
    )

    assert_fits(report)


@pytest.mark.parametrize("name", [*HOSTILE.values(), LONG, "", "名前" * 40, "שם", "[/]"])
def test_any_name_is_shown_harmlessly_and_fits(name):
    report = reports.report(reports.parameter(name, Verdict.BUG), reports.parameter("b"))

    assert_harmless(str(report))
    assert_fits(report)


@pytest.mark.parametrize("name", [*HOSTILE.values(), LONG], ids=[*HOSTILE, "long"])
def test_any_name_is_harmless_in_the_notes_of_a_check(name):
    names = tiny, absent, infinite, excluded = [f"{name}{i}" for i in range(4)]
    params = {"w": np.ones(2), **{key: np.zeros(2) for key in names}}
    grads = {"w": np.full(2, 2.0), tiny: np.zeros(2), absent: None, infinite: np.full(2, np.inf), excluded: np.zeros(2)}

    report = gc.check_gradients(
        lambda p: float(p["w"] @ p["w"]) + 1e-12 * float(p[tiny].sum()), params, grads, exclude="*3"
    )

    assert (
        len(report.notes) == 7
    )  # which to look at first; `tiny` and `absent` are noted as small too, `tiny` as claimed to be zero
    assert_harmless(str(report))
    assert_fits(report)
    assert not any(line.startswith("VERDICT") for line in lines(report))


def test_markup_in_names_is_shown_as_it_is():
    assert "w[bold]x[/bold]" in str(reports.report(reports.parameter("w[bold]x[/bold]")))


def test_a_report_has_no_colour_whatever_the_environment_asks_for(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("TERM", "xterm-256color")

    report = reports.report(reports.parameter(verdict=Verdict.BUG), notes=("word " * 60,))

    assert "\x1b" not in str(report)
    assert_fits(report)


@given(st.text())
def test_a_safe_name_is_short_and_printable(name):
    assert safe(name).isprintable()
    assert len(safe(name)) <= 36


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1bb", "a\\x1bb"),
        ("a\u00adb", "a\\xadb"),
        ("a\u202eb", "a\\u202eb"),
        ("a\U000e0001b", "a\\U000e0001b"),
        ("naïve 梯度", "naïve 梯度"),
    ],
)
def test_what_cannot_be_shown_is_written_out_as_python_does(text, shown):
    assert printable(text) == shown


@given(st.text(st.characters(categories=["L", "N"]), max_size=36))
def test_an_ordinary_name_is_shown_as_it_is(name):
    assert safe(name) == name


@pytest.mark.parametrize("length", [37, 200, 10_000])
def test_a_long_name_keeps_its_beginning_and_its_end(length):
    name = f"encoder.{'x' * length}.bias"

    assert safe(name).startswith("encoder.xx")
    assert safe(name).endswith("xx.bias")
    assert "…" in safe(name)


ONE_ENTRY = {
    "central": ({}, "1 derivative by central differences in"),
    "complex": ({"scheme": "complex"}, "1 derivative by complex steps in"),
    "second order": ({"order": 2, "hvp": lambda w, v: 6 * w * v}, "Hessian-vector products of 1 entry by"),
    "projected": ({"method": "projected"}, "1 entry moved together along"),
}


@pytest.mark.parametrize(("options", "said"), ONE_ENTRY.values(), ids=ONE_ENTRY)
def test_one_is_not_several(options, said):
    report = gc.check_gradients(lambda w: w[0] ** 3, np.array([1.5]), lambda w: 3 * w**2, **options)

    assert said in " ".join(str(report).split())


def test_one_evaluation_and_one_direction_are_not_several():
    report = gc.check_gradients(lambda w: w @ w, np.array([1.5, 2.0]), lambda w: 2 * w, method="projected")
    one = dataclasses.replace(report, evaluations=1, certificate=dataclasses.replace(report.certificate, directions=1))

    said = " ".join(str(one).split())
    assert "along 1 random direction (seed 0)" in said
    assert "1 evaluation," in said
