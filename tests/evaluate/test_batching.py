import numpy as np

from gradcheck_core.evaluate.batching import Batching
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

    def all_moved(self, entries, values):
        moved = self.theta.copy()
        moved[entries] = values
        return float(moved @ moved)


class Raising(Batch):
    def __init__(self, message="data-dependent control flow\nat great length"):
        self.message = message

    def costs_at(self, parameter, entries, values):
        raise TypeError(self.message)


ENTRIES = np.arange(10)
VALUES = np.arange(1.0, 11.0) + 0.5


def asked(batch, noise=1e-14):
    batching = Batching(batch, noise)
    return batching, batching.costs_at(0, ENTRIES, VALUES, Squares().all_moved)


def test_a_batch_answers_as_one_by_one():
    _, costs = asked(Squares())

    assert np.array_equal(costs, [Squares().one(e, v) for e, v in zip(ENTRIES, VALUES, strict=True)])


def test_an_offset_of_rounding_is_taken_off_since_only_differences_count():
    _, costs = asked(Squares(off=2.0**-40), noise=1e-12)

    assert np.array_equal(costs, [Squares().one(e, v) for e, v in zip(ENTRIES, VALUES, strict=True)])


def test_a_batch_with_other_answers_is_not_used_again():
    batching, costs = asked(Squares(off=1e-3))

    assert costs is None
    assert "but one by one it is" in batching.refusal
    assert batching.costs_at(0, ENTRIES, VALUES, Squares().all_moved) is None


def test_a_batch_that_raises_is_not_used_again_and_says_why_in_one_line():
    batching, costs = asked(Raising())

    assert costs is None
    assert batching.refusal == "TypeError: data-dependent control flow"


def test_a_long_reason_is_cut_off_between_words_and_says_so():
    batching, _ = asked(Raising(message="eleven more " * 20))

    assert batching.refusal == f"TypeError: {'eleven more ' * 9}eleven ..."


def test_a_few_thetas_are_no_batch():
    batching = Batching(Raising(), 1e-14)

    assert batching.costs_at(0, ENTRIES[:3], VALUES[:3], Squares().all_moved) is None
    assert batching.refusal is None


class Blind(Batch):
    """A batch whose cost looks at theta itself and not at the values that it is handed."""

    def costs_at(self, parameter, entries, values):
        return np.full(len(entries), Squares.theta @ Squares.theta)


def test_a_batch_that_does_not_see_its_values_is_found_though_the_entry_compared_moves_nothing():
    batching = Batching(Blind(), 1e-14)
    unmoved = float(Squares.theta @ Squares.theta)

    def alone(entries, values):
        return unmoved if len(entries) == 1 else Squares().all_moved(entries, values)

    costs = batching.costs_at(0, ENTRIES, VALUES, alone)

    assert costs is None
    assert "does not use the params" in batching.refusal


def test_a_parameter_that_moves_nothing_is_batched():
    batching = Batching(Blind(), 1e-14)
    unmoved = float(Squares.theta @ Squares.theta)

    costs = batching.costs_at(0, ENTRIES, VALUES, lambda entries, values: unmoved)

    assert np.array_equal(costs, np.full(10, unmoved))


class DeadAtFirst(Batch):
    """A batch that is wrong, and right for all entries but the last, which alone move the cost."""

    def costs_at(self, parameter, entries, values):
        return np.where(entries == 9, 3 * values, 0.0)


def test_the_answer_that_says_most_is_the_one_compared():
    batching = Batching(DeadAtFirst(), 1e-14)

    def alone(entries, values):
        return float(2 * values[entries == 9].sum())

    assert batching.costs_at(0, ENTRIES, VALUES, alone) is None
    assert batching.refusal == "the batched cost is 31.5, but one by one it is 21"


class RightWhenAlone(Batch):
    """As of a cost that sums over all that it is given, asked for one theta first and then for the rest."""

    def costs_at(self, parameter, entries, values):
        costs = Squares().costs_at(parameter, entries, values)
        return np.concatenate([costs[:1], np.full(len(entries) - 1, costs[1:].sum())])


def test_an_answer_that_stands_apart_is_not_the_only_one_compared():
    batching, costs = asked(RightWhenAlone())

    assert costs is None
    assert "but one by one it is" in batching.refusal
