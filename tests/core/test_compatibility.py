"""The versions that are promised, tested and written down are the same."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^\s*(?:[a-z!-]+: )?([\w-]+)==([\d.]+)$", re.MULTILINE)


def pins(file):
    return [(name, Version(version)) for name, version in PIN.findall((ROOT / file).read_text(encoding="utf-8"))]


def oldest():
    return {**dict(pins("tox.ini")), **dict(pins("constraints-oldest.txt"))}


def test_every_lower_bound_is_a_version_that_the_tests_run_with():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    wanted = [*project["dependencies"], *optional["jax"], *optional["migration"]]
    bounds = {requirement.name: requirement.specifier for requirement in map(Requirement, wanted)}

    assert {name: oldest().get(name) for name in bounds} == {
        name: Version(str(bound).removeprefix(">=")) for name, bound in bounds.items()
    }


def test_the_example_is_tested_with_the_newest_versions_and_the_oldest():
    newest = dict(pins("constraints.txt"))

    for name, version in pins("examples/matrix/tox.ini"):
        assert version in (newest[name], oldest().get(name))


def test_the_page_has_the_versions_of_the_tests():
    page = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    rows = {
        name.lower(): columns for name, *columns in re.findall(r"^\| (\w+) \| (\S+) \| (\S+) \|", page, re.MULTILINE)
    }
    newest = dict(pins("constraints.txt"))

    for name in ("numpy", "jax"):
        assert [Version(version) for version in rows[name]] == [oldest()[name], newest[name]]
    for name, row in {"torch": "pytorch", "tensorflow-cpu": "tensorflow", "keras": "keras", "flax": "flax"}.items():
        assert [Version(version) for version in rows[row]] == [newest[name]] * 2
