import numpy as np
import pytest

from gradcheck_core.errors import InvalidInputError
from gradcheck_core.protocol.compiled import CompiledCost

THETA = np.array([1.0, 2.0])
MOVED = np.array([1.0, 3.0])


class Cost:
    """The sum of squares, called and computed; what is computed is off by something, and more beyond theta."""

    def __init__(self, off=0.0, *, worthwhile=True):
        self.calls = 0
        self.off = off
        self.theta = THETA.copy()
        host = [self.theta]
        self.compiled = CompiledCost(self.compute, lambda returned: [np.asarray(returned)], host, worthwhile=worthwhile)

    def called(self):
        self.calls += 1
        return float(self.theta @ self.theta)

    def compute(self, values):
        return [np.asarray(values[0] @ values[0] + self.off)]

    def at(self, theta):
        self.theta[:] = theta
        return self.compiled.evaluate(lambda: [self.theta], self.called)


def test_the_cost_is_called_where_the_problem_was_opened():
    cost = Cost()

    assert [cost.at(THETA) for _ in range(3)] == [5.0, 5.0, 5.0]
    assert cost.calls == 3


def test_elsewhere_it_is_computed():
    cost = Cost()
    cost.at(THETA)

    assert cost.at(MOVED) == 10.0
    assert cost.calls == 1


def test_after_a_batch_it_is_called_once():
    cost = Cost()
    cost.at(THETA)
    cost.compiled.call_next()

    assert [cost.at(MOVED), cost.at(MOVED)] == [10.0, 10.0]
    assert cost.calls == 2


def test_what_is_computed_is_off_by_rounding_and_corrected():
    cost = Cost(off=2.0**-48)
    cost.at(THETA)

    assert cost.at(MOVED) == 10.0
    assert cost.calls == 1


@pytest.mark.parametrize("off", [1e-9, np.nan])
def test_where_something_else_is_computed_the_cost_is_always_called(off):
    cost = Cost(off=off)
    cost.at(THETA)

    assert [cost.at(MOVED), cost.at(MOVED)] == [10.0, 10.0]
    assert cost.calls == 3


def test_where_compiling_raises_the_cost_is_always_called():
    cost = Cost()
    cost.off = "no number"
    cost.at(THETA)

    assert cost.at(MOVED) == 10.0
    assert cost.calls == 2


def test_where_it_is_not_worthwhile_the_cost_is_always_called():
    cost = Cost(worthwhile=False)
    cost.at(THETA)
    cost.at(MOVED)

    assert cost.calls == 2


def test_a_cost_that_was_never_called_where_the_problem_was_opened_is_called():
    cost = Cost()

    assert cost.at(MOVED) == 10.0
    assert cost.calls == 1


def test_what_a_cost_returns_is_not_judged_here():
    def floating(returned):
        raise InvalidInputError

    theta = THETA.copy()
    compiled = CompiledCost(lambda values: [np.zeros(())], floating, [theta], worthwhile=True)

    assert compiled.evaluate(lambda: [theta], lambda: "text") == "text"
    theta[:] = MOVED
    assert compiled.evaluate(lambda: [theta], lambda: "other") == "other"
