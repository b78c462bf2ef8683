"""Which frameworks the tests run with: those named by --backends, and a named one that is absent is a failure."""

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

# The same examples in every run, so that a change is judged by what it changes, however slow the machine is;
# `--hypothesis-profile=default` looks for new ones.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")

FRAMEWORKS = ("numpy", "torch", "tensorflow", "jax")
BY_FRAMEWORK = ("backends", "docs", "examples")
"""Folders that run with the frameworks that are named, each with a folder for what one framework alone has."""
OF_KERAS = ("torch", "tensorflow", "jax")  # those that Keras can differentiate with


def pytest_addoption(parser):
    parser.addoption(
        "--backends",
        default="numpy",
        help="frameworks to test, separated by commas, or 'none'; each has to be installed (default: numpy)",
    )
    parser.addoption(
        "--ecosystem",
        action="store_true",
        help="also test the conformance suite; examples/backends has to be installed",
    )
    parser.addoption("--browser", action="store_true", help="also open pages in Chromium; its absence is a failure")
    parser.addoption("--clusters", action="store_true", help="also start a dask and a ray cluster; both are needed")


def selected(config):
    asked = config.getoption("--backends")
    names = () if asked == "none" else tuple(asked.split(","))
    unknown = [name for name in names if name not in FRAMEWORKS]
    if unknown:
        msg = f"--backends={asked}: unknown {unknown}; known are {', '.join(FRAMEWORKS)}, none"
        raise pytest.UsageError(msg)
    return names


def for_keras(config):
    """The framework that Keras computes with in this process; None where none is selected, or more than one."""
    able = [name for name in selected(config) if name in OF_KERAS]
    return able[0] if len(able) == 1 else None


def pytest_configure(config):
    if for_keras(config) is not None:
        os.environ["KERAS_BACKEND"] = for_keras(config)  # before any test imports Keras, which chooses then
    # absent: the run ends here, it does not skip; a process that only hands out the tests need not import it for that
    hands_out = bool(config.getoption("numprocesses", None))
    for name in selected(config):
        if not hands_out:
            importlib.import_module(name)
        elif importlib.util.find_spec(name) is None:
            msg = f"No module named {name!r}"
            raise ModuleNotFoundError(msg, name=name)


def pytest_ignore_collect(collection_path, config):
    parent = collection_path.parent
    if collection_path.name == "browser" and not config.getoption("--browser"):
        return True
    if collection_path.name == "clusters" and not config.getoption("--clusters"):
        return True
    if collection_path.name == "conformance" and not config.getoption("--ecosystem"):
        return True
    if collection_path.name == "together" and set(selected(config)) != set(FRAMEWORKS):
        return True
    own = [path.name for path in (collection_path, parent) if path.parent.name in BY_FRAMEWORK]
    if any(name in FRAMEWORKS and name not in selected(config) for name in own):
        return True
    if not selected(config) and parent.name in BY_FRAMEWORK:
        return True
    if collection_path.name.startswith("test_keras") and for_keras(config) is None:
        return True
    return None


def pytest_generate_tests(metafunc):
    if "kit" in metafunc.fixturenames and metafunc.cls is None:  # a conformance suite has its own
        metafunc.parametrize("kit", selected(metafunc.config), indirect=True)


@pytest.fixture
def kit(request):
    return importlib.import_module(f"{request.param}_kit").KIT


@pytest.fixture(scope="session")
def gradcheck():
    """The installed command, run as a process of its own."""
    command = shutil.which("gradcheck", path=str(Path(sys.executable).parent))
    assert command is not None, "the command `gradcheck` is not installed beside this Python"

    def run(*arguments, **options):
        return subprocess.run([command, *arguments], capture_output=True, text=True, check=False, **options)

    return run
