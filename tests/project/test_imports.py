import ast
import doctest
import importlib
import pkgutil
import sys
import tomllib
from pathlib import Path

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
        "import gradcheck_core.cli.demo.show",
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


def test_type_checkers_and_the_interpreter_are_told_the_same_names():
    module = ast.parse(Path(gradcheck_core.__file__).read_text(encoding="utf-8"))
    (choice,) = (node for node in module.body if isinstance(node, ast.If))
    typed = {(node.module, alias.name, alias.asname) for node in choice.body for alias in node.names}
    (table,) = (node for node in ast.walk(choice) if isinstance(node, ast.Dict))
    lazy = {(home, name, name) for home, names in ast.literal_eval(table).items() for name in names}

    assert typed == lazy


def test_every_package_of_the_wheel_says_that_it_is_typed(request):
    root = request.config.rootpath
    wheel = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    added = wheel["wheel"]["force-include"]
    claimed = {
        Path(to).parent.name for source, to in added.items() if to.endswith("py.typed") and (root / source).exists()
    }
    claimed |= {Path(package).name for package in wheel["wheel"]["packages"] if (root / package / "py.typed").exists()}

    assert claimed == {Path(package).name for package in wheel["wheel"]["packages"]}


def test_the_import_by_itself_loads_nothing_and_a_name_what_it_needs(tmp_path):
    loaded = "import sys, json; print(json.dumps(sorted(m for m in sys.modules if m.startswith('gradcheck_core'))))"

    assert run_python(tmp_path, f"import gradcheck_core; {loaded}") == ["gradcheck_core"]
    assert "numpy" not in run_python(tmp_path, "import gradcheck_core, sys, json; print(json.dumps(list(sys.modules)))")
    assert "gradcheck_core.check.api" not in run_python(tmp_path, f"from gradcheck_core import Verdict; {loaded}")


def test_the_walk_finds_the_modules():
    assert {"gradcheck_core.check.api", "gradcheck_core.numerics.steps", "gradcheck_core.cli.demo.show"} <= set(MODULES)


def that_cannot_be_first(site, package, names):
    """Which modules of a package fail where they are the first of it to be imported, and why.

    One process does them all and forgets the package between two: what it imports from others takes most of the time.
    """
    return run_python(
        site,
        f"""
        import importlib, json, sys

        failed = {{}}
        for name in {names}:
            for loaded in [one for one in sys.modules if one.partition(".")[0] == {package!r}]:
                del sys.modules[loaded]
            try:
                importlib.import_module(name)
            except Exception as error:
                failed[name] = str(error)
        print(json.dumps(failed))
        """,
    )


@pytest.mark.slow
def test_every_module_can_be_imported_first(tmp_path):
    assert that_cannot_be_first(tmp_path, "gradcheck_core", MODULES) == {}


def test_a_module_that_needs_another_to_be_imported_before_it_is_found(tmp_path):
    folder = tmp_path / "cyclic"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "first.py").write_text("early = 1\nfrom cyclic.second import late\n")
    (folder / "second.py").write_text("from cyclic.first import early\nlate = 2\n")

    failed = that_cannot_be_first(tmp_path, "cyclic", ["cyclic.first", "cyclic.second", "cyclic.first"])

    assert list(failed) == ["cyclic.second"]
    assert "partially initialized module" in failed["cyclic.second"]


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
    assert {"gradcheck_core.check.api.check_gradients", "gradcheck_core.check.textbook.gradient_checking"} <= documented
