"""The costs of an open problem in a batch, and the same one by one."""

import numpy as np

from gradcheck_core.protocol import registry
from gradcheck_core.protocol.outputs import Contraction


def together_and_alone(framework, function, params, precision="native"):
    """J with every number moved by a tenth, in a batch and one by one, parameter by parameter."""
    backend = registry.load_backend(framework)
    with backend.open(function, params, (), precision, 0) as problem:
        batch = problem.batch(Contraction(0).weights, 2**30)
        for i, parameter in enumerate(problem.layout.parameters):
            before = problem.read(i)
            entries, values = np.arange(parameter.size), before + 0.1
            together = batch.costs_at(i, entries, values)
            assert np.array_equal(problem.read(i), before)
            alone = []
            for entry, value in zip(entries.tolist(), values.tolist(), strict=True):
                problem.write(i, entry, value)
                # never evaluated at the theta it was opened with, it has nothing to hold a compiled cost against
                alone.append(Contraction(0).value(problem.evaluate(), backend.to_numpy).value)
                problem.write(i, entry, float(before[entry]))
            yield together, np.array(alone)
