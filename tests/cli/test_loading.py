import sys

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.cli.loading import load_cases

SOURCE = """
import numpy as np
from gradcheck_core import GradientCase


def cost(w):
    return float(w @ w)


first = GradientCase(cost, np.ones(2), np.full(2, 2.0))
second = GradientCase(cost, np.ones(3), np.full(3, 2.0), name="given")


def made():
    return GradientCase(cost, np.ones(4), np.full(4, 2.0))


def forgets():
    made()


def needs(size):
    return GradientCase(cost, np.ones(size), np.full(size, 2.0))


def fails():
    raise ZeroDivisionError("my own")


number = 3
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cases.py"
    path.write_text(SOURCE)
    before = list(sys.path), set(sys.modules)
    yield path
    assert sys.path == before[0]
    for name in set(sys.modules) - before[1]:
        del sys.modules[name]


def test_a_file_gives_every_case_in_order(file):
    cases = load_cases(str(file))

    assert [(case.name, len(case.params)) for case in cases] == [("first", 2), ("given", 3)]


@pytest.mark.parametrize(
    ("name", "shown", "size"), [("first", "first", 2), ("second", "given", 3), ("made", "made", 4)]
)
def test_a_name_gives_a_case_or_what_a_function_returns(file, name, shown, size):
    (case,) = load_cases(f"{file}::{name}")

    assert (case.name, len(case.params)) == (shown, size)


def test_a_loaded_case_can_be_checked(file):
    (case,) = load_cases(f"{file}::first")

    assert gc.check_gradients(case.cost, case.params, case.grads).verdict is gc.Verdict.CORRECT


def test_a_file_imports_its_neighbours(file):
    (file.parent / "neighbour_of_cases.py").write_text("import numpy as np\nvalue = np.ones(2)\n")
    file.write_text("from neighbour_of_cases import value\n" + SOURCE + "\nfirst = GradientCase(cost, value)\n")

    assert np.array_equal(load_cases(f"{file}::first")[0].params, np.ones(2))


def test_a_file_may_define_dataclasses_for_its_params(file):
    file.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Params:\n    w: float\n" + SOURCE.replace("np.ones(2)", "Params(1.0)")
    )

    assert load_cases(f"{file}::first")[0].params.w == 1.0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("third", r"::third: `third` does not exist; name a GradientCase or .*; cases in the file: first, second$"),
        ("number", "`number` is int; name a GradientCase or a function that returns one"),
        ("forgets", "`forgets` .*returned None"),
        ("needs", "`needs` .*argument"),
        ("first.cost", "`first.cost` does not exist"),
    ],
)
def test_a_name_that_is_no_case(file, name, message):
    with pytest.raises(gc.InvalidInputError, match=message):
        load_cases(f"{file}::{name}")


def test_a_function_that_raises_keeps_its_error(file):
    with pytest.raises(ZeroDivisionError, match="my own"):
        load_cases(f"{file}::fails")


def test_a_file_that_raises_keeps_its_error_and_its_line(file):
    file.write_text("import numpy\n\n1 / 0\n")

    with pytest.raises(ZeroDivisionError) as caught:
        load_cases(str(file))

    assert caught.traceback[-1].lineno == 2  # counted from 0


def test_a_file_without_cases(file):
    file.write_text("number = 3\n")

    with pytest.raises(
        gc.InvalidInputError, match=r"cases\.py: no module-level GradientCase in it; define one, or name"
    ):
        load_cases(str(file))
    with pytest.raises(gc.InvalidInputError, match=r"`w` does not exist; .*; cases in the file: none"):
        load_cases(f"{file}::w")


@pytest.mark.parametrize("target", ["missing.py", "missing.py::case"])
def test_a_file_that_is_not_there(tmp_path, target):
    with pytest.raises(gc.InvalidInputError, match=r"missing\.py: there is no such file; pass a Python file, or FILE"):
        load_cases(str(tmp_path / target))


def test_a_file_of_another_kind(tmp_path):
    (tmp_path / "cases.toml").write_text("")

    with pytest.raises(gc.InvalidInputError, match=r"cases\.toml is not a Python file; pass FILE\.py"):
        load_cases(str(tmp_path / "cases.toml"))
