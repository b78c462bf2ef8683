"""Whole checks of small models: wrong gradients get their verdict and are named, right ones pass."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ..check.api import check_gradients
from ..errors import InvalidInputError
from ..protocol.backend import Capability
from ..report.gradient import GradientReport
from ..report.verdict import Verdict
from . import model
from .kit import Kit
from .needs import require_dtype

Grads = dict[str, npt.NDArray[np.float64]]


def check(kit: Kit, grads: object, dtype: str = "float64", **options: Any) -> GradientReport:
    """Check a claimed gradient of the model."""
    return check_gradients(model.make_cost(kit, dtype), model.params(kit, dtype), grads, backend=kit.name, **options)


MISTAKES: dict[str, Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]] = {
    "sign_flipped": lambda d_w: -d_w,
    "doubled": lambda d_w: 2 * d_w,
    "zero": lambda d_w: 0 * d_w,
    "stale": lambda d_w: model.gradient(model.W + 0.1)["w"],
    "misordered": lambda d_w: d_w.reshape(2, 3).T,
    "one_entry": lambda d_w: d_w * np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 1.5]]),
}


def make_wrong(mistake: str) -> Grads:
    """The model's gradient with one of the mistakes in `w`."""
    right = model.gradient()
    return {**right, "w": MISTAKES[mistake](right["w"])}


def check_tanh(kit: Kit, theta: object, claim: object, dtype: str = "float64", **options: Any) -> GradientReport:
    """Check a claimed gradient of the sum of tanh."""
    return check_gradients(lambda p: kit.sum(kit.tanh(p)), kit.array(theta, dtype), claim, backend=kit.name, **options)


def gradient_at(kit: Kit) -> Callable[[Any], Grads]:
    """The model's gradient by hand, as a function of the params."""
    return lambda p: model.gradient(kit.value(p["w"]), kit.value(p["b"]))


