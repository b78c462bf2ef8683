"""The classifier in JAX."""

import jax
import jax.numpy as jnp

from gradcheck_core import GradientCase
from weights import HIDDEN_BIAS, HIDDEN_KERNEL, LABELS, OUTPUT_BIAS, OUTPUT_KERNEL, X

jax.config.update("jax_enable_x64", True)


def cost(params, x, labels):
    hidden = jnp.tanh(x @ params["hidden"]["kernel"] + params["hidden"]["bias"])
    logits = hidden @ params["output"]["kernel"] + params["output"]["bias"]
    return -jax.nn.log_softmax(logits)[jnp.arange(len(x)), labels].mean()


def case():
    params = {
        "hidden": {"kernel": jnp.asarray(HIDDEN_KERNEL), "bias": jnp.asarray(HIDDEN_BIAS)},
        "output": {"kernel": jnp.asarray(OUTPUT_KERNEL), "bias": jnp.asarray(OUTPUT_BIAS)},
    }
    return GradientCase(cost, params, args=(X, LABELS), name="JAX")
