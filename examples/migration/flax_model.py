"""The same model in JAX, with Flax."""

import jax
import optax
from flax import nnx

from gradcheck_core import GradientCase
from original import weights_for
from task import CHANNELS, CLASSES, FEATURES, UNITS, WIDTH, recordings

jax.config.update("jax_enable_x64", True)


class Classifier(nnx.Module):
    def __init__(self, rngs):
        self.conv = nnx.Conv(CHANNELS, FEATURES, WIDTH, padding="VALID", param_dtype=float, rngs=rngs)
        self.lstm = nnx.RNN(nnx.LSTMCell(FEATURES, UNITS, param_dtype=float, rngs=rngs))
        self.dense = nnx.Linear(UNITS, CLASSES, param_dtype=float, rngs=rngs)

    def __call__(self, x):
        features = nnx.tanh(self.conv(x))
        return self.dense(self.lstm(features)[:, -1])


@nnx.jit
def cost(model, x, labels):
    return optax.softmax_cross_entropy_with_integer_labels(model(x), labels).mean()


def case_of(model):
    return GradientCase(cost, model, args=recordings(), name="Flax")


def case():
    return case_of(Classifier(nnx.Rngs(0)))


def migrated():
    """With the original's weights."""
    model = Classifier(nnx.Rngs(0))
    carried = weights_for(model)
    for path, param in nnx.to_flat_state(nnx.state(model, nnx.Param)):
        param[...] = carried[".".join(path)]
    return case_of(model)