class Scenarios:
    """The verdicts."""

    @pytest.mark.parametrize("mistake", MISTAKES)
    def test_a_wrong_gradient_is_a_bug_and_named(self, kit: Kit, mistake: str) -> None:
        """A gradient that is wrong in one parameter: BUG there, CORRECT elsewhere.

        If this fails: see the laws first; `write` or `evaluate` reaches another parameter than the one named.
        """
        report = check(kit, make_wrong(mistake))

        assert report.verdict is Verdict.BUG
        assert report.worst.name == "w"
        assert report.parameters["b"].verdict is Verdict.CORRECT

    def test_the_wrong_entry_is_located(self, kit: Kit) -> None:
        """One wrong entry is named, with the derivative that it should have.

        If this fails: entries are counted in another order than C's.
        """
        report = check(kit, make_wrong("one_entry"))

        assert report.worst.worst_index == (2, 1)
        assert report.worst.wrong == ((5, 6),)
        assert report.worst.numeric == pytest.approx(model.gradient()["w"][2, 1], rel=1e-6)

    def test_a_transposed_gradient_is_a_bug(self, kit: Kit) -> None:
        """Of a square parameter, whose shape does not give it away.

        If this fails: the backend stores or returns matrices transposed.
        """
        values, twist = np.array([[0.3, 0.9], [0.5, -0.2]]), np.array([[1.0, 2.0], [3.0, 4.0]])
        weights = kit.constant(twist)
        expected = (1 - np.tanh(values) ** 2) * twist

        def checked(claim: Any) -> GradientReport:
            return check_gradients(lambda w: kit.sum(kit.tanh(w) * weights), kit.array(values), claim, backend=kit.name)

        wrong = checked(expected.T)
        assert wrong.verdict is Verdict.BUG
        assert wrong.parameters["theta"].worst_index in ((0, 1), (1, 0))
        assert checked(expected).verdict is Verdict.CORRECT

    def test_a_slightly_scaled_gradient_is_suspect(self, kit: Kit) -> None:
        """Scaled by 1 + 4e-4: the difference is 4e-4 / (2 + 4e-4), in the band from 1e-5 to 1e-3.

        If this fails: the cost is evaluated in less than float64, or theta is rounded.
        """
        report = check(kit, {name: grad * 1.0004 for name, grad in model.gradient().items()})

        assert report.verdict is Verdict.SUSPECT
        assert report.difference == pytest.approx(2e-4, rel=1e-3)

    def test_a_right_gradient_by_hand_is_correct(self, kit: Kit) -> None:
        """The gradient by hand agrees with the differences, in few evaluations.

        If this fails: the cost is evaluated in less than float64, or depends on what was evaluated before.
        """
        report = check(kit, model.gradient())

        assert report.verdict is Verdict.CORRECT
        assert report.difference < 1e-9
        assert 2 * 8 < report.evaluations <= 2.5 * 8 + 200
        assert report.backend == kit.name

    def test_the_frameworks_own_gradient_is_correct(self, kit: Kit) -> None:
        """Without `grads`, the backend's own gradient; a backend that has none is named in the error.

        If this fails: compare `Problem.gradient` with the differences in the report.
        """
        if not kit.declares(Capability.AUTODIFF):
            with pytest.raises(InvalidInputError, match=f"`grads` is missing: {kit.name} has no automatic differen"):
                check(kit, None)
            return

        assert check(kit, None).verdict is Verdict.CORRECT

    def test_gradients_as_the_frameworks_own_tensors(self, kit: Kit) -> None:
        """`grads` in the structure of the params.

        If this fails: `to_numpy` changes values or shape.
        """
        right = {name: kit.array(grad) for name, grad in model.gradient().items()}
        wrong = {name: kit.array(grad) for name, grad in make_wrong("doubled").items()}

        assert check(kit, wrong).verdict is Verdict.BUG
        assert check(kit, right).verdict is Verdict.CORRECT

    def test_a_gradient_that_is_a_function_gets_the_params(self, kit: Kit) -> None:
        """`grads(params)` is called with tensors of the framework.

        If this fails: see `Problem.params`.
        """
        assert check(kit, gradient_at(kit)).verdict is Verdict.CORRECT

    @pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
    def test_lower_precision_never_accuses_a_right_gradient(self, kit: Kit, dtype: str) -> None:
        """In its own precision, a right gradient is not accused and a flipped one is a BUG.

        If this fails: theta is held, or the cost evaluated, in another dtype than the layout says.
        """
        require_dtype(kit, dtype)
        # theta as the dtype holds it, so that the gradient by hand is right there
        w = np.asarray(kit.value(kit.array([0.25, 0.5], dtype)), dtype=np.float64)
        expected = 1 - np.tanh(w) ** 2

        assert check_tanh(kit, w, -expected, dtype, precision="native").verdict is Verdict.BUG
        right = check_tanh(kit, w, expected, dtype, precision="native")
        assert right.verdict in (Verdict.CORRECT, Verdict.INSPECT, Verdict.INCONCLUSIVE)
        assert right.precision == dtype

    def test_one_wrong_entry_of_many_is_named(self, kit: Kit) -> None:
        """Of 200, which a backend evaluates many at a time if it can.

        If this fails: see `Problem.batch`.
        """
        theta = np.linspace(-1.5, 1.5, 200)
        right = 1 - np.tanh(theta) ** 2
        wrong = right.copy()
        wrong[137] *= 1.1

        assert check_tanh(kit, theta, wrong).worst.wrong == ((137, 138),)
        assert check_tanh(kit, theta, right).verdict is Verdict.CORRECT

    def test_random_directions_name_the_wrong_entry(self, kit: Kit) -> None:
        """``method="projected"`` finds the wrong entry, and certifies a right gradient.

        If this fails: `write` of whole parameters, by a slice, does something else than entry by entry.
        """
        wrong = check(kit, make_wrong("one_entry"), method="projected")

        assert wrong.verdict is Verdict.BUG
        assert wrong.worst.worst_index == (2, 1)
        assert check(kit, model.gradient(), method="projected").verdict is Verdict.CORRECT
