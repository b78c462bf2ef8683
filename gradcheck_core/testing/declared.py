"""Checks by what a backend declares, and of what its framework has: other precisions, second order, complex numbers."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from ..check.api import check_gradients
from ..protocol.backend import Capability
from ..report.gradient import GradientReport
from ..report.verdict import Verdict
from . import model
from .kit import Kit
from .needs import require, require_dtype
from .scenarios import Grads, check, gradient_at, make_wrong


def products(kit: Kit, change: Callable[[Grads], Grads] = dict) -> Callable[[Any, Mapping[str, Any]], Grads]:
    """The model's Hessian-vector product by hand, changed."""
    return lambda p, direction: change(model.hvp(p, direction, kit.value(p["w"]), kit.value(p["b"])))


class Declared:
    """The verdicts with what a backend declares."""

    def test_a_float32_model_is_checked_in_float64(self, kit: Kit) -> None:
        """A wrong gradient of a float32 model is found, a right one passes, and the formula is checked in float64.

        If this fails: what the cost holds itself, in float32, meets theta in float64 and the result is rounded.
        """
        require(kit, Capability.FLOAT64)
        wrong, right = (
            check(kit, {name: grad.astype(np.float32) for name, grad in grads.items()}, "float32")
            for grads in (make_wrong("doubled"), model.gradient())
        )

        assert wrong.verdict is Verdict.BUG
        assert right.passed
        assert right.precision == "float64"
        assert right.resolution < 1e-6  # that of the claim's float32; differences in float32 resolve some 1e-4

    @pytest.mark.parametrize("precision", ["auto", "native"])
    def test_the_frameworks_own_gradient_of_a_float32_model_passes(self, kit: Kit, precision: str) -> None:
        """Also in its own precision, where less can be resolved.

        If this fails: the gradient is computed in another dtype than `Gradient.dtypes` says.
        """
        require(kit, Capability.AUTODIFF)
        report = check(kit, None, "float32", precision=precision)

        assert report.verdict in (Verdict.CORRECT, Verdict.INSPECT)

    def test_forward_mode_is_correct(self, kit: Kit) -> None:
        """``mode="forward"`` against the same differences.

        If this fails: see `Problem.jvp`.
        """
        require(kit, Capability.FORWARD)
        assert check(kit, None, mode="forward").verdict is Verdict.CORRECT

    def test_a_wrong_product_is_a_bug(self, kit: Kit) -> None:
        """``order=2``: one wrong entry of a Hessian-vector product is named.

        If this fails: `Problem.params` does not have the present theta, at which gradient and product are asked for.
        """

        def change(found: Grads) -> Grads:
            found["w"][2, 1] *= 1.01
            return found

        wrong = check(kit, gradient_at(kit), order=2, hvp=products(kit, change))

        assert wrong.verdict is Verdict.BUG
        assert wrong.worst.worst_entry == "w[2, 1]"
        assert check(kit, gradient_at(kit), order=2, hvp=products(kit)).verdict is Verdict.CORRECT

    def test_the_frameworks_own_product_is_correct(self, kit: Kit) -> None:
        """``order=2`` with the framework's own second derivatives; and they contradict a doubled gradient.

        If this fails: see `Problem.hvp`.
        """
        require(kit, Capability.HESSIAN)

        def twice(p: Any) -> Grads:
            return {name: 2 * grad for name, grad in gradient_at(kit)(p).items()}

        assert check(kit, twice, order=2).verdict is Verdict.BUG
        assert check(kit, None, order=2).verdict is Verdict.CORRECT

    def test_complex_steps_resolve_to_rounding(self, kit: Kit) -> None:
        """``scheme="complex"`` finds a mistake of a ten-thousandth, and a right gradient to the last digits.

        If this fails: see `Problem.write_complex`; the imaginary part is lost on the way.
        """
        require(kit, Capability.COMPLEX_STEP)
        slightly = model.gradient()
        slightly["b"] *= 1 + 1e-4

        assert check(kit, slightly, scheme="complex").verdict is Verdict.SUSPECT
        right = check(kit, model.gradient(), scheme="complex")
        assert right.verdict is Verdict.CORRECT
        assert right.resolution < 1e-12

    @pytest.mark.parametrize("dtype", ["complex64", "complex128"])
    def test_complex_parameters_are_checked_in_both_parts(self, kit: Kit, dtype: str) -> None:
        """A conjugated gradient is a BUG; that in the framework's own convention, and the framework's own, pass.

        If this fails: see `Backend.conjugates`.
        """
        require_dtype(kit, dtype)
        z = np.array([0.5 + 1.0j, -0.3 + 0.25j, 1.125 - 0.75j])
        # of |f|**2 with f analytic: dJ/dx + i dJ/dy = 2 f conj(f')
        d_z = 2 * np.sin(z) * np.conj(np.cos(z))
        claim = np.conj(d_z) if kit.backend.conjugates else d_z

        def checked(grads: Any) -> GradientReport:
            return check_gradients(
                lambda p: kit.sum(abs(kit.sin(p)) ** 2), kit.array(z, dtype), grads, backend=kit.name
            )

        wrong = checked(np.conj(claim))
        assert wrong.verdict is Verdict.BUG
        assert wrong.worst.part == "imag"
        assert checked(claim).passed
        if kit.declares(Capability.AUTODIFF):
            assert checked(None).passed
