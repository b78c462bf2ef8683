"""The laws of `Alteration`, with which a comparison finds out what explains a difference, tested with GELU."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradcheck_core.protocol import Alteration, Capability, Problem

from . import model
from .derivatives import ones
from .kit import Kit
from .laws import number
from .needs import need_draw, need_gelu, require

W = np.array([0.3, -1.2, 2.0])
X = np.array([1.5, 0.5, -1.0])

ROUNDING = 1e-8
"""Relative: frameworks keep some constants in less than float64. The two GELUs are 10,000 times further apart."""


def exact(x: float) -> float:
    """The entry x times Phi(x), the normal law's: Hendrycks and Gimpel, "Gaussian Error Linear Units", section 2."""
    return x * (1 + math.erf(x / math.sqrt(2))) / 2


def approximate(x: float) -> float:
    """Their approximation of it, in the same place."""
    return x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def exact_slope(x: float) -> float:
    """Phi(x) + x phi(x)."""
    return (1 + math.erf(x / math.sqrt(2))) / 2 + x * math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def approximate_slope(x: float) -> float:
    """(1 + t) / 2 + x (1 - t**2) / 2 * du/dx with t = tanh(u) and u = sqrt(2 / pi) (x + 0.044715 x**3)."""
    root = math.sqrt(2 / math.pi)
    t = math.tanh(root * (x + 0.044715 * x**3))
    return (1 + t) / 2 + x * (1 - t**2) / 2 * root * (1 + 3 * 0.044715 * x**2)


def sum_weighted(function: Callable[[float], float]) -> float:
    """The sum over W of a function times X."""
    return float(X @ [function(w) for w in W.tolist()])


