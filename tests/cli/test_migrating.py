import json
import os
import shlex
import stat
import sys

import pytest

import gradcheck_core as gc
from gradcheck_core.cli import main

SOURCE = """
import numpy as np
from gradcheck_core import GradientCase

W, X = np.array([[1.0, 2.0, -1.0], [0.5, 0.25, -0.75]]), np.array([0.5, -0.25, 0.75])


def cost(p, x):
    return float(np.sum(np.sin(p["w"] @ x + p["b"])))


def grads(p, x):  # dJ/da = cos(a) with a = w x + b
    d = np.cos(p["w"] @ x + p["b"])
    return {"w": np.outer(d, x), "b": d}


P = {"w": W, "b": np.array([0.125, -0.5])}
right = GradientCase(cost, P, grads, (X,))
wrong = GradientCase(cost, P, lambda p, x: {**grads(p, x), "b": -grads(p, x)["b"]}, (X,))
elsewhere = GradientCase(cost, P, grads, (2 * X,))
def interrupted(p, x):
    raise KeyboardInterrupt


stopped = GradientCase(interrupted, P, grads, (X,))
vague = GradientCase(cost, P, grads, (X,), options={"epsilon": 1e-15})


scaled = GradientCase(lambda p, x: 2 * cost(p, x), P, lambda p, x: {n: 2 * g for n, g in grads(p, x).items()}, (X,))


def raising():
    raise RuntimeError("my own mistake")


def killed():
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


@pytest.fixture
def recorded():
    assert main(["record", "net.py::right", "-o", "net.safetensors", "-q"]) == 0


def python(folder, name, script):
    """A program that is called as a Python is."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_wrong_gradient_is_not_recorded(folder, capsys):
    assert main(["record", "net.py::wrong", "-o", "net.safetensors"]) == 1

    captured = capsys.readouterr()
    assert "BUG  The claimed gradient is wrong." in captured.out
    assert "not recorded, since finite differences contradict the gradient" in captured.err
    assert [path.name for path in folder.iterdir() if "safetensors" in path.name] == []


def test_a_wrong_gradient_is_recorded_where_that_is_asked_for():
    assert main(["record", "net.py::wrong", "-o", "net.safetensors", "--even-if-wrong"]) == 1

    assert gc.load_snapshot("net.safetensors").contradicted == ("b",)


def test_a_gradient_that_cannot_be_judged_is_recorded_with_that_verdict():
    assert main(["record", "net.py::vague", "-o", "net.safetensors"]) == 3

    assert gc.load_snapshot("net.safetensors").report.verdict is gc.Verdict.INCONCLUSIVE


def test_record_says_what_it_found_and_where_it_is(capsys):
    assert main(["record", "net.py::right", "-o", "net.safetensors"]) == 0

    out = capsys.readouterr().out
    assert "CORRECT" in out
    assert "recorded in net.safetensors" in out


