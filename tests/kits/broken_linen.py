"""The classifier of `broken_migrations` in Flax's linen modules."""

import jax
import jax.numpy as jnp
from broken_migrations import EPSILON, FILTERS, HIDDEN, OPTIONS, OUTPUTS, RATE, Mistakes
from flax import linen as nn
from migration_linen import arrays

from gradcheck_core import GradientCase

WIDE = {"param_dtype": "float64"}


class Net(nn.Module):
    mistakes: Mistakes

    @nn.compact
    def __call__(self, images):
        padding = ((1, 1), (1, 1)) if self.mistakes.padding else "SAME"
        maps = nn.Conv(FILTERS, (3, 3), strides=2, padding=padding, name="conv", **WIDE)(images)
        epsilon = 1e-3 if self.mistakes.epsilon else EPSILON
        norm = nn.BatchNorm(use_running_average=not self.mistakes.mode, epsilon=epsilon, name="norm", **WIDE)
        maps = nn.gelu(norm(maps), approximate=self.mistakes.gelu)
        if self.mistakes.flatten_order:
            maps = maps.transpose(0, 3, 1, 2)
        hidden = jnp.tanh(nn.Dense(HIDDEN, name="dense", **WIDE)(maps.reshape(maps.shape[0], -1)))
        hidden = nn.Dense(HIDDEN, use_bias=False, name="square", **WIDE)(hidden)
        if self.mistakes.dtype:
            hidden = hidden.astype(jnp.bfloat16).astype(jnp.float64)
        bent = nn.soft_sign(hidden) if self.mistakes.unknown_activation else jnp.tanh(hidden)
        bent = nn.Dropout(RATE, deterministic=not self.mistakes.dropout)(bent)
        return nn.Dense(OUTPUTS, use_bias=False, name="out", **WIDE)(bent)


def case(drawn, mistakes):
    model = Net(mistakes)
    params = {
        "conv": {"kernel": drawn.conv, "bias": drawn.conv_bias},
        "norm": {"scale": drawn.gain, "bias": drawn.shift},
        "dense": {"kernel": drawn.dense, "bias": drawn.dense_bias},
        "square": {"kernel": drawn.square},
        "out": {"kernel": drawn.out},
    }
    statistics = arrays({"norm": {"mean": drawn.mean, "var": drawn.variance}})
    images = arrays({"images": drawn.images})["images"]

    def cost(params, images):
        outputs, _ = model.apply(
            {"params": params, "batch_stats": statistics},
            images,
            rngs={"dropout": jax.random.key(5)},
            mutable=["batch_stats"],
        )
        total = (outputs**2).sum() if mistakes.reduction else (outputs**2).mean()
        return total + 0.1 * (params["out"]["kernel"] ** 2).sum() if mistakes.unknown_penalty else total

    return GradientCase(cost, arrays(params), args=(images,), options=OPTIONS)
