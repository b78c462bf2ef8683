"""A backend that keeps every law, and what it takes to break one: autograd's, with a generator, batches and GELU."""

import math
import random

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from gradcheck_autograd import AutogradBackend

from gradcheck_core.protocol import Alteration, Batch, Problem, causes
from gradcheck_core.testing import Kit

GENERATOR = random.Random(7)
OPEN = AutogradBackend.open


def array(values, dtype="float64"):
    return np.array(values, dtype=dtype)


erf = primitive(lambda x: np.vectorize(math.erf)(x))
defvjp(erf, lambda value, x: lambda grad: grad * 2 / math.sqrt(math.pi) * anp.exp(-(x**2)))


class Gelu:
    """A framework's switch for all that is called: GELU by its approximation, or exact."""

    exact, calls = False, 0

    def __call__(self, x):
        self.calls += 1
        if self.exact:
            return x * (1 + erf(x / math.sqrt(2))) / 2
        return x * (1 + anp.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


GELU = Gelu()


def exactly(cost):
    """The cost with an exact GELU."""

    def called(*arguments):
        GELU.exact = True
        try:
            return cost(*arguments)
        finally:
            GELU.exact = False

    return called


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
    gelu=GELU,
    dtypes=("float32", "float16", "complex64", "complex128"),
    alterations=lambda problem: problem.alterations(),
)


class Reference(Problem):
    """Hands everything on; a broken backend overrides one method."""

    def __init__(self, backend, cost, params, args, precision, seed):
        self.given, self.cost, self.args, self.seed = params, cost, args, seed
        GELU.exact = False  # as a broken one may have left it
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

    def alterations(self):
        before = GELU.calls
        self.evaluate()
        return [Alteration("gelu", causes.describe_gelu(exact=True), exactly)] if GELU.calls > before else []

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
