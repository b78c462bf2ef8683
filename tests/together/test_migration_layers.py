"""The kits of the same layers in every framework, which the tests of migration stand on."""

import jax
import numpy as np
import pytest
from migration_layers import FRAMEWORKS, LAYERS, SIZES, case

from gradcheck_core.protocol.registry import to_numpy


def cost_of(made):
    with jax.enable_x64(True):
        return float(to_numpy(made.cost(made.params)))


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_is_the_same_function_in_every_framework(layer, sizes):
    lacking = {("nnx", "gru"), ("nnx", "flatten")}
    costs = {
        framework: cost_of(case(layer, framework, SIZES[sizes]))
        for framework in FRAMEWORKS
        if (framework, layer) not in lacking
    }

    assert len(costs) >= 3
    # a few hundred roundings of float64
    assert all(np.isclose(cost, costs["torch"], rtol=1e-13, atol=0) for cost in costs.values()), costs
