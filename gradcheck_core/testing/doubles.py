"""Costs that misbehave: each is refused or reported, and nothing of the caller's changes."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from ..check.api import check_gradients
from ..errors import InvalidInputError, NonDeterministicCostError, NonFiniteCostError
from ..report.verdict import Verdict
from . import model
from .kit import Kit
from .needs import need_draw, need_overwrite


class Doubles:
    """Costs in which something is wrong besides the gradient."""

    @pytest.fixture
    def held(self, kit: Kit) -> Iterator[dict[str, Any]]:
        """The caller's params, which have to be the same afterwards."""
        made = model.params(kit)
        yield made
        assert np.array_equal(kit.value(made["w"]), model.W), "the caller's params changed"
        assert np.array_equal(kit.value(made["b"]), model.B), "the caller's params changed"

    def test_a_cost_that_overwrites_its_params_is_refused(self, kit: Kit, held: dict[str, Any]) -> None:
        """The error names the entry that changed; the caller's own params keep their values.

        If this fails: `read` gives what was written, not what the cost's tensor holds now.
        """
        overwrite, cost = need_overwrite(kit), model.make_cost(kit)

        def mutating(p: Any) -> Any:
            value = cost(p)
            overwrite(p["b"], 7.0)
            return value

        with pytest.raises(InvalidInputError, match=r"`cost` changes its parameters: `b`\[0\] was 0.1 before"):
            check_gradients(mutating, held, model.gradient(), backend=kit.name)

    def test_a_cost_that_rebinds_its_params_is_refused(self, kit: Kit, held: dict[str, Any]) -> None:
        """The cost puts a new tensor into the structure that it is handed.

        If this fails: see `Problem.changed_structure`.
        """
        cost = model.make_cost(kit)

        def rebinding(p: Any) -> Any:
            value = cost(p)
            p["b"] = p["b"] * 2
            return value

        with pytest.raises(InvalidInputError, match="`cost` rebinds `b` in the params"):
            check_gradients(rebinding, held, model.gradient(), backend=kit.name)

    def test_a_cost_that_ignores_its_params_is_a_bug_with_a_note(self, kit: Kit, held: dict[str, Any]) -> None:
        """No perturbation changes it, and the note says so.

        If this fails: the cost reaches theta in another way than through what it is handed.
        """
        others, cost = model.params(kit), model.make_cost(kit)

        report = check_gradients(lambda p: cost(others), held, model.gradient(), backend=kit.name)

        assert report.verdict is Verdict.BUG
        assert any("no perturbation changed the cost" in note for note in report.notes)

    def test_a_cost_that_raises_keeps_its_error(self, kit: Kit, held: dict[str, Any]) -> None:
        """The user gets their own error, with a note where it was raised.

        If this fails: the backend wraps or swallows what the cost raises.
        """

        def cost(p: Any) -> Any:
            msg = "my own"
            raise ZeroDivisionError(msg)

        with pytest.raises(ZeroDivisionError, match="my own") as caught:
            check_gradients(cost, held, model.gradient(), backend=kit.name)
        assert "gradcheck: raised by `cost(params, *args)` at the unperturbed theta" in caught.value.__notes__

    def test_a_cost_that_raises_near_theta_says_where(self, kit: Kit, held: dict[str, Any]) -> None:
        """The note names the perturbed entry.

        If this fails: the backend wraps or swallows what the cost raises.
        """
        cost = model.make_cost(kit)

        def picky(p: Any) -> Any:
            if kit.value(p["w"])[2, 1] > 0.1:
                msg = "too large"
                raise ValueError(msg)
            return cost(p)

        with pytest.raises(ValueError, match="too large") as caught:
            check_gradients(picky, held, model.gradient(), backend=kit.name)
        assert caught.value.__notes__[-1].startswith("gradcheck: raised with params `")

    def test_an_interrupt_gives_everything_back(self, kit: Kit, held: dict[str, Any]) -> None:
        """The interrupt comes in the middle of a sweep.

        If this fails: `close` has to give back what the last evaluation changed.
        """
        calls, cost = [], model.make_cost(kit)

        def interrupted(p: Any) -> Any:
            calls.append(1)
            if len(calls) == 7:
                raise KeyboardInterrupt
            return cost(p)

        with pytest.raises(KeyboardInterrupt):
            check_gradients(interrupted, held, model.gradient(), backend=kit.name)

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    def test_a_cost_that_is_not_finite_is_refused(self, kit: Kit, held: dict[str, Any], value: float) -> None:
        """The error says that this is so at the given params.

        If this fails: `to_numpy` of a scalar tensor changes what is not finite.
        """
        cost = model.make_cost(kit)
        with pytest.raises(NonFiniteCostError, match=f"`cost` is {value} at the given params"):
            check_gradients(lambda p: cost(p) * value, held, model.gradient(), backend=kit.name)

    def test_a_cost_that_is_nan_near_theta(self, kit: Kit, held: dict[str, Any]) -> None:
        """A wrong gradient is found, a right one passes, and a note says where the cost was NaN.

        If this fails: a NaN stays in theta, or in what the framework keeps, after the entry was put back.
        """
        cost, right = model.make_cost(kit), model.gradient()

        def edge(p: Any) -> Any:
            return cost(p) * (float("nan") if kit.value(p["w"])[0, 0] > 0.5 else 1.0)

        wrong = check_gradients(edge, held, {**right, "w": 2 * right["w"]}, backend=kit.name)
        report = check_gradients(edge, held, right, backend=kit.name)

        assert wrong.verdict is Verdict.BUG
        assert report.verdict is Verdict.CORRECT
        assert any("the cost was NaN or infinite at" in note for note in report.notes)

    def test_a_cost_with_a_generator_of_its_own_is_refused(self, kit: Kit, held: dict[str, Any]) -> None:
        """It differs at the same theta, and the error says by how much.

        If this fails: the backend answers an evaluation with the result of an earlier one.
        """
        own, cost = random.Random(1), model.make_cost(kit)

        with pytest.raises(NonDeterministicCostError, match=r"at the same params \(a difference of .*generator"):
            check_gradients(lambda p: cost(p) + 1e-3 * own.random(), held, model.gradient(), backend=kit.name)

    def test_a_cost_that_drifts_is_refused(self, kit: Kit, held: dict[str, Any]) -> None:
        """A counter moves the cost a little in every call.

        If this fails: the backend answers an evaluation with the result of an earlier one.
        """
        calls, cost = [], model.make_cost(kit)

        def drifting(p: Any) -> Any:
            calls.append(1)
            return cost(p) * (1 + 1e-6 * len(calls))

        with pytest.raises(NonDeterministicCostError):
            check_gradients(drifting, held, model.gradient(), backend=kit.name)

    def test_a_cost_that_draws_from_the_frameworks_generator_is_checked(self, kit: Kit, held: dict[str, Any]) -> None:
        """The numbers are the same in every evaluation: a wrong gradient is found and a right one passes.

        If this fails: set the framework's generator before every call.
        """
        draw, cost = need_draw(kit), model.make_cost(kit)

        def noisy(p: Any) -> Any:
            return cost(p) + draw()

        doubled = {name: 2 * grad for name, grad in model.gradient().items()}

        assert check_gradients(noisy, held, doubled, backend=kit.name).verdict is Verdict.BUG
        assert check_gradients(noisy, held, model.gradient(), backend=kit.name).verdict is Verdict.CORRECT
