import itertools
import time

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.evaluate.limits import expected_evaluations, least_evaluations
from gradcheck_core.measure.evidence import Claimed

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


WAYS = {
    "second order": {"order": 2, "hvp": lambda w, along: -np.sin(w) * along},
    "complex steps": {"scheme": "complex"},
}


@pytest.mark.parametrize("most", [3, 4, 10, 20, 29, 30, 45, 60, 80])
@pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)
def test_evaluations_of_other_kinds_count_too(options, most):
    """2 at theta, 26 gradients and 1 to see the parameter's effect, and 1 at theta; or 9 and 16 real ones and 31."""
    calls = []

    def cost(w):
        calls.append(0)
        return np.sum(np.sin(w))

    def grads(w):
        calls.append(0)
        return np.cos(w)

    report = gc.check_gradients(cost, np.linspace(0.1, 2, 30), grads, max_evaluations=most, **options)

    assert report.evaluations <= most
    assert len(calls) <= most + (0 if "order" in options else 1)  # the claim itself
    enough = most >= (30 if "order" in options else 60)
    assert report.verdict is (gc.Verdict.CORRECT if enough else gc.Verdict.INCONCLUSIVE)
    assert any(note.startswith(f"stopped at `max_evaluations={most}` before") for note in report.notes) != enough
    assert not any("projected" in note for note in report.notes)


def test_that_it_was_stopped_comes_first_and_nothing_is_said_of_what_was_not_measured():
    cost, params, grads, _ = problem([(60,)])

    report = gc.check_gradients(cost, params, grads, method="exhaustive", max_evaluations=13)

    assert report.notes[0] == report.stopped
    assert report.stopped.startswith("stopped at `max_evaluations=13`")
    assert "Next: raise the limit named in the first note;" in str(report)
    assert not any("too small to measure" in note for note in report.notes)


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

    assert len(calls) == pytest.approx(expected_evaluations([200]), rel=0.1)


def test_of_a_large_parameter_few_coordinates_are_measured_twice():
    theta = np.random.default_rng(0).normal(size=6_000)

    report = gc.check_gradients(lambda w: float(np.sum(np.sin(w))), theta, np.cos(theta), method="exhaustive")

    assert report.verdict is gc.Verdict.CORRECT
    assert report.evaluations < 2.15 * 6_000  # it would be 2.3 if of so many an eighth were


@pytest.mark.parametrize("wrong", [False, True])
def test_a_few_kinks_in_a_large_parameter_are_found(wrong):
    theta = np.random.default_rng(1).normal(size=8_000)
    on_kinks = [11, 4_321, 7_998]
    theta[on_kinks] = 0.0

    def cost(w):
        return float(np.sum(np.sin(w)) + np.sum(np.abs(w[on_kinks])))

    grads = np.cos(theta)
    grads[on_kinks] = [1.5, 0.5, 2.5 if wrong else 1.0]  # anything from 0 to 2 is a subgradient

    report = gc.check_gradients(cost, theta, grads, method="exhaustive")

    assert report.verdict is (gc.Verdict.BUG if wrong else gc.Verdict.CORRECT)
    assert report.worst.kinks == 3
    assert not wrong or report.worst.worst_index == (7_998,)


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


@pytest.mark.parametrize(("number", "most"), [(100, 2), pytest.param(400, 4, marks=pytest.mark.slow)])
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


@pytest.mark.parametrize("probabilities", [[0.9, 0.4], [0.3, 0.01], [0.85]])
def test_a_cost_that_is_flat_in_a_probability_is_checked_within_its_domain(probabilities):
    def cost(p):
        if not np.all((p >= 0) & (p <= 1)):
            msg = "no probability"
            raise ValueError(msg)
        return 3.7

    theta = np.array(probabilities)

    assert gc.check_gradients(cost, theta, np.zeros_like(theta)).passed
    assert gc.check_gradients(cost, theta, np.full_like(theta, 0.01)).verdict is gc.Verdict.BUG


def flat_below_minus_one(t):
    return float(np.sum(np.where(t <= -1, 0.0, (t + 1) ** 2 / 4)))


def nowhere_below_zero(t):
    return float(np.sum(np.where(t < 0, np.nan, 3 * t**2 - 2 * t**3)))


@pytest.mark.parametrize(("cost", "theta"), [(flat_below_minus_one, -1.0), (nowhere_below_zero, 0.0)])
def test_a_zero_slope_where_a_cost_of_zero_starts_to_bend_to_one_side_passes(cost, theta):
    at = np.array([theta])

    assert gc.check_gradients(cost, at, np.zeros(1)).passed
    assert gc.check_gradients(cost, at, np.full(1, 1e-3)).verdict is gc.Verdict.BUG


@pytest.mark.parametrize("beside", [0.0, 1.0])
def test_the_rounding_that_backpropagation_leaves_of_a_zero_gradient_is_not_accused(beside):
    # a layer norm over a single entry: the weight has no effect, and its gradient is what rounding leaves of one
    params = {"weight": np.array([0.7]), "rest": np.array([0.3, 1.1])}
    grads = {"weight": np.array([-1e-13]), "rest": beside * np.cos(params["rest"])}

    assert gc.check_gradients(lambda p: 0.9 + beside * float(np.sum(np.sin(p["rest"]))), params, grads).passed


def test_the_last_of_many_parameters_is_resolved_as_finely_as_the_first():
    generator = np.random.default_rng(1)
    params = {f"a{i}": 0.3 * generator.normal(size=16) for i in range(16)}

    def layers(p):
        hidden = [np.full(16, 0.5)]
        for a in p.values():
            hidden.append(np.tanh(hidden[-1] * a + 0.7 * np.roll(hidden[-1], 1) + 0.1))
        return hidden

    def cost(p):
        return float(np.sum(layers(p)[-1] ** 2))

    def grads(p):
        *inputs, last = layers(p)
        back, found = 2 * last * (1 - last**2), {}
        for (name, a), before in zip(reversed(p.items()), reversed(inputs), strict=True):
            found[name] = back * before
            back = (back * a + 0.7 * np.roll(back, -1)) * (1 - before**2)
        return found

    report = gc.check_gradients(cost, params, grads)

    assert report.verdict is gc.Verdict.CORRECT
    assert max(p.resolution for p in report.parameters.values()) < 1e-7
    assert report.evaluations <= 2.5 * 256 + 200