class Alterations:
    """A cost in which one thing is changed, and nothing else."""

    @pytest.fixture
    def gelu(self, kit: Kit) -> Callable[..., Any]:
        """The sum of GELU of the params times X, or times an argument; skips where the kit has none."""
        entrywise = need_gelu(kit)
        weights = kit.constant(X)

        def cost(p: Any, x: Any = weights) -> Any:
            return kit.sum(entrywise(p) * x)

        return cost

    def test_an_altered_cost_does_one_thing_otherwise(self, kit: Kit, gelu: Callable[..., Any]) -> None:
        """An exact GELU becomes the approximation, or the approximation exact; nothing else of the cost changes.

        If this fails: no alteration of GELU is given, or `Alteration.altered` returns a cost that computes what the
        first one did, or something else. A backend that gives no alterations leaves the kit's `gelu` out.
        """
        values = {sum_weighted(exact), sum_weighted(approximate)}
        with open_cost(kit, gelu) as problem:
            (own,) = (
                value for value in values if number(kit, problem.evaluate()) == pytest.approx(value, rel=ROUNDING)
            )

        found = [value for _, value in altered_costs(kit, gelu)]

        (other,) = values - {own}
        assert found
        assert found == pytest.approx([other] * len(found), rel=ROUNDING)

    def test_an_alteration_says_what_both_sides_do(self, kit: Kit, gelu: Callable[..., Any]) -> None:
        """Of ``{side}``, which is altered, and of ``{other}``, with nothing else to fill in; and it has a kind.

        If this fails: write the sentence as `gradcheck_core.protocol.causes` does.
        """
        for alteration in given(kit, gelu):
            said = alteration.sentence.format(side="<one>", other="<two>")
            assert "<one>" in said
            assert "<two>" in said
            assert alteration.kind

    def test_alterations_come_in_the_same_order(self, kit: Kit, gelu: Callable[..., Any]) -> None:
        """Asked twice, the same kinds and sentences.

        If this fails: the order comes from a set, or from the identity of objects.
        """
        first, second = ([(one.kind, one.sentence) for one in given(kit, gelu)] for _ in range(2))

        assert first == second

    def test_only_what_changes_something_is_given(self, kit: Kit, gelu: Callable[..., Any]) -> None:
        """Every altered cost differs, and a cost that does none of it has no alterations.

        If this fails: look at what the cost does before anything is given.
        """
        with open_cost(kit, gelu) as problem:
            own = number(kit, problem.evaluate())
        assert [kind for kind, value in altered_costs(kit, gelu) if value == own] == []

        with kit.backend.open(model.make_cost(kit), model.params(kit), (), "native", 0) as problem:
            assert [alteration.sentence for alteration in find(kit, problem)] == []

    @pytest.mark.parametrize("raises", [False, True], ids=["returns", "raises"])
    def test_the_cost_is_itself_after_an_altered_call(self, kit: Kit, gelu: Callable[..., Any], raises: bool) -> None:
        """Altered costs differ only while they are called, also where such a call ends in an error.

        If this fails: what was exchanged for the call has to be given back in a `finally`.
        """
        raising = False

        def cost(p: Any) -> Any:
            value = gelu(p)
            if raising:
                raise KeyboardInterrupt
            return value

        with open_cost(kit, cost) as problem:
            before = number(kit, problem.evaluate())
            for alteration in find(kit, problem):
                with open_cost(kit, alteration.altered(cost)) as other:
                    raising = raises
                    if raises:
                        with pytest.raises(KeyboardInterrupt):
                            other.evaluate()
                    else:
                        other.evaluate()
                    raising = False
                assert number(kit, problem.evaluate()) == before

    def test_alterations_leave_theta_and_the_callers_data(self, kit: Kit, gelu: Callable[..., Any]) -> None:
        """Params and arguments have their values after altered costs were asked for and called.

        If this fails: an alteration has to compute anew what it changes, never in place.
        """
        params, x = kit.array(W), kit.constant(X)
        with kit.backend.open(gelu, params, (x,), "native", 0) as problem:
            found = find(kit, problem)
            assert np.array_equal(problem.read(0), W)
            for alteration in found:
                with kit.backend.open(alteration.altered(gelu), params, (x,), "native", 0) as other:
                    other.evaluate()
                    assert np.array_equal(other.read(0), W)

        assert np.array_equal(kit.value(params), W)
        assert np.array_equal(kit.value(x), X)

    def test_alterations_give_the_callers_random_state_back(self, kit: Kit, gelu: Callable[..., Any]) -> None:
        """What the caller draws after they were asked for does not depend on the problem's seed.

        If this fails: to see what the cost does, call it as `evaluate` does.
        """
        draw = need_draw(kit)
        drawn = []
        for _ in range(2):
            with open_cost(kit, lambda p: gelu(p) + draw()) as problem:
                find(kit, problem)
            drawn.append(number(kit, draw()))

        assert drawn[0] != drawn[1]

    def test_an_altered_cost_can_be_differentiated(self, kit: Kit, gelu: Callable[..., Any]) -> None:
        """Its gradient is that of the other GELU, by hand.

        If this fails: the altered cost leaves the framework's tensors on its way, or it is neither of the two.
        """
        require(kit, Capability.AUTODIFF)
        slopes = [(exact, exact_slope), (approximate, approximate_slope)]
        alterations = given(kit, gelu)
        assert alterations
        for alteration in alterations:
            with open_cost(kit, alteration.altered(gelu)) as problem:
                value, gradient = number(kit, problem.evaluate()), problem.gradient(ones).d_theta
            (slope,) = (
                slope for function, slope in slopes if value == pytest.approx(sum_weighted(function), rel=ROUNDING)
            )
            assert gradient == pytest.approx(X * [slope(w) for w in W.tolist()], rel=ROUNDING)


def open_cost(kit: Kit, cost: Callable[..., object]) -> Problem:
    """A cost of W, open."""
    return kit.backend.open(cost, kit.array(W), (), "native", 0)


def find(kit: Kit, problem: Problem) -> list[Alteration]:
    """The alterations of an open problem's cost."""
    return [] if kit.alterations is None else list(kit.alterations(problem))


def given(kit: Kit, cost: Callable[..., object]) -> list[Alteration]:
    """The alterations of a cost."""
    with open_cost(kit, cost) as problem:
        return find(kit, problem)


def altered_costs(kit: Kit, cost: Callable[..., object]) -> list[tuple[str, float]]:
    """By kind, what the altered costs give."""
    values = []
    for alteration in given(kit, cost):
        with open_cost(kit, alteration.altered(cost)) as problem:
            values.append((alteration.kind, number(kit, problem.evaluate())))
    return values
