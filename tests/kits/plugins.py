"""Fake frameworks and plugins in a folder of their own, and a Python process that finds them there."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

FLOATLIST = """
__version__ = "2.5"


class FloatList:
    def __init__(self, values):
        self.values = [float(value) for value in values]

    def total(self):
        return sum(value * value for value in self.values)
"""

FLOATLIST_BACKEND = """
import floatlist
import numpy as np

from gradcheck_core.protocol import Backend, Capability, Gradient, Layout, Problem


class FloatListBackend(Backend):
    name = "floatlist"
    capabilities = frozenset({Capability.AUTODIFF})

    def owns(self, leaf):
        return isinstance(leaf, floatlist.FloatList)

    def to_numpy(self, leaf):
        return np.array(leaf.values)

    def open(self, cost, params, args, precision, seed):
        return FloatListProblem(cost, params, args)


class FloatListProblem(Problem):
    def __init__(self, cost, params, args):
        self._cost, self._args = cost, args
        self._working = floatlist.FloatList(params.values)

    @property
    def layout(self):
        return Layout.of([("theta", (len(self._working.values),), "float64")])

    def read(self, parameter):
        return np.array(self._working.values)

    def write(self, parameter, entries, values):
        theta = self.read(parameter)
        theta[entries] = values
        self._working.values = theta.tolist()

    def evaluate(self):
        return self._cost(self._working, *self._args)

    def gradient(self, weigh):
        return Gradient(2 * self.read(0), ("float64",))

    def params(self):
        return self._working

    def changed_structure(self):
        return None

    def close(self):
        pass
"""


def install(site, name, version="1.0", modules=None, backends=None):
    """Lay a distribution out in `site`, as pip would: `modules` are sources by name, `backends` its entry points."""
    info = Path(site) / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    listed = [f"{info.name}/METADATA,,", f"{info.name}/RECORD,,"]
    for module, source in (modules or {}).items():
        (Path(site) / f"{module}.py").write_text(dedent(source))
        listed.append(f"{module}.py,,")
    if backends:
        lines = [f"{key} = {target}" for key, target in backends.items()]
        (info / "entry_points.txt").write_text("\n".join(["[gradcheck.backends]", *lines, ""]))
        listed.append(f"{info.name}/entry_points.txt,,")
    (info / "RECORD").write_text("\n".join([*listed, ""]))


def environment(site):
    """Environment variables for a process that finds `site`, and keeps stevedore's cache of entry points there too."""
    return {**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(Path(site) / "cache"), "COLUMNS": "300"}


def run_python(site, code):
    """What `code`, run in a Python that finds `site`, prints as JSON on its last line."""
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)],
        cwd=site,
        env=environment(site),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
