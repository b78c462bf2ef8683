"""The benchmarks run, and what they count and find is so; how long anything takes is no test."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[3] / "benchmarks" / "run.py"


def run(*arguments):
    # The scripts import each other, which a safe path would forbid.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return subprocess.run(
        [sys.executable, RUN, *map(str, arguments)], capture_output=True, text=True, env=environment, check=False
    )


@pytest.mark.parametrize("contender", ["gradcheck, PyTorch", "torch gradcheck", "torch gradcheck, fast"])
def test_a_contender_is_measured_on_the_smallest_problem(contender, tmp_path):
    done = run("--quick", "--only", contender, "--details", tmp_path / "details")

    assert done.returncode == 0, done.stderr
    name, problem, found = json.loads((tmp_path / "details").read_text())
    assert (name, problem) == (contender, "mlp-600")
    assert found["accepts"]
    assert found["finds"] or "fast" in contender  # a random direction may miss an entry
    assert found["cold"] > 0
    assert found["warm"] > 0
    assert found["evaluations"] >= found["calls"]
    assert (found["evaluations"] >= 2 * 608) is ("fast" not in contender)
    assert f"| {contender} |" in done.stdout


def test_an_unknown_name_is_refused():
    done = run("--quick", "--only", "nobody")

    assert done.returncode == 2
    assert "no contender and no problem of that name" in done.stderr
