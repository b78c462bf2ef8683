"""The pytest plugin: fixtures, options, a marker and a summary.

It imports neither a framework nor the checker, so a suite that checks no gradient pays for this file only.
"""

from pathlib import Path
from shlex import quote

import pytest

from ..errors import MissingExtraError
from ..report.extras import require_report_extra
from .asker import Asker
from .checker import Checker
from .snapshots import FOLDER, Snapshots
from .summary import Summary

_SUMMARY = "gradcheck summary"

SUITE = ("leaves", "laws", "derivatives", "alterations", "scenarios", "declared", "doubles", "bad_input", "conformance")

# so that a failed assertion of the conformance suite shows its values; this imports none of these modules
pytest.register_assert_rewrite(*(f"gradcheck_core.testing.{module}" for module in SUITE))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, in a group of their own."""
    group = parser.getgroup("gradcheck", "gradient checks")
    group.addoption(
        "--gradcheck-html", metavar="DIR", type=Path, help="write a page for every check into this directory"
    )
    group.addoption(
        "--gradcheck-backend",
        metavar="NAME",
        help="check with this backend, and run tests marked gradcheck_backends with it alone",
    )
    group.addoption(
        "--gradcheck-record",
        action="store_true",
        help="write the snapshots of `gradient_snapshot` instead of verifying against them",
    )
    group.addoption(
        "--gradcheck-seed",
        metavar="N",
        type=int,
        default=0,
        help="seed of the checks that do not pass one (default: 0); a failed check says which it used",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and the summary."""
    config.addinivalue_line(
        "markers",
        "gradcheck_backends(*names): run the test once for each of these backends that is installed, or for every "
        "installed one; it gets the name through the fixture gradcheck_backend",
    )
    if config.getoption("gradcheck_html") is not None:
        try:
            require_report_extra("--gradcheck-html")
        except MissingExtraError as error:
            raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(Summary(), _SUMMARY)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a marked test once for each backend."""
    marker = metafunc.definition.get_closest_marker("gradcheck_backends")
    if marker is None:
        return
    if "gradcheck_backend" not in metafunc.fixturenames:
        msg = (
            f"{metafunc.definition.nodeid}: a test marked gradcheck_backends makes its parameters for the framework "
            "that it is run with; take the fixture `gradcheck_backend`, which is its name"
        )
        raise pytest.UsageError(msg)
    metafunc.parametrize("gradcheck_backend", _choose(metafunc.config, marker.args), indirect=True)


def _choose(config: pytest.Config, named: tuple[str, ...]) -> list[object]:
    from ..protocol.registry import backends  # not at the top: it imports NumPy

    infos = {info.name: info for info in backends()}
    only = config.getoption("gradcheck_backend")
    chosen: list[object] = []
    for name in named or sorted(infos):
        if only is not None and name != only:
            continue
        if name in infos and infos[name].available:
            chosen.append(name)
        elif named:  # asked for by name, so its absence has to show
            reason = infos[name].reason if name in infos else "no such backend is installed"
            chosen.append(pytest.param(name, marks=pytest.mark.skip(reason=f"{name}: {reason}")))
    return chosen


@pytest.fixture
def gradcheck_backend(request: pytest.FixtureRequest) -> str | None:
    """The name of the backend that this run of a test is for; None leaves it to the types of the parameters."""
    given: str | None = getattr(request, "param", None) or request.config.getoption("gradcheck_backend")
    return given


@pytest.fixture
def _gradcheck_asker(request: pytest.FixtureRequest, gradcheck_backend: str | None) -> Asker:
    option = request.config.getoption
    again = ["pytest", quote(str(request.config.cwd_relative_nodeid(request.node.nodeid)))]
    if option("gradcheck_backend") is not None:
        again.append(f"--gradcheck-backend={option('gradcheck_backend')}")
    return Asker(
        test=request.node.nodeid,
        properties=request.node.user_properties,
        backend=gradcheck_backend,
        seed=option("gradcheck_seed"),
        pages=option("gradcheck_html"),
        command=" ".join(again),
    )


@pytest.fixture
def gradcheck(_gradcheck_asker: Asker) -> Checker:
    """``gradcheck(cost, params, grads=None, **options)``: `check_gradients`, and an assertion that it passes."""
    return Checker(_gradcheck_asker)


@pytest.fixture
def gradient_snapshot(request: pytest.FixtureRequest, _gradcheck_asker: Asker) -> Snapshots:
    """``gradient_snapshot(case)`` compares a `GradientCase` with the file that is kept for this test."""
    return Snapshots(
        _gradcheck_asker,
        request.path.parent / FOLDER / request.path.stem,
        _without_backend(request),
        request.config.getoption("gradcheck_record"),
    )


def _without_backend(request: pytest.FixtureRequest) -> str:
    """Name the test within its module, without the backend that it runs with."""
    _, *names = str(request.node.nodeid).split("::")
    name = ".".join(names)
    start, bracket, parameters = name.partition("[")
    if not bracket:
        return name
    kept = parameters.removesuffix("]").split("-")
    backend = request.node.callspec.params.get("gradcheck_backend")
    if backend is not None:
        kept.remove(backend)  # once: another parameter may have the same name
    return f"{start}[{'-'.join(kept)}]" if kept else start
