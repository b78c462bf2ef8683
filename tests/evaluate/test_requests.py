from types import SimpleNamespace

import numpy as np
import pytest

from gradcheck_core.evaluate import sources
from gradcheck_core.evaluate.requests import EntriesMoved, ParametersMoved, power_of_two
from gradcheck_core.evaluate.sources import InUnits


class Adding:
    """Stands in for an evaluator: J is the new value, or the sum of all; it remembers how many were asked at a time."""

    def __init__(self):
        self.asked = []

    def evaluate(self, request):
        if isinstance(request, ParametersMoved):
            return np.array([sum(float(values.sum()) for values in request.moved.values())])
        assert len(request.entries) == len(request.values) == len(request.present)
        self.asked.append(request.size)
        return request.values.copy()


def sweep(size=100, parameter=0):
    return EntriesMoved(parameter, np.arange(size), np.arange(size) + 0.5, np.arange(float(size)))


def line(value=2.0):
    return ParametersMoved({0: np.array([1.0, value])}, {0: np.zeros(2)})


@pytest.mark.parametrize("request_", [sweep(), line()], ids=["entries", "parameters"])
def test_the_answers_to_the_parts_are_those_to_the_whole(request_):
    middle = request_.size // 2
    parts = [request_.part(0, middle), request_.part(middle, request_.size)] if middle else [request_.part(0, 1)]

    assert np.array_equal(np.concatenate([Adding().evaluate(part) for part in parts]), Adding().evaluate(request_))


def test_a_fingerprint_is_that_of_what_is_asked():
    asked = [sweep(), sweep(parameter=1), sweep(99), sweep().part(1, 100), line(), line(np.nextafter(2.0, 3.0))]

    assert len({request.fingerprint() for request in asked}) == len(asked)
    assert sweep().fingerprint() == sweep().fingerprint()


def test_units_grow_until_they_take_the_time_they_may(monkeypatch):
    monkeypatch.setattr(sources, "UNIT_SECONDS", 3600.0)
    evaluator = Adding()

    parts = list(InUnits(evaluator).answers(sweep(5000)))

    assert evaluator.asked[:6] == [1, 4, 16, 64, 256, 1024]
    assert max(evaluator.asked) == 1024
    assert np.array_equal(np.concatenate([costs for _, costs in parts]), sweep(5000).values)
    assert [start for start, _ in parts] == list(np.cumsum([0, *evaluator.asked[:-1]]))


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        (1e-9, [1, 4, 16, 64, 15]),  # four times as many at most
        (0.1, [1, 4, 8, 8, 8]),  # 10 would take the second; 8 is the power of two below
        (10.0, [1, 1, 1, 1, 1]),  # one at least
    ],
)
def test_the_size_of_a_unit_goes_by_the_time_that_one_takes(monkeypatch, each, expected):
    evaluator = Adding()
    monkeypatch.setattr(sources, "time", SimpleNamespace(perf_counter=lambda: each * sum(evaluator.asked)))

    list(InUnits(evaluator).answers(sweep(100)))

    assert evaluator.asked[:5] == expected


@pytest.mark.parametrize(("most", "expected"), [(0, 1), (1, 1), (3, 2), (4, 4), (1023, 512)])
def test_powers_of_two(most, expected):
    assert power_of_two(most) == expected
