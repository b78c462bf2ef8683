"""Which frameworks the tests run with: those named by --backends, and a named one that is absent is a failure."""

import importlib

import pytest

FRAMEWORKS = ("numpy", "torch", "tensorflow", "jax")


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
    parser.addoption("--clusters", action="store_true", help="also start a dask and a ray cluster; both are needed")


def selected(config):
    asked = config.getoption("--backends")
    names = () if asked == "none" else tuple(asked.split(","))
    unknown = [name for name in names if name not in FRAMEWORKS]
    if unknown:
        msg = f"--backends={asked}: unknown {unknown}; known are {', '.join(FRAMEWORKS)}, none"
        raise pytest.UsageError(msg)
    return names


def pytest_configure(config):
    for name in selected(config):
        importlib.import_module(name)  # absent: the run ends here, it does not skip


def pytest_ignore_collect(collection_path, config):
    parent = collection_path.parent
    if collection_path.name == "clusters" and not config.getoption("--clusters"):
        return True
    if collection_path.name == "conformance" and not config.getoption("--ecosystem"):
        return True
    own = [path.name for path in (collection_path, parent) if path.parent.name == "backends"]
    if any(name in FRAMEWORKS and name not in selected(config) for name in own):
        return True
    if not selected(config) and parent.name == "backends":
        return True
    return None


def pytest_generate_tests(metafunc):
    if "kit" in metafunc.fixturenames and metafunc.cls is None:  # a conformance suite has its own
        metafunc.parametrize("kit", selected(metafunc.config), indirect=True)


@pytest.fixture
def kit(request):
    return importlib.import_module(f"{request.param}_kit").KIT
