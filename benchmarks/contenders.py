"""Who is measured on what; nothing of theirs is imported here."""

from dataclasses import dataclass
from typing import final

from problems import CONV_30K, PERCEPTRONS, PROBLEMS, Problem


@final
@dataclass(frozen=True, slots=True)
class Contender:
    """A checker as it is called on one framework's functions.

    Attributes
    ----------
    name : str
        As `--only` takes it and the page calls it.
    module : str
        The file here that calls it; its table `CONTENDERS` has the function under the contender's name.
    problems : tuple of Problem
        What it is measured on.
    call : str
        The call, for the page.
    """

    name: str
    module: str
    problems: tuple[Problem, ...]
    call: str


OURS = "gradcheck"
"""What this project's contenders' names begin with."""

_TORCHS = (*PERCEPTRONS, CONV_30K)

CONTENDERS = (
    Contender("gradcheck, PyTorch", "with_torch", _TORCHS, "`check_gradients(..., method='exhaustive')`"),
    Contender("torch gradcheck", "with_torch", _TORCHS, "`torch.autograd.gradcheck(...)`"),
    Contender("gradcheck projected, PyTorch", "with_torch", PROBLEMS, "`check_gradients(..., method='projected')`"),
    Contender("torch gradcheck, fast", "with_torch", PROBLEMS, "`torch.autograd.gradcheck(..., fast_mode=True)`"),
    Contender("gradcheck, JAX", "with_jax", PERCEPTRONS, "`check_gradients(..., method='exhaustive')`"),
    Contender("gradcheck projected, JAX", "with_jax", PERCEPTRONS, "`check_gradients(..., method='projected')`"),
    Contender("jax check_grads", "with_jax", PERCEPTRONS, "`jax.test_util.check_grads(..., order=1, modes=['rev'])`"),
    Contender("gradcheck, TensorFlow", "with_tensorflow", PERCEPTRONS, "`check_gradients(..., method='exhaustive')`"),
    Contender(
        "gradcheck projected, TensorFlow", "with_tensorflow", PERCEPTRONS, "`check_gradients(..., method='projected')`"
    ),
    Contender("tf compute_gradient", "with_tensorflow", PERCEPTRONS, "`tf.test.compute_gradient`, then their maximum"),
    Contender("gradcheck, NumPy", "with_numpy", PERCEPTRONS, "`check_gradients(..., method='exhaustive')`"),
    Contender("gradcheck, NumPy batched", "with_numpy", PERCEPTRONS, "the same of a `BatchedCost`"),
    Contender("gradcheck projected, NumPy", "with_numpy", PERCEPTRONS, "`check_gradients(..., method='projected')`"),
    Contender("textbook", "with_numpy", PERCEPTRONS, "`gradient_checking(params, grads, cost)`"),
    Contender("scipy check_grad", "with_numpy", PERCEPTRONS, "`scipy.optimize.check_grad(...)`"),
    Contender(
        "scipy approx_derivative", "with_numpy", PERCEPTRONS, "`approx_derivative(..., method='3-point')`, compared"
    ),
    Contender("numdifftools", "with_numpy", PERCEPTRONS, "`numdifftools.Gradient(...)`, compared"),
    Contender(
        "autograd check_grads", "with_autograd", PERCEPTRONS, "`autograd.test_util.check_grads(..., modes=['rev'])`"
    ),
)
