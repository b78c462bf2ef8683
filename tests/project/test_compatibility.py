"""The versions that are promised, tested and written down are the same."""

import configparser
import itertools
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
    """The oldest versions that are tested, which of some libraries is the newest too."""
    return {**dict(pins("constraints.txt")), **dict(pins("tox.ini")), **dict(pins("constraints-oldest.txt"))}


def test_every_lower_bound_is_a_version_that_the_tests_run_with():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = {name: wanted for name, wanted in project["optional-dependencies"].items() if name != "all"}
    wanted = map(Requirement, [*project["dependencies"], *itertools.chain.from_iterable(optional.values())])
    bounds = {requirement.name: requirement.specifier for requirement in wanted}

    assert {name: oldest().get(name) for name in bounds} == {
        name: Version(str(bound).removeprefix(">=")) for name, bound in bounds.items()
    }


def test_the_example_is_tested_with_the_newest_versions_and_the_oldest():
    newest = dict(pins("constraints.txt"))

    for name, version in pins("examples/matrix/tox.ini"):
        assert version in (newest[name], oldest()[name])


def test_the_page_has_the_versions_of_the_tests():
    page = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    rows = {
        name.lower(): columns for name, *columns in re.findall(r"^\| (\w+) \| (\S+) \| (\S+) \|", page, re.MULTILINE)
    }
    newest = dict(pins("constraints.txt"))

    called = {"pytorch": "torch", "tensorflow": "tensorflow-cpu"}
    tested = {row: versions for row, versions in rows.items() if row not in ("framework", "python")}
    assert {row: [*map(Version, versions)] for row, versions in tested.items()} == {
        row: [oldest()[called.get(row, row)], newest[called.get(row, row)]] for row in tested
    }
    assert {"numpy", "pytorch", "tensorflow", "jax", "keras", "flax"} <= set(tested)


def expanded(pattern):
    """The names that a pattern of tox' `env_list` stands for."""
    parts = [part.strip("{}").split(",") for part in re.findall(r"\{[^}]*\}|[^{}]+", pattern)]
    return ["".join(chosen) for chosen in itertools.product(*parts)]


def applies(condition, environment):
    """Whether a line of tox.ini that begins with this condition belongs to an environment."""
    factors = environment.split("-")
    choices = [choice.split("-") for choice in condition.split(",")]
    return any(all((one.lstrip("!") in factors) != one.startswith("!") for one in choice) for choice in choices)


def test_every_environment_of_tox_runs_something():
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    environments = list(itertools.chain.from_iterable(map(expanded, tox["tox"]["env_list"].split())))
    conditions = re.findall(r"^([a-z0-9!,-]+): ", tox["testenv"]["commands"], re.MULTILINE)

    shared = [name for name in environments if f"testenv:{name}" not in tox]
    idle = [name for name in shared if not any(applies(condition, name) for condition in conditions)]

    assert "py311-tensorflow-oldest" in shared
    assert idle == []
