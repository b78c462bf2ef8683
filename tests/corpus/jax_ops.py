"""The operations of the corpus in JAX."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import relu, sigmoid, softplus
from jax.numpy import (
    abs,
    concatenate,
    cos,
    einsum,
    exp,
    expm1,
    flip,
    floor,
    log,
    log1p,
    matmul,
    max,
    maximum,
    mean,
    minimum,
    pad,
    reshape,
    round,
    sign,
    sin,
    sqrt,
    stack,
    sum,
    take,
    tanh,
    transpose,
    where,
)
from jax.numpy.linalg import solve
from jax.scipy.special import logsumexp


def compiled(cost):
    return jax.jit(cost)


def autodiff(cost, params):
    with jax.enable_x64(True):
        return {name: np.asarray(grad) for name, grad in jax.grad(cost)(params).items()}


def logdet(a):
    return jnp.linalg.slogdet(a)[1]


def float32(x):
    return x.astype(jnp.float32).astype(x.dtype)


def conv(x, kernel, stride=1, padding=0, dilation=1):
    space = kernel.ndim - 2
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        window_strides=[stride] * space,
        padding=[(padding, padding)] * space,
        rhs_dilation=[dilation] * space,
    )
