"""The demonstration network as a JAX user would write it."""

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from gradcheck_core import GradientCase

Array = npt.NDArray[np.float64]


def softmax_case(params: dict[str, Array], features: Array, labels: Array) -> GradientCase:
    """A dict of arrays and its cross-entropy on the data; in float64 whatever JAX is set to."""
    with jax.enable_x64(True):
        pytree = {name: jnp.asarray(array) for name, array in params.items()}
    return GradientCase(_cost, pytree, args=(features, labels), name="jax")


@jax.jit
def _cost(params: dict[str, jax.Array], features: Array, labels: Array) -> jax.Array:
    hidden = jnp.tanh(features @ params["W1"] + params["b1"])
    log_probabilities = jax.nn.log_softmax(hidden @ params["W2"] + params["b2"])
    return -jnp.mean(jnp.sum(labels * log_probabilities, axis=1))
