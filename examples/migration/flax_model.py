"""The same model in JAX, with Flax."""

import jax
import optax
from flax import nnx

from gradcheck_core import GradientCase, load_snapshot
from task import CHANNELS, CLASSES, FEATURES, ORIGINAL, UNITS, WIDTH, recordings

jax.config.update("jax_enable_x64", True)


class Classifier(nnx.Module):
    def __init__(self, rngs):
        self.conv = nnx.Conv(CHANNELS, FEATURES, WIDTH, padding="VALID", param_dtype=float, rngs=rngs)
        self.lstm = nnx.RNN(nnx.OptimizedLSTMCell(FEATURES, UNITS, param_dtype=float, rngs=rngs))
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
    """With the original's weights, whose LSTM has two biases for every gate."""
    of = load_snapshot(ORIGINAL).theta
    model = Classifier(nnx.Rngs(0))
    lstm = model.lstm.cell
    model.conv.kernel[...] = of["conv.weight"].transpose(2, 1, 0)
    model.conv.bias[...] = of["conv.bias"]
    lstm.dense_i.kernel[...] = of["lstm.weight_ih_l0"].T
    lstm.dense_h.kernel[...] = of["lstm.weight_hh_l0"].T
    lstm.dense_h.bias[...] = of["lstm.bias_ih_l0"] + of["lstm.bias_hh_l0"]
    model.dense.kernel[...] = of["dense.weight"].T
    model.dense.bias[...] = of["dense.bias"]
    return case_of(model)