def test_record_as_json(capsys):
    assert main(["record", "net.py::right", "-o", "net.safetensors", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert (said["case"], said["snapshot"], said["verdict"]) == ("right", "net.safetensors", "CORRECT")


@pytest.mark.usefixtures("recorded")
def test_a_wrong_case_does_not_verify(capsys):
    assert main(["verify", "net.safetensors", "net.py::wrong"]) == 1

    out = capsys.readouterr().out
    assert "The costs agree, but the gradients differ." in out
    assert "Contradicted: `wrong` by finite differences of its own cost: the gradient of `b`." in out


@pytest.mark.usefixtures("recorded")
def test_other_inputs_are_the_cause(capsys):
    assert main(["verify", "net.safetensors", "net.py::elsewhere"]) == 1

    assert "the cost was given other inputs (inputs)." in capsys.readouterr().out


@pytest.mark.usefixtures("recorded")
def test_the_right_case_verifies(folder, capsys):
    assert main(["verify", "net.safetensors", "net.py::right", "--html", "page.html"]) == 0
    assert capsys.readouterr().out.startswith("CORRECT  Values, costs and gradients agree.")
    assert "<html" in (folder / "page.html").read_text()

    assert main(["verify", "net.safetensors", "net.py::right", "-q"]) == 0
    assert capsys.readouterr().out == "CORRECT Values, costs and gradients agree.\n"

    assert main(["verify", "net.safetensors", "net.py::right", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "agree"


@pytest.mark.usefixtures("recorded")
def test_a_file_that_is_no_snapshot_is_a_usage_error(capsys):
    assert main(["verify", "net.py", "net.py::right"]) == 2
    assert "this is not a snapshot (a safetensors file" in capsys.readouterr().err

    assert main(["verify", "net.safetensors", "net.py"]) == 2
    assert "net.py has 6 cases, and one is needed" in capsys.readouterr().err


@pytest.mark.usefixtures("recorded")
def test_a_mapping_that_names_nothing_known_is_a_usage_error(folder, capsys):
    (folder / "map.toml").write_text("this is = no [toml")

    assert main(["verify", "net.safetensors", "net.py::right", "--map", "map.toml"]) == 2
    assert "map.toml" in capsys.readouterr().err


def test_two_sides_in_one_python_are_compared(capsys):
    assert main(["compare", "net.py::right", "net.py::wrong"]) == 1

    assert "Contradicted: `net.py::wrong` by finite differences" in capsys.readouterr().out


def test_two_sides_in_pythons_of_their_own_are_compared(capsys):
    arguments = ["--python-a", sys.executable, "--python-b", sys.executable]

    assert main(["compare", "net.py::wrong", "net.py::right", *arguments]) == 1
    assert "Contradicted: `net.py::wrong` by finite differences" in capsys.readouterr().out

    assert main(["compare", "net.py::right", "net.py::right", *arguments, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said["sides"]) == ["net.py::right [A]", "net.py::right [B]"]
    assert said["verdict"] == "CORRECT"


def test_one_side_elsewhere_is_held_against_one_here(capsys):
    assert main(["compare", "net.py::right", "net.py::elsewhere", "--python-a", sys.executable]) == 1

    assert "the cost was given other inputs (inputs)." in capsys.readouterr().out


def test_options_reach_the_other_python(capsys):
    arguments = ["--python-a", sys.executable, "--method", "projected", "--json"]

    assert main(["compare", "net.py::right", "net.py::right", *arguments]) in (0, 3)

    sides = json.loads(capsys.readouterr().out)["sides"].values()
    assert [side["report"]["method"] for side in sides] == ["projected", "projected"]


def test_a_backend_is_that_of_both_sides_and_goes_before_the_cases_own(folder, capsys):
    (folder / "misnamed.py").write_text(
        "from dataclasses import replace\nfrom net import right\ncase = replace(right, options={'backend': 'nunpy'})"
    )
    assert main(["compare", "net.py::right", "misnamed.py::case"]) == 2
    assert "`backend='nunpy'`: no such backend" in capsys.readouterr().err

    assert main(["compare", "net.py::right", "misnamed.py::case", "--backend", "numpy", "--json"]) == 0
    sides = json.loads(capsys.readouterr().out)["sides"].values()
    assert [side["report"]["backend"] for side in sides] == ["numpy", "numpy"]


@pytest.mark.parametrize("python", [[], ["--python-a", sys.executable], ["--python-b", sys.executable]])
def test_a_backend_that_is_unknown_is_a_usage_error_wherever_the_sides_run(python, capsys):
    assert main(["compare", "net.py::right", "net.py::wrong", "--backend", "nunpy", *python]) == 2

    assert "`backend='nunpy'`: no such backend; known are " in capsys.readouterr().err


def test_a_backend_that_knows_nothing_of_one_side_is_a_usage_error_that_names_the_side(folder, capsys):
    (folder / "foreign.py").write_text(
        "from gradcheck_core import GradientCase\n"
        "case = GradientCase(lambda p: 0.0, {'w': object()}, lambda p: {'w': 0.0})"
    )

    assert main(["compare", "net.py::right", "foreign.py::case", "--backend", "numpy"]) == 2

    err = capsys.readouterr().err
    assert "`params` holds nothing that can be checked: only `w` (object)" in err
    assert "raised by the side `foreign.py::case`" in err


def test_a_side_that_fails_is_named_with_its_last_words(capsys):
    assert main(["compare", "net.py::right", "net.py::raising", "--python-b", sys.executable]) == 2

    err = capsys.readouterr().err
    assert f"the side `net.py::raising`: {sys.executable} failed with exit code 2; it said last:" in err
    assert "RuntimeError: my own mistake" in err


def test_a_side_that_is_killed_says_so(capsys):
    assert main(["compare", "net.py::right", "net.py::killed", "--python-b", sys.executable]) == 2

    assert "was ended by signal 9; it said last:\n    (it said nothing)" in capsys.readouterr().err


def test_a_python_without_gradcheck_is_told_how_to_get_it(folder, capsys):
    bare = python(folder, "bare", "import sys; sys.exit(f'{sys.executable}: No module named gradcheck_core')")

    assert main(["compare", "net.py::right", "net.py::right", "--python-a", bare]) == 2

    assert (
        f"{bare} has no gradcheck; install this one there: {bare} -m pip install gradcheck==" in capsys.readouterr().err
    )


def test_a_python_with_an_older_gradcheck_is_told_so(folder, capsys):
    said = "No module named gradcheck_core.__main__; 'gradcheck_core' is a package and cannot be directly executed"
    old = python(folder, "old", f"import sys; sys.exit({said!r})")

    assert main(["compare", "net.py::right", "net.py::right", "--python-a", old]) == 2

    assert f"{old} has an older gradcheck, which has no snapshots; install this one" in capsys.readouterr().err


def test_a_python_that_is_not_there_is_a_usage_error(capsys):
    assert main(["compare", "net.py::right", "net.py::right", "--python-a", "./nowhere"]) == 2

    assert "the side `net.py::right [A]`: ./nowhere cannot be run: No such file" in capsys.readouterr().err


def test_a_python_that_records_nothing_does_not_pass(folder, capsys):
    silent = python(folder, "silent", "pass")

    assert main(["compare", "net.py::right", "net.py::right", "--python-a", silent]) == 2

    assert "silent wrote no snapshot; it said last" in capsys.readouterr().err


def test_when_one_side_fails_the_other_is_not_left_behind(folder):
    patient = python(
        folder,
        "patient",
        "import os, time; open('pid.part', 'w').write(str(os.getpid())); os.rename('pid.part', 'pid'); time.sleep(60)",
    )
    late = python(
        folder, "late", "import os, sys, time\nwhile not os.path.exists('pid'): time.sleep(0.01)\nsys.exit(2)"
    )

    assert main(["compare", "net.py::right", "net.py::wrong", "--python-a", patient, "--python-b", late]) == 2

    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)


def test_the_module_is_the_command(gradcheck):
    assert "record" in gradcheck("--help").stdout


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("wrong", "Likely cause: sign_flipped. Contradicted: `net.py::wrong`."),
        ("scaled", "Likely cause: factor."),
    ],
)
def test_one_line_names_the_cause_and_the_culprit(other, said, capsys):
    assert main(["compare", "net.py::right", f"net.py::{other}", "-q"]) == 1

    (line,) = capsys.readouterr().out.splitlines()
    assert said in line


@pytest.mark.parametrize(
    "command",
    [
        ["run", "net.py::stopped", "--n-jobs", "1", "--verbose"],
        ["record", "net.py::stopped", "-o", "the net.safetensors", "--method", "projected", "--even-if-wrong"],
        ["verify", "net.safetensors", "net.py::stopped", "--confidence", "0.99"],
    ],
)
@pytest.mark.usefixtures("recorded")
def test_an_interrupt_says_how_to_go_on_where_there_is_a_journal(command, capsys):
    assert main([*command, "--resume", "run.jsonl"]) == 130
    err = capsys.readouterr().err
    assert main(command) == 130

    assert err.endswith(f"; continue with: {shlex.join(['gradcheck', *command])} --resume run.jsonl\n")
    assert "go on" not in capsys.readouterr().err
