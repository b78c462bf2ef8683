import jax
import jax.numpy as jnp
import numpy as np

from gradcheck_core.testing import Kit
from gradcheck_jax.causes import find_alterations


def _array(values, dtype="float64"):
    with jax.enable_x64(dtype in ("float64", "complex128")):
        return jnp.asarray(np.asarray(values), dtype=dtype)


KIT = Kit(
    name="jax",
    array=_array,
    constant=_array,
    value=lambda array: np.asarray(array).astype(np.float64),
    sum=jnp.sum,
    sin=jnp.sin,
    tanh=jnp.tanh,
    matmul=jnp.matmul,
    overwrite=None,
    gelu=jax.nn.gelu,
    alterations=find_alterations,
)
