import numpy as np

from gradcheck_core.batching import Batching
from gradcheck_core.protocol import Batch


class Squares(Batch):
    """The sum of squares of theta = (1, 2, ..., 10), batched, each answer off by something."""

    theta = np.arange(1.0, 11.0)

    def __init__(self, off=0.0):
        self.off = off

    def costs_at(self, parameter, entries, values):
        return self.theta @ self.theta - self.theta[entries] ** 2 + values**2 + self.off

    def one(self, entry, value):
        return float(self.theta @ self.theta - self.theta[entry] ** 2 + value**2)


class Raising(Batch):
    def costs_at(self, parameter, entries, values):
        msg = "data-dependent control flow\nat great length"
        raise TypeError(msg)


ENTRIES = np.arange(10)
VALUES = np.arange(1.0, 11.0) + 0.5


def asked(batch, noise=1e-14):
    batching = Batching(batch, noise)
    return batching, batching.costs_at(0, ENTRIES, VALUES, Squares().one)


def test_a_batch_answers_as_one_by_one():
    _, costs = asked(Squares())

    assert np.array_equal(costs, [Squares().one(e, v) for e, v in zip(ENTRIES, VALUES, strict=True)])


def test_an_offset_of_rounding_is_taken_off_since_only_differences_count():
    _, costs = asked(Squares(off=2.0**-40), noise=1e-12)

    assert np.array_equal(costs, [Squares().one(e, v) for e, v in zip(ENTRIES, VALUES, strict=True)])


def test_a_batch_with_other_answers_is_not_used_again():
    batching, costs = asked(Squares(off=1e-3))

    assert costs is None
    assert "where one by one it is" in batching.refusal
    assert batching.costs_at(0, ENTRIES, VALUES, Squares().one) is None


def test_a_batch_that_raises_is_not_used_again_and_says_why_in_one_line():
    batching, costs = asked(Raising())

    assert costs is None
    assert batching.refusal == "TypeError: data-dependent control flow"


def test_a_few_thetas_are_no_batch():
    batching = Batching(Raising(), 1e-14)

    assert batching.costs_at(0, ENTRIES[:3], VALUES[:3], Squares().one) is None
    assert batching.refusal is None
