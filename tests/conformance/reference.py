"""A backend that keeps every law, and what it takes to break one: HIPS autograd's, with a generator and batches."""

import random

import autograd.numpy as anp
import numpy as np
from gradcheck_autograd import AutogradBackend

from gradcheck_core.protocol import Batch, Problem
from gradcheck_core.testing import Kit

GENERATOR = random.Random(7)
OPEN = AutogradBackend.open


def array(values, dtype="float64"):
    return np.array(values, dtype=dtype)


KIT = Kit(
    name="autograd",
    array=array,
    constant=array,
    value=np.asarray,
    sum=anp.sum,
    sin=anp.sin,
    tanh=anp.tanh,
    matmul=anp.matmul,
    overwrite=np.ndarray.fill,
    draw=lambda: np.float64(GENERATOR.random()),
    dtypes=("float32", "float16", "complex64", "complex128"),
)


class Reference(Problem):
    """Hands everything on; a broken backend overrides one method."""

    def __init__(self, backend, cost, params, args, precision, seed):
        self.given, self.cost, self.args, self.seed = params, cost, args, seed
        self.inner = self.opened(backend, cost, params, args, precision, seed)

    def opened(self, backend, *arguments):
        return OPEN(backend, *arguments)

    @property
    def layout(self):
        return self.inner.layout

    def read(self, parameter):
        return self.inner.read(parameter)

    def write(self, parameter, entries, values):
        self.inner.write(parameter, entries, values)

    def write_complex(self, parameter, entries, values):
        self.inner.write_complex(parameter, entries, values)

    def evaluate(self):
        callers = GENERATOR.getstate()
        GENERATOR.seed(self.seed)
        try:
            return self.inner.evaluate()
        finally:
            GENERATOR.setstate(callers)

    def gradient(self, weigh):
        return self.inner.gradient(weigh)

    def jvp(self, direction, weigh):
        return self.inner.jvp(direction, weigh)

    def hvp(self, direction, weigh):
        return self.inner.hvp(direction, weigh)

    def batch(self, weigh, memory):
        return OneByOne(self, weigh)

    def params(self):
        return self.inner.params()

    def changed_structure(self):
        return self.inner.changed_structure()

    def close(self):
        self.inner.close()


class OneByOne(Batch):
    """A batch in name only."""

    least = 10**9  # the core is to go one by one

    def __init__(self, problem, weigh):
        self.problem, self.weigh = problem, weigh

    def costs_at(self, parameter, entries, values):
        problem, costs = self.problem, []
        for entry, value in zip(entries, values, strict=True):
            present = problem.read(parameter)[entry]
            problem.write(parameter, int(entry), value)
            costs.append(float(problem.evaluate()))
            problem.write(parameter, int(entry), present)
        return np.array(costs)
