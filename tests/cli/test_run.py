import json
import re

import pytest

from gradcheck_core.cli import main

SOURCE = """
import numpy as np
from gradcheck_core import GradientCase


def cost(w):
    return float(w @ w)


def interrupted(w):
    raise KeyboardInterrupt


def raising(w):
    raise ZeroDivisionError("my own")


def many():
    params = {f"layer{i:02}": 1.0 for i in range(30)}
    return GradientCase(lambda p: sum(value**2 for value in p.values()), params, dict.fromkeys(params, 2.0),
                        options={"backend": "numpy"})


W = np.array([1.0, -2.0])
"""
CASES = {
    "right": "GradientCase(cost, W, 2 * W)",
    "wrong": "GradientCase(cost, W, np.array([2.0, 4.0]))",
    "vague": "GradientCase(cost, W, 2 * W, options={'epsilon': 1e-15})",  # a few spacings of theta: all rounding
    "stopped": "GradientCase(interrupted, W, 2 * W)",
    "broken": "GradientCase(raising, W, 2 * W)",
    "noise": "GradientCase(lambda w: float(np.random.default_rng().random()), W, W)",
    "a_case_with_quite_a_long_name_indeed": "GradientCase(cost, W, 2 * W)",
}


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.fixture
def file(tmp_path):
    """A function that writes a file with the named cases."""

    def write(*names):
        path = tmp_path / "cases.py"
        path.write_text(SOURCE + "\n".join(f"{name} = {CASES[name]}" for name in names) + "\n")
        return str(path)

    return write


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["right"], 0),
        (["wrong"], 1),
        (["vague"], 3),
        (["right", "wrong"], 1),
        (["right", "vague"], 3),
        (["vague", "wrong", "right"], 1),
        (["broken"], 2),
        (["noise"], 2),
        (["stopped"], 130),
        (["wrong", "stopped"], 130),
    ],
)
def test_the_exit_code_tells_the_outcome(file, names, code):
    assert main(["run", file(*names)]) == code


def test_a_file_prints_a_report_for_every_case(file, capsys):
    main(["run", file("right", "wrong")])
    out, err = capsys.readouterr()

    assert out.startswith("right\nCORRECT  The claimed gradient agrees")
    assert "\nwrong\nBUG  The claimed gradient is wrong." in out
    assert "worst entry: theta[1], claimed 4, numeric -4" in out
    assert err == ""


@pytest.mark.parametrize(("name", "word"), [("wrong", "BUG"), ("many", "CORRECT")])
def test_a_name_runs_that_case_or_what_the_function_returns(file, capsys, name, word):
    main(["run", f"{file('right', 'wrong')}::{name}"])

    assert capsys.readouterr().out.split()[:2] == [name, word]


def test_quiet_is_one_line_for_each_case(file, capsys):
    long = "a_case_with_quite_a_long_name_indeed"
    main(["run", "-q", file("right", "wrong", "vague", long)])
    lines = capsys.readouterr().out.splitlines()

    assert [line.split(":")[0] for line in lines] == [
        "CORRECT right",
        "BUG wrong",
        "INCONCLUSIVE vague",
        f"CORRECT {long}",
    ]
    assert all(", resolution " in line for line in lines)


def test_verbose_shows_every_parameter(file, capsys):
    target = f"{file()}::many"

    assert main(["run", target]) == 0
    assert "and 10 more, none worse" in capsys.readouterr().out
    assert main(["run", "-v", target]) == 0
    out = capsys.readouterr().out
    assert all(f"layer{i:02}" in out for i in range(30))


def test_json_is_a_list_of_reports_with_their_names(file, capsys):
    assert main(["run", "--json", file("right", "wrong")]) == 1
    reports = json.loads(capsys.readouterr().out)

    assert [(report["case"], report["verdict"]) for report in reports] == [("right", "CORRECT"), ("wrong", "BUG")]
    assert reports[1]["parameters"]["theta"]["worst_index"] == [1]


def test_json_of_one_case_is_a_list_too(file, capsys):
    main(["run", "--json", f"{file('right')}::right"])

    assert len(json.loads(capsys.readouterr().out)) == 1


def test_html_writes_a_page(file, tmp_path, capsys):
    page = tmp_path / "report.html"

    assert main(["run", "--html", str(page), file("wrong")]) == 1
    assert "theta[1]" in page.read_text(encoding="utf-8")
    assert "BUG" in capsys.readouterr().out


