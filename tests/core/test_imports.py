import doctest
import importlib
import pkgutil
import sys

import pytest
from plugins import install, run_python

import gradcheck_core

FRAMEWORKS = ["torch", "tensorflow", "jax", "keras", "flax"]
PLUGINS = ["gradcheck_numpy", "gradcheck_torch", "gradcheck_tensorflow", "gradcheck_jax"]
MODULES = [module.name for module in pkgutil.walk_packages(gradcheck_core.__path__, "gradcheck_core.")]


def imported_by(site, code):
    """Which frameworks and plugins a fresh process has imported after it ran `code`."""
    probe = f"import json, sys; print(json.dumps([name for name in {FRAMEWORKS + PLUGINS} if name in sys.modules]))"
    return run_python(site, f"{code}\n{probe}")


@pytest.mark.parametrize(
    "code",
    [
        "from gradcheck_core import *",
        "import gradcheck_core; gradcheck_core.backends()",
        "import gradcheck_core.cli",
        "import gradcheck_core.demo.show",
    ],
)
def test_neither_framework_nor_plugin_is_imported(tmp_path, code):
    assert imported_by(tmp_path, code) == []


def test_the_probe_notices_what_is_imported(tmp_path):
    install(tmp_path, "torch", modules={"torch": ""})

    assert imported_by(tmp_path, "import gradcheck_core, torch") == ["torch"]
    assert imported_by(tmp_path, "import gradcheck_core, gradcheck_numpy") == ["gradcheck_numpy"]


def test_a_check_by_name_imports_that_backend_alone(tmp_path):
    code = "from gradcheck_core import check_gradients as c; c(lambda w: w[0] ** 2, [1.0], [2.0], backend='numpy')"

    assert imported_by(tmp_path, code) == ["gradcheck_numpy"]


def test_every_public_name_can_be_had():
    assert len(set(gradcheck_core.__all__)) == len(gradcheck_core.__all__) > 20
    assert {name: getattr(gradcheck_core, name).__name__ for name in gradcheck_core.__all__} == {
        name: name for name in gradcheck_core.__all__
    }
    assert set(gradcheck_core.__all__) <= set(dir(gradcheck_core))


def test_the_import_by_itself_loads_nothing_and_a_name_what_it_needs(tmp_path):
    loaded = "import sys, json; print(json.dumps(sorted(m for m in sys.modules if m.startswith('gradcheck_core'))))"

    assert run_python(tmp_path, f"import gradcheck_core; {loaded}") == ["gradcheck_core"]
    assert "gradcheck_core.check" not in run_python(tmp_path, f"from gradcheck_core import Verdict; {loaded}")


def test_the_walk_finds_the_modules():
    assert {"gradcheck_core.check", "gradcheck_core.numerics.steps", "gradcheck_core.demo.show"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_can_be_imported_first(tmp_path, name):
    assert run_python(tmp_path, f"import {name}; print('true')") is True


def examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]


@pytest.mark.parametrize("test", examples(), ids=lambda test: test.name)
def test_the_examples_of_a_docstring_come_true(test):
    runner = doctest.DocTestRunner(verbose=False)

    assert runner.run(test, out=sys.stdout.write).failed == 0


def test_there_are_examples():
    documented = {test.name for test in examples()}

    assert sum(len(test.examples) for test in examples()) >= 20
    assert {"gradcheck_core.check.check_gradients", "gradcheck_core.textbook.gradient_checking"} <= documented
