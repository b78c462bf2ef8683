"""What the pytest plugin costs: a thousand small checks as tests and in a loop, and a suite that has none.

Run with ``python benchmarks/in_pytest.py``; processor time of whole processes, in turn, the least of several: what is
more than that is other work of the machine. No other plugin takes part, and everything is compiled before: hypothesis'
plugin alone imports for half a second, and pytest compiles what it rewrites in every run that may not keep it.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKS = 1000
REPEATS = 5

CASE = """
import numpy as np

W = np.linspace(-1.0, 1.0, 20)


def case(k):
    return lambda w: float(np.sum(np.sin(k * w))), W, k * np.cos(k * W)
"""

LOOP = f"""
from case import case
from gradcheck_core import assert_gradients

for k in range(1, {CHECKS} + 1):
    assert_gradients(*case(k))
"""

TESTS = f"""
import pytest
from case import case


@pytest.mark.parametrize("k", range(1, {CHECKS} + 1))
def test_gradient(gradcheck, k):
    gradcheck(*case(k))
"""

NOTHING = """
def test_nothing():
    pass
"""


def seconds(folder: Path, *arguments: str) -> float:
    """Processor time of one run of Python in a folder."""
    environment = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, alternating, and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in (("case", CASE), ("loop", LOOP), ("test_checks", TESTS), ("test_nothing", NOTHING)):
            (folder / f"{file}.py").write_text(text)
        pytest = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
        plugin = ("-p", "gradcheck_core.testing.plugin")
        runs = {
            "loop": ("loop.py",),
            "tests": (*pytest, *plugin, "test_checks.py"),
            "without checks": (*pytest, *plugin, "test_nothing.py"),
            "without the plugin": (*pytest, "test_nothing.py"),
        }
        for arguments in runs.values():
            seconds(folder, *arguments)  # compiles what is not compiled yet
        rounds = [{name: seconds(folder, *run) for name, run in runs.items()} for _ in range(REPEATS)]
        taken = {name: min(each[name] for each in rounds) for name in runs}
    print(f"{CHECKS} checks in a loop: {taken['loop']:.2f} s; as tests: {taken['tests']:.2f} s")
    print(f"ratio {taken['tests'] / taken['loop']:.2f}")
    pays = 1e3 * (taken["without checks"] - taken["without the plugin"])
    print(f"a suite without checks pays {pays:.0f} ms")


if __name__ == "__main__":
    main()