def test_html_of_several_cases_is_refused_before_any_runs(file, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    target = file("right", "broken")

    assert main(["run", "--html", str(tmp_path / "report.html"), target]) == 2
    assert "cases.py has 2 cases; name one: " in capsys.readouterr().err
    assert not (tmp_path / "report.html").exists()


def test_html_that_cannot_be_written_is_a_message(file, tmp_path, capsys):
    assert main(["run", "--html", str(tmp_path / "absent" / "report.html"), file("right")]) == 2
    err = capsys.readouterr().err

    assert "report.html" in err
    assert "Traceback" not in err


def test_without_the_extra_a_page_or_plots_are_refused_before_anything_runs(file, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("gradcheck_core.report.extras._NEEDED", ("jinja2", "a_package_that_nobody_has"))
    for option in ("--html", "--plot"):
        assert main(["run", option, str(tmp_path / "place"), file("broken")]) == 2
        assert f"`{option}` needs the extra `report`, and a_package_that_nobody_has is" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_plot_writes_pictures(file, tmp_path, kind):
    assert main(["run", "--plot", str(tmp_path / "plots"), "--plot-format", kind, file("wrong")]) == 1
    assert {path.suffix for path in (tmp_path / "plots").iterdir()} == {f".{kind}"}
    assert len(list((tmp_path / "plots").iterdir())) >= 4


def test_plots_in_a_format_that_there_is_not_are_refused(file, tmp_path, capsys):
    assert main(["run", "--plot", str(tmp_path), "--plot-format", "gif", file("broken")]) == 2
    assert "the format of plots is 'gif'; pass 'svg' or 'png'" in capsys.readouterr().err


def test_a_certificate_is_asked_for_with_its_confidence(file, capsys):
    target = f"{file('wrong')}::wrong"

    assert main(["run", "--method", "projected", "--confidence", "0.99", "--json", target]) == 1

    (report,) = json.loads(capsys.readouterr().out)
    assert (report["method"], report["parameters"]["theta"]["worst_index"]) == ("projected", [1])
    assert main(["run", "--method", "projected", "--confidence", "1.5", target]) == 2


def test_options_of_the_command_go_before_those_of_the_case(file, capsys):
    target = f"{file()}::many"  # its own options name numpy

    assert main(["run", "--backend", "nunpy", target]) == 2
    assert "`backend='nunpy'`: no such backend; known are " in capsys.readouterr().err
    assert main(["run", "--backend", "numpy", "--method", "exhaustive", target]) == 0


SHARED = ["--backend", "--method", "--confidence", "--n-jobs", "--json", "--html", "--quiet", "--verbose"]


@pytest.mark.parametrize(
    ("command", "more"),
    [
        ("run", ["--resume", "--plot", "--plot-format"]),
        ("record", ["--resume", "--output", "--even-if-wrong"]),
        ("verify", ["--resume", "--map"]),
        ("compare", ["--map", "--python-a", "--python-b"]),
    ],
)
def test_the_help_of_a_command_has_every_option_of_it(command, more, capsys):
    assert main([command, "--help"]) == 0

    assert set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) == {*SHARED, *more, "--help"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "missing.py"], "gradcheck: missing.py: there is no such file"),
        (["run", "missing.py::case"], "gradcheck: missing.py: there is no such file"),
        (["run"], "Missing argument"),
        (["run", "--frobnicate", "x.py"], "No such option"),
        (["frobnicate"], "No such command"),
    ],
)
def test_wrong_usage_is_said_on_standard_error(capsys, arguments, message):
    assert main(arguments) == 2
    out, err = capsys.readouterr()

    assert message in err
    assert out == ""


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "absent",
            [],
            "`absent` does not exist; name a GradientCase or a function that returns one; cases in the file: right",
        ),
        ("W", [], "`W` is ndarray; name a GradientCase"),
        ("right", ["--method", "magic"], "`method='magic'`: pass one of 'auto', 'exhaustive'"),
        ("noise", [], "at the same params"),
    ],
)
def test_wrong_input_is_said_on_standard_error(file, capsys, name, options, message):
    names = ["right", "noise"] if name == "noise" else ["right"]

    assert main(["run", *options, f"{file(*names)}::{name}"]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert err.startswith("gradcheck: ")
    assert "Traceback" not in err
    assert out == ""


def test_what_a_cost_raises_is_shown_with_its_own_traceback(file, capsys):
    assert main(["run", file("broken")]) == 2
    err = capsys.readouterr().err

    assert "Traceback (most recent call last):" in err
    assert 'raise ZeroDivisionError("my own")' in err
    assert "ZeroDivisionError: my own" in err
    assert "gradcheck: raised by `cost(params, *args)` at the unperturbed theta" in err
    assert "gradcheck_core" not in err.split("gradcheck: raised")[0]  # it begins in the file, not in the checker


def test_a_file_whose_framework_is_missing_is_told_where_it_was_looked_for(tmp_path, capsys):
    path = tmp_path / "model.py"
    path.write_text("import nonesuch\n")

    assert main(["run", str(path)]) == 2
    err = capsys.readouterr().err

    assert "ModuleNotFoundError: No module named 'nonesuch'" in err
    assert err.count("File ") == 1
    assert "the module `nonesuch` is not installed for" in err


def test_a_file_without_cases_says_which_functions_could_be_named(tmp_path, capsys):
    path = tmp_path / "model.py"
    path.write_text("from math import sin\ndef case():\n    pass\ndef of(x):\n    pass\n")

    assert main(["run", str(path)]) == 2
    assert "it has the functions case\n" in capsys.readouterr().err


def test_an_interrupt_is_said_in_one_line(file, capsys):
    assert main(["run", file("stopped")]) == 130
    err = capsys.readouterr().err

    assert "interrupted" in err
    assert "Traceback" not in err


def test_markup_in_a_message_is_shown_as_it_is(capsys):
    main(["run", "[bold]missing[/bold].py"])

    assert "gradcheck: [bold]missing[/bold].py: there is no such file" in capsys.readouterr().err
