"""The laws of what a backend can do beyond the five questions: differentiate, hold complex numbers, go in batches."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from gradcheck_core.protocol.backend import Capability, Problem
from gradcheck_core.protocol.layout import FloatVector
from gradcheck_core.protocol.outputs import Contraction

from . import model
from .kit import Kit
from .needs import require, require_dtype


def ones(shapes: Sequence[tuple[int, ...]]) -> list[npt.NDArray[np.float64]]:
    """Weights that sum what a cost returns."""
    return [np.ones(shape) for shape in shapes]


def along(problem: Problem, by_name: dict[str, Any]) -> FloatVector:
    """Arrays by name as a vector in theta's order."""
    return np.concatenate([np.reshape(by_name[p.name], -1) for p in problem.layout.parameters])


class DerivativeLaws:
    """Gradients, forward mode, Hessian-vector products, complex numbers and batches of an open `problem`."""

    @pytest.fixture
    def keeps_theta(self, problem: Problem) -> Iterator[None]:
        """Theta has to be the same afterwards."""
        before = [problem.read(i) for i in range(2)]
        yield
        assert all(np.array_equal(problem.read(i), before[i]) for i in range(2)), "theta has changed"

    @pytest.mark.usefixtures("keeps_theta")
    def test_the_gradient_has_thetas_order(self, kit: Kit, problem: Problem) -> None:
        """`gradient` is the derivative of the weighted sum by every entry, in the layout's order; theta stays.

        If this fails: a transposed or misordered gradient, one that is added up over calls, or one of the mean.
        """
        require(kit, Capability.AUTODIFF)
        for _ in range(2):
            gradient = problem.gradient(ones)

            assert gradient.d_theta == pytest.approx(along(problem, model.gradient()), rel=1e-12)
            assert gradient.dtypes == ("float64", "float64")

    def test_the_gradient_is_that_at_the_present_theta(self, kit: Kit, problem: Problem) -> None:
        """After a write, `gradient` is another.

        If this fails: it differentiates at the caller's tensors, or keeps what it found before.
        """
        require(kit, Capability.AUTODIFF)
        problem.gradient(ones)
        for i in range(2):
            problem.write(i, slice(None), problem.read(i) + 0.25)

        expected = model.gradient(model.W + 0.25, model.B + 0.25)
        assert problem.gradient(ones).d_theta == pytest.approx(along(problem, expected), rel=1e-12)

    def test_the_gradient_is_weighted(self, kit: Kit) -> None:
        """Of several outputs of several entries, each counts with its weight; Python numbers beside them count too.

        If this fails: `weigh` has to be asked once, with the shapes of all floating outputs in the order of `trees`.
        """
        require(kit, Capability.AUTODIFF)
        w = np.array([0.3, -0.7])

        def weigh(shapes: Sequence[tuple[int, ...]]) -> list[npt.NDArray[np.float64]]:
            assert shapes == [(2,), (), ()]
            return [np.array([2.0, -3.0]), np.array(7.0), np.array(5.0)]

        def cost(p: Any) -> Any:
            return {"a": kit.tanh(p), "number": 0.5, "b": kit.sum(p * p)}

        with kit.backend.open(cost, kit.array(w), (), "native", 0) as opened:
            found = opened.gradient(lambda shapes: weigh(list(map(tuple, shapes)))).d_theta

        assert found == pytest.approx(np.array([2.0, -3.0]) * (1 - np.tanh(w) ** 2) + 5 * 2 * w, rel=1e-12)

    def test_a_parameter_that_does_not_reach_the_cost_has_gradient_zero(self, kit: Kit) -> None:
        """One that the cost does not use, and every one where the cost is a constant.

        If this fails: the framework's None, or its complaint that there is nothing to differentiate, stands for zero.
        """
        require(kit, Capability.AUTODIFF)
        with kit.backend.open(lambda p: kit.sum(p["b"]), model.params(kit), (), "native", 0) as opened:
            expected = along(opened, {"w": np.zeros((3, 2)), "b": np.ones(2)})
            assert np.array_equal(opened.gradient(ones).d_theta, expected)
        constant = kit.constant(3.0)
        with kit.backend.open(lambda p: constant, model.params(kit), (), "native", 0) as opened:
            assert np.array_equal(opened.gradient(ones).d_theta, np.zeros(8))

    def test_a_complex_gradient_is_by_both_parts(self, kit: Kit) -> None:
        """Of z = x + iy, the derivatives by x and by y, side by side, whatever the framework's own convention.

        If this fails: set `conjugates`: whether the framework gives dJ/dx - i dJ/dy.
        """
        require(kit, Capability.AUTODIFF)
        require_dtype(kit, "complex128")
        z = np.array([0.5 + 1.0j, -0.3 + 0.2j])
        with kit.backend.open(lambda p: kit.sum(abs(p) ** 2), kit.array(z, "complex128"), (), "native", 0) as opened:
            assert opened.gradient(ones).d_theta == pytest.approx(2 * z.view(np.float64), rel=1e-12)

    @pytest.mark.usefixtures("keeps_theta")
    def test_jvp_is_the_gradient_along_a_direction_and_linear(self, kit: Kit, problem: Problem) -> None:
        """`jvp` is the product of gradient and direction; twice the direction, twice the product; theta stays.

        If this fails: the direction is cut into tensors in another order than theta's.
        """
        require(kit, Capability.FORWARD)
        direction = np.random.default_rng(0).normal(size=problem.layout.size)

        derivative = problem.jvp(direction, ones)

        assert derivative == pytest.approx(along(problem, model.gradient()) @ direction, rel=1e-12)
        assert problem.jvp(2 * direction, ones) == pytest.approx(2 * derivative, rel=1e-12)

    @pytest.mark.usefixtures("keeps_theta")
    def test_hvp_is_the_hessian_along_a_direction(self, kit: Kit, problem: Problem) -> None:
        """`hvp` is the derivative of the gradient along the direction; theta stays.

        If this fails: the gradient was detached before it was differentiated once more.
        """
        require(kit, Capability.HESSIAN)
        direction = np.random.default_rng(0).normal(size=problem.layout.size)
        by_name = {p.name: direction[p.range].reshape(p.shape) for p in problem.layout.parameters}

        product = problem.hvp(direction, ones).d_theta

        assert product == pytest.approx(along(problem, model.hvp(None, by_name)), rel=1e-11)

    def test_hvp_is_symmetric(self, kit: Kit, problem: Problem) -> None:
        """``u @ hvp(v) == v @ hvp(u)``.

        If this fails: only some of the parameters take part in the second derivative.
        """
        require(kit, Capability.HESSIAN)
        u, v = np.random.default_rng(1).normal(size=(2, problem.layout.size))

        assert u @ problem.hvp(v, ones).d_theta == pytest.approx(v @ problem.hvp(u, ones).d_theta, rel=1e-11)

    def test_hvp_of_a_linear_cost_is_zero(self, kit: Kit) -> None:
        """A gradient that does not depend on theta has no derivative.

        If this fails: the framework's None, or its complaint that there is nothing to differentiate, stands for zero.
        """
        require(kit, Capability.HESSIAN)
        with kit.backend.open(lambda p: kit.sum(p * 3.0), kit.array([1.0, 2.0]), (), "native", 0) as opened:
            assert np.array_equal(opened.hvp(np.ones(2), ones).d_theta, np.zeros(2))

    @pytest.mark.parametrize("dtype", ["complex64", "complex128"])
    def test_complex_parameters_are_two_numbers_an_entry(self, kit: Kit, dtype: str) -> None:
        """Theta has the real and the imaginary part of a complex entry side by side.

        If this fails: give `read` and `write` a view of the complex numbers as pairs of real ones.
        """
        require_dtype(kit, dtype)
        params = {"z": kit.array(np.array([[1 + 2j, 3 - 4j]]), dtype)}
        with kit.backend.open(lambda p: abs(p["z"]), params, (), "native", 0) as opened:
            (parameter,) = opened.layout.parameters
            assert (parameter.shape, parameter.dtype, parameter.size) == ((1, 2), dtype, 4)
            assert opened.read(0).tolist() == [1, 2, 3, -4]

            opened.write(0, 1, 7.0)
            assert opened.read(0).tolist() == [1, 7, 3, -4]
            returned = kit.backend.to_numpy(opened.evaluate())
            assert returned == pytest.approx(np.abs([[1 + 7j, 3 - 4j]]), rel=1e-6)

    def test_real_parameters_can_be_held_as_complex(self, kit: Kit) -> None:
        """With ``precision="complex128"`` a real entry is one number of theta, and takes a complex value.

        If this fails: `Layout` has the parameter's own real dtype; only what holds it is complex.
        """
        require(kit, Capability.COMPLEX_STEP)
        params = {"w": kit.array([[1.0, 2.0]])}
        with kit.backend.open(lambda p: p["w"] * 2, params, (), "complex128", 0) as opened:
            (parameter,) = opened.layout.parameters
            assert (parameter.dtype, parameter.size) == ("float64", 2)
            opened.write_complex(0, 1, 2 + 5j)
            assert opened.read(0).tolist() == [1, 2]
            assert kit.backend.to_numpy(opened.evaluate()).tolist() == [[2, 4 + 10j]]
        assert kit.value(params["w"]).tolist() == [[1, 2]]

    def test_batched_equals_one_by_one(self, kit: Kit, problem: Problem) -> None:
        """`Batch.costs_at` gives what `write` and `evaluate` give one by one, and leaves theta as it is.

        If this fails: the entries are counted in another order, or the rest of theta is not at its present values.
        """
        batch = problem.batch(Contraction(0).weights, 2**20)
        if batch is None:
            pytest.skip(f"{kit.name} has no batch for this cost")
        present = problem.read(1)
        entries = np.arange(present.size).repeat(3)
        values = present[entries] + np.tile([-0.5, 0.25, 1.0], present.size)

        together = batch.costs_at(1, entries, values)

        expected = []
        for entry, value in zip(entries.tolist(), values.tolist(), strict=True):
            problem.write(1, entry, value)
            expected.append(Contraction(0).value(problem.evaluate(), kit.backend.to_numpy).value)
            problem.write(1, entry, float(present[entry]))
        np.testing.assert_allclose(together, expected, rtol=1e-13)
        assert np.array_equal(problem.read(1), present)
