"""Places found by moving halves, with the discrepancy given and exact."""

import numpy as np
import pytest

from gradcheck_core.measure.projected.localise import Discrepancy, cut_out, localise
from gradcheck_core.measure.projected.walk import Stretch

SIZES = [300, 8, 1000, 64]


class Wrong:
    """Discrepancies by entry, and what is asked of them."""

    def __init__(self, places, most=10_000):
        self.x = [np.zeros(size) for size in SIZES]
        for parameter, entries in places:
            self.x[parameter][entries] = 1.0
        generator = np.random.default_rng(1)
        self.v = [generator.uniform(-1, 1, size=size) for size in SIZES]
        self.measured = 0
        self.most = most

    def measure(self, along):
        self.measured += 4
        value = sum(self.v[s.parameter][s.start : s.stop] @ self.x[s.parameter][s.start : s.stop] for s in along)
        return Discrepancy(float(value), 1e-9)

    def wrong_at(self, stretch, count):
        self.measured += 2 * count
        entries = np.unique(np.linspace(stretch.start, stretch.stop - 1, count).astype(int))
        return bool(np.all(self.x[stretch.parameter][entries]))

    def found(self):
        along = tuple(Stretch(i, 0, size) for i, size in enumerate(SIZES))
        return localise(
            self.measure(along), along, self.measure, self.wrong_at, lambda count: self.measured + 4 * count < self.most
        )


def covers(located, parameter, entry):
    return any(s.parameter == parameter and s.start <= entry < s.stop for s in located.stretches)


@pytest.mark.parametrize("entry", [0, 7, 511, 999])
def test_one_wrong_entry_is_found_in_a_few_halvings(entry):
    wrong = Wrong([(2, entry)])

    located = wrong.found()

    assert [s.parameter for s in located.stretches] == [2]
    assert covers(located, 2, entry)
    assert sum(s.size for s in located.stretches) <= 4
    assert wrong.measured < 80


def test_several_places_are_all_found():
    places = [(0, 5), (0, 250), (2, 17), (2, 18), (2, 900), (3, 63)]
    wrong = Wrong(places)

    located = wrong.found()

    assert all(covers(located, parameter, entry) for parameter, entry in places)
    assert sum(s.size for s in located.stretches) <= 4 * len(places)


def test_a_whole_tensor_is_not_taken_apart():
    wrong = Wrong([(2, slice(None))])

    located = wrong.found()

    assert sum(s.size for s, _ in located.all_wrong) == 1000
    assert not located.measured
    assert wrong.measured < 300


def test_a_small_wrong_tensor_is_measured_entry_by_entry():
    located = Wrong([(1, slice(None))]).found()

    assert sorted(located.measured) == [Stretch(1, 0, 4), Stretch(1, 4, 8)]


def test_a_wrong_column_is_not_searched_for_ever():
    wrong = Wrong([(2, slice(None, None, 10))])

    located = wrong.found()

    assert {s.parameter for s in located.stretches} == {2}
    assert all(covers(located, 2, entry) for entry in range(0, 1000, 10))
    assert wrong.measured < 1200


def test_parameters_that_could_not_be_told_apart_are_not_called_wrong():
    located = Wrong([(2, 3)], most=5).found()

    assert {s.parameter for s in located.undivided} == {0, 1, 2, 3}
    assert not located.ranges
    assert not located.measured


def test_a_range_that_could_not_be_narrowed_is_named():
    located = Wrong([(2, 3)], most=20).found()

    assert {s.parameter for s, _ in located.not_narrowed} == {2}


def test_places_are_taken_out_of_stretches():
    rest = cut_out((Stretch(0, 0, 10), Stretch(1, 0, 5)), [Stretch(0, 0, 3), Stretch(0, 5, 6), Stretch(1, 0, 5)])

    assert rest == (Stretch(0, 3, 5), Stretch(0, 6, 10))
