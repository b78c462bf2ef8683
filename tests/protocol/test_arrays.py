"""What `ArrayBackend` derives from a few functions, beside what the conformance suite sees of it."""

import inspect

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.protocol import Capability
from gradcheck_core.protocol.arrays import ArrayBackend


class Forgetful(ArrayBackend):
    """Declares that it differentiates, and finds that nothing reaches the cost."""

    name = "forgetful"
    capabilities = frozenset({Capability.AUTODIFF})
    tensors = (np.ndarray,)

    def to_numpy(self, leaf):
        return np.asarray(leaf)

    def tensor(self, values, dtype, like):
        return np.array(values, dtype=dtype)

    def contract(self, output, weights):
        return np.sum(output * weights)

    def gradients(self, function, tensors):
        self.cost = function(tensors)
        return [None for _ in tensors]


def opened(cost, params, backend=None):
    return (backend or Forgetful()).open(cost, params, (), "native", 0)


def ones(shapes):
    return [np.ones(shape) for shape in shapes]


def test_what_a_backend_has_to_define_are_three_functions_beside_its_attributes():
    assert inspect.isabstract(ArrayBackend)
    assert ArrayBackend.__abstractmethods__ == {"to_numpy", "tensor", "contract"}


def test_arrays_of_objects_are_refused_by_name():
    with pytest.raises(gc.InvalidInputError, match="`params`: `rows` has dtype object; pass floating arrays, all rows"):
        opened(lambda p: 0.0, {"rows": np.array([[1.0], [1.0, 2.0]], dtype=object)})


def test_a_gradient_of_a_cost_that_returns_a_plain_number_is_refused():
    with (
        opened(lambda p: float(np.sum(p)), np.ones(2)) as problem,
        pytest.raises(
            gc.InvalidInputError, match="`cost` returned float, through which forgetful cannot differentiate; return"
        ),
    ):
        problem.gradient(ones)


def test_a_gradient_of_none_counts_as_zero_with_a_note():
    with opened(lambda p: p["w"] * 2, {"w": np.ones(2, np.float32)}) as problem:
        gradient = problem.gradient(ones)

    assert gradient.d_theta.tolist() == [0, 0]
    assert gradient.dtypes == ("float32",)
    assert gradient.notes == ("`w`: the cost does not use it, so its gradient counts as zero",)


def test_the_function_to_differentiate_is_the_weighted_sum_of_tensors():
    backend = Forgetful()
    with opened(lambda p: [0.5, p * np.array([1.0, 10.0])], np.array([2.0, 3.0]), backend) as problem:
        problem.gradient(lambda shapes: [np.full(shape, 7.0 + len(shape)) for shape in shapes])

    assert backend.cost == 8 * (2 + 30)  # the number beside them is a constant, whose weight is its own


@pytest.mark.parametrize(("ask", "name"), [("jvp", "forward"), ("hvp", "autodiff")])
def test_what_is_not_declared_is_not_there(ask, name):
    class Silent(Forgetful):
        capabilities = frozenset()
        gradients, derivative = ArrayBackend.gradients, ArrayBackend.derivative

    with (
        opened(lambda p: p * 2, np.ones(2), Silent()) as problem,
        pytest.raises(AssertionError, match=f"does not declare <Capability.{name.upper()}"),
    ):
        getattr(problem, ask)(np.ones(2), ones)


def test_what_is_carried_is_a_copy():
    kept = np.array([1, 2])

    def overwriting(p):
        p["n"][0] = 9
        return p["w"]

    with opened(overwriting, {"w": np.ones(1), "n": kept}) as problem:
        problem.evaluate()

    assert kept.tolist() == [1, 2]
