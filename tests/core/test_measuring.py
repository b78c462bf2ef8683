import itertools
import time

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.budget import expected_evaluations, least_evaluations
from gradcheck_core.second_look import Claimed

SHAPES = {
    "1 entry": [(1,)],
    "a scalar": [()],
    "100 scalars": [()] * 100,
    "3 vectors": [(5,), (17,), (29,)],
    "500 entries": [(500,)],
    "a matrix": [(40, 30)],
    "2 layers": [(12, 9), (9,), (9, 4), (4,)],
}


def problem(shapes, seed=0):
    """J = sum of sin(c x) over all entries, its right gradient, and the thetas that it has been called with."""
    generator = np.random.default_rng(seed)
    params = [np.asarray(generator.normal(size=shape)) for shape in shapes]
    rates = [generator.uniform(0.5, 2, size=shape) for shape in shapes]
    calls = []

    def cost(p):
        calls.append(np.concatenate([np.ravel(x) for x in p]))
        return float(sum(np.sum(np.sin(c * x)) for c, x in zip(rates, p, strict=True)))

    return cost, params, [np.asarray(c * np.cos(c * x)) for c, x in zip(rates, params, strict=True)], calls


def with_one_wrong(grads):
    wrong = [grad.copy() for grad in grads]
    wrong[0].flat[0] += 1.0
    return wrong


@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
def test_a_right_gradient_takes_few_evaluations_and_all_are_counted(shapes):
    cost, params, grads, calls = problem(shapes)
    n = sum(x.size for x in params)

    report = gc.check_gradients(cost, params, grads)

    assert report.passed
    assert report.evaluations == len(calls)
    assert 2 * n < len(calls) <= 2.5 * n + 200


@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
def test_a_wrong_gradient_takes_little_more(shapes):
    cost, params, grads, calls = problem(shapes)
    n = sum(x.size for x in params)

    report = gc.check_gradients(cost, params, [2 * grad for grad in grads])

    assert report.verdict is gc.Verdict.BUG
    assert report.evaluations == len(calls)
    assert len(calls) <= 2.5 * n + 200 + 16 * 8 * len(shapes)


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("spare", [0, 5, 100, 1000])
@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
def test_no_more_evaluations_than_allowed(shapes, spare, right):
    cost, params, grads, calls = problem(shapes)
    most = least_evaluations(sum(x.size for x in params)) + spare

    report = gc.check_gradients(cost, params, grads if right else with_one_wrong(grads), max_evaluations=most)

    assert len(calls) <= most
    assert report.evaluations == len(calls)
    assert report.passed if right else not report.passed


@pytest.mark.parametrize("spare", [0, 1, 40])
def test_no_more_evaluations_than_allowed_where_noise_needs_a_wide_table(spare):
    # a constant cost widens its table four times: 45 evaluations instead of 9
    calls = []

    gc.check_gradients(
        lambda w: calls.append(0) or 5.0, np.ones(3), np.zeros(3), max_evaluations=least_evaluations(3) + spare
    )

    assert len(calls) <= least_evaluations(3) + spare


@pytest.mark.parametrize(
    ("method", "most"),
    [*itertools.product(["auto", "exhaustive", "projected"], [1, 3, 10]), ("exhaustive", 40), ("exhaustive", 100)],
)
def test_too_few_evaluations_leave_it_undecided_and_say_so(method, most):
    cost, params, grads, calls = problem([(60,)])

    report = gc.check_gradients(cost, params, grads, method=method, max_evaluations=most)

    assert report.verdict is gc.Verdict.INCONCLUSIVE
    assert len(calls) == report.evaluations <= max(most, 3)
    assert any(f"stopped at `max_evaluations={most}`" in note for note in report.notes)


def test_what_was_measured_before_the_evaluations_ran_out_counts():
    cost, params, grads, _ = problem([(60,)])

    report = gc.check_gradients(cost, params, with_one_wrong(grads), method="exhaustive", max_evaluations=100)

    assert report.verdict is gc.Verdict.BUG
    assert report.worst.worst_index == (0,)


def test_a_check_stops_when_its_time_is_over():
    cost, params, grads, calls = problem([(500,)])

    def slow(p):
        time.sleep(0.002)
        return cost(p)

    report = gc.check_gradients(slow, params, grads, max_seconds=0.2)

    assert report.verdict is gc.Verdict.INCONCLUSIVE
    assert len(calls) < 500
    assert any("`max_seconds=0.2`" in note for note in report.notes)


def test_the_usual_number_of_evaluations_is_the_sweep_the_probes_and_a_few():
    cost, params, grads, calls = problem([(200,)])

    gc.check_gradients(cost, params, grads)

    assert len(calls) == pytest.approx(expected_evaluations(200), rel=0.1)


def test_a_claim_never_changes_the_sweep():
    cost, params, grads, calls = problem([(7, 3), (20,)])
    gc.check_gradients(cost, params, grads)
    right = np.array(calls)
    calls.clear()

    gc.check_gradients(cost, params, with_one_wrong(grads))
    wrong = np.array(calls)

    # after the first parameter's sweep comes its second look, after the second's the last evaluation
    looked = len(wrong) - len(right)
    first = int(np.argmax(np.any(right != wrong[: len(right)], axis=1)))
    assert 0 < looked <= 32
    assert np.array_equal(np.delete(wrong, slice(first, first + looked), axis=0), right)
    assert np.array_equal(np.delete(wrong[first : first + looked], 0, axis=1), np.tile(right[0][1:], (looked, 1)))


@pytest.mark.parametrize("factor", [0.0, -1.0, 2.0, 1e9])
def test_a_claim_never_changes_an_estimate(factor):
    # looked at again, an entry may be measured better, never towards the claim
    cost, params, grads, _ = problem([(30,)])

    report = gc.check_gradients(cost, params, [factor * grad for grad in grads])

    true = grads[0][report.worst.worst_index]
    assert abs(report.worst.numeric - true) <= report.worst.error < 1e-8


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("epsilon", [1e-7, 1e-3, 0.5])
def test_with_a_forced_step_nothing_moves_beyond_it_while_measuring(epsilon, right):
    cost, params, grads, calls = problem([(3, 2), (4,)])
    gc.check_gradients(cost, params, grads if right else with_one_wrong(grads), epsilon=epsilon)

    moved = np.abs(np.array(calls) - calls[0])
    alone = moved[np.count_nonzero(moved, axis=1) == 1]

    assert moved.max() == pytest.approx(epsilon)
    assert len(alone) >= 2 * 10
    assert np.count_nonzero(np.isclose(alone.max(axis=1), epsilon)) == 2 * 10


def test_a_forced_step_far_too_long_shows_in_the_resolution():
    cost, params, grads, _ = problem([(6,)])

    report = gc.check_gradients(cost, params, grads, epsilon=0.5)

    assert report.worst.difference > 1e-3
    assert report.verdict is gc.Verdict.INCONCLUSIVE


@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_a_claim_in_float64_is_taken_as_exact(dtype):
    assert Claimed.of(np.array([1.0, -8.0]), dtype).rounding == 0


@pytest.mark.parametrize(("dtype", "roundoff"), [("float32", 2.0**-24), ("float16", 2.0**-11), ("bfloat16", 2.0**-8)])
def test_a_claim_in_lower_precision_may_be_off_by_4_roundoffs_of_its_largest(dtype, roundoff):
    assert Claimed.of(np.array([1.0, -8.0, np.nan, np.inf]), dtype).rounding == 4 * 8 * roundoff


def test_a_baseline_keeps_the_lower_of_the_precisions():
    # float64 theta, a cost that returns float32
    seen = []

    def cost(w):
        seen.append(w[0])
        return np.float32(np.sin(w[0]))

    report = gc.check_gradients(cost, np.array([1.0]), np.cos([1.0]))

    assert report.passed
    assert np.max(np.abs(np.array(seen) - 1)) > 2.0**-12  # steps for float32, not for float64


@pytest.mark.parametrize(("number", "most"), [(100, 2), (400, 4)])
def test_many_small_parameters_of_different_functions_keep_to_the_limit(number, most):
    # the probes do not reach them all: what other parameters show stands for the rest, and has to cover the worst
    functions = [(np.sin, np.cos), (np.exp, np.exp), (lambda x: np.sin(30 * x), lambda x: 30 * np.cos(30 * x))]
    generator = np.random.default_rng(0)
    scales = 10.0 ** generator.uniform(-3, 3, size=number)
    params = [scale * generator.normal(size=int(generator.integers(1, most))) for scale in scales]
    chosen = [functions[i] for i in generator.integers(3, size=number)]
    grads = [slope(x / scale) / scale for (_, slope), x, scale in zip(chosen, params, scales, strict=True)]

    def cost(p):
        return float(sum(np.sum(f(x / scale)) for (f, _), x, scale in zip(chosen, p, scales, strict=True)))

    report = gc.check_gradients(cost, params, grads)
    wrong = gc.check_gradients(cost, params, [*grads[:-1], 1.01 * grads[-1]])

    assert report.passed
    assert report.evaluations <= 2.5 * sum(x.size for x in params) + 200
    assert wrong.parameters[str(number - 1)].verdict is gc.Verdict.BUG
