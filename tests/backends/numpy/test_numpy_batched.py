"""A cost that declares a form for many thetas: fewer calls, the same answers, and a lie is found."""

import doctest
import tracemalloc

import numpy as np
import pytest

import gradcheck_core as gc
import gradcheck_numpy.batched
from gradcheck_core import Verdict
from gradcheck_core.protocol import registry
from gradcheck_core.protocol.outputs import Contraction
from gradcheck_numpy import BatchedCost

X = np.random.default_rng(0).normal(size=(6, 5))
PARAMS = {
    "W": np.random.default_rng(1).normal(size=(5, 8)),
    "b": np.random.default_rng(2).normal(size=8),
    "V": np.random.default_rng(3).normal(size=(8, 3)),
    "scale": np.array(0.7),
}


def cost(p):
    return np.sum(np.sin(p["scale"] * (np.tanh(X @ p["W"] + p["b"]) @ p["V"])), axis=(-2, -1))


def gradients(p):
    """With h = tanh(X W + b), u = h V and J = sum sin(s u): dJ/du = s cos(s u), dJ/ds = sum u cos(s u)."""
    hidden = np.tanh(X @ p["W"] + p["b"])
    outputs = hidden @ p["V"]
    d_outputs = p["scale"] * np.cos(p["scale"] * outputs)
    d_hidden = (d_outputs @ p["V"].T) * (1 - hidden**2)
    return {
        "W": X.T @ d_hidden,
        "b": d_hidden.sum(axis=0),
        "V": hidden.T @ d_outputs,
        "scale": np.sum(outputs * np.cos(p["scale"] * outputs)),
    }


class Counted:
    def __init__(self, function):
        self.function = function
        self.calls = 0

    def __call__(self, *args):
        self.calls += 1
        return self.function(*args)


@pytest.mark.parametrize("name", ["W", "b", "V"])
def test_one_wrong_entry_is_named_in_every_parameter(name):
    grads = gradients(PARAMS)
    grads[name].flat[-1] *= 2
    one, many = Counted(cost), Counted(cost)

    report = gc.check_gradients(BatchedCost(one, many), PARAMS, grads)

    assert report.verdict is Verdict.BUG
    assert [p.name for p in report.parameters.values() if p.verdict is not Verdict.CORRECT] == [name]
    assert report.worst.worst_index == tuple(size - 1 for size in PARAMS[name].shape)
    assert one.calls + many.calls < report.evaluations / 1.5


@pytest.mark.parametrize("many", [cost, lambda p: cost(p) + 1.0], ids=["as one by one", "otherwise, and refused"])
@pytest.mark.parametrize("most", [12, 20, 43, 60, 100, 185, 250, 300])
def test_what_batches_are_held_against_is_within_the_evaluations_allowed(most, many):
    """Of 73 entries a sweep takes 146."""
    report = gc.check_gradients(
        BatchedCost(cost, many), PARAMS, gradients, method="exhaustive", max_evaluations=most, precision="native"
    )

    assert report.evaluations <= most
    assert report.passed == (most >= 158)


@pytest.mark.parametrize("most", range(40, 140, 3))
def test_parameters_that_move_nothing_take_no_more_evaluations_than_allowed(most):
    params = {"a": np.linspace(0.1, 1, 20), "idle": np.linspace(0.1, 1, 20)}

    report = gc.check_gradients(
        BatchedCost(lambda p: np.sum(p["a"] ** 2, axis=-1), lambda p: np.sum(p["a"] ** 2, axis=-1)),
        params,
        lambda p: {"a": 2 * p["a"], "idle": 0 * p["idle"]},
        method="exhaustive",
        max_evaluations=most,
    )

    assert report.evaluations <= most


def test_a_right_gradient_is_correct_and_the_caller_s_arrays_are_theirs():
    params = {name: array.copy() for name, array in PARAMS.items()}
    for array in params.values():
        array.flags.writeable = False
    one, many = Counted(cost), Counted(cost)

    report = gc.check_gradients(BatchedCost(one, many), params, gradients)

    assert report.verdict is Verdict.CORRECT
    assert report.notes == ()
    assert many.calls > 0
    assert one.calls + many.calls < report.evaluations / 1.5
    assert all(np.array_equal(params[name], array) for name, array in PARAMS.items())


def assert_alike(batched, params, memory=2**20):
    contraction = Contraction(0)
    backend = registry.load_backend("numpy")
    with backend.open(batched, params, (), "native", 0) as problem:
        batch = problem.batch(contraction.weights, memory)
        for position, parameter in enumerate(problem.layout.parameters):
            present = problem.read(position)
            entries = np.arange(parameter.size).repeat(2)
            values = present[entries] + np.tile([-0.25, 0.5], parameter.size)
            together = batch.costs_at(position, entries, values)
            alone = []
            for entry, value in zip(entries.tolist(), values.tolist(), strict=True):
                problem.write(position, entry, value)
                alone.append(contraction.value(problem.evaluate(), np.asarray).value)
                problem.write(position, entry, float(present[entry]))
            np.testing.assert_allclose(together, alone, rtol=1e-13)
            assert np.array_equal(problem.read(position), present)


def test_one_form_serves_as_both_where_sums_name_their_axes_from_the_end():
    assert_alike(BatchedCost(cost, cost), PARAMS)


def test_data_with_more_axes_than_the_params_needs_ndim():
    sequences = np.random.default_rng(4).normal(size=(4, 3, 5))

    def recurrent(p):
        return np.sum(np.tanh(sequences @ p["W"] + p["b"]) ** 2, axis=(-3, -2, -1))

    params = {"W": PARAMS["W"], "b": PARAMS["b"]}

    assert_alike(BatchedCost(recurrent, recurrent, ndim=3), params)


def test_complex_parameters_come_complex():
    z = X[:2] + 1j * X[2:4]

    def modulus(p):
        return np.sum(np.abs(np.exp(1j * p)), axis=(-2, -1))

    assert_alike(BatchedCost(modulus, modulus), z)


def test_a_parameter_that_does_not_reach_the_cost_may_give_one_number():
    def some(p):
        return np.sum(p["used"] ** 2, axis=-1)

    params = {"used": np.arange(1.0, 20.0), "unused": np.ones(12)}
    right = {"used": 2 * params["used"], "unused": np.zeros(12)}
    wrong = {"used": 2 * params["used"], "unused": np.ones(12)}

    assert gc.check_gradients(BatchedCost(some, some), params, right).passed
    assert gc.check_gradients(BatchedCost(some, some), params, wrong).verdict is Verdict.BUG


def halved(p):
    return cost(p) / 2


def shapeless(p):
    return np.sum(np.sin(p["scale"] * (np.tanh(X @ p["W"] + p["b"]) @ p["V"])))


def raising(p):
    msg = "not written yet"
    raise NotImplementedError(msg)


LIES = {"another cost": (halved, "but one by one"), "raises": (raising, "not written yet")}


@pytest.mark.parametrize(("many", "reason"), LIES.values(), ids=LIES.keys())
def test_a_form_for_many_that_is_no_such_thing_is_not_believed(many, reason):
    wrong = {name: 0.5 * np.asarray(grad) for name, grad in gradients(PARAMS).items()}

    found = gc.check_gradients(BatchedCost(cost, many), PARAMS, wrong)
    passed = gc.check_gradients(BatchedCost(cost, many), PARAMS, gradients)

    assert found.verdict is Verdict.BUG
    assert passed.verdict is Verdict.CORRECT
    assert any("one theta at a time" in note and reason in note for note in passed.notes)


def test_costs_of_another_shape_are_refused_by_name():
    def many(p):
        return np.sum(np.sin(p["scale"] * (np.tanh(X @ p["W"] + p["b"]) @ p["V"])), axis=-1)

    report = gc.check_gradients(BatchedCost(cost, many), PARAMS, gradients)

    assert report.verdict is Verdict.CORRECT
    assert any("`many` returned shape (1, 6) for 1 thetas" in note for note in report.notes)


def test_a_sum_over_the_whole_batch_is_found():
    report = gc.check_gradients(BatchedCost(shapeless, shapeless), PARAMS, gradients)

    assert report.verdict is Verdict.CORRECT
    assert any("one theta at a time" in note for note in report.notes)


def test_draws_are_the_same_in_every_batch():
    def noisy(p):
        return np.sum(np.tanh(p) * (np.random.random(X.shape) < 0.5), axis=(-2, -1))

    def grads(p):
        return (np.random.random(X.shape) < 0.5) / np.cosh(p) ** 2

    assert gc.check_gradients(BatchedCost(noisy, noisy), X, grads, max_memory=2**13).verdict is Verdict.CORRECT


def test_less_memory_means_more_calls():
    def calls(memory):
        many = Counted(cost)
        assert gc.check_gradients(BatchedCost(cost, many), PARAMS, gradients, max_memory=memory).passed
        return many.calls

    assert calls(2**30) < calls(2**17) < calls(2**15)


def test_where_two_thetas_do_not_fit_it_goes_one_by_one():
    report = gc.check_gradients(BatchedCost(cost, cost), PARAMS, gradients, max_memory=1000)

    assert report.verdict is Verdict.CORRECT
    assert any("one theta at a time" in note and "max_memory" in note for note in report.notes)


def test_memory_that_the_caller_traces_stays_traced():
    tracemalloc.start()
    try:
        gc.check_gradients(BatchedCost(cost, cost), PARAMS, gradients)

        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_the_example_in_the_documentation_runs():
    assert doctest.testmod(gradcheck_numpy.batched).failed == 0


def test_what_the_cost_raises_where_a_batch_is_compared_names_the_entry():
    w = np.linspace(0.1, 1.0, 40)

    def one(v):
        if np.sum(v != w) == 1:
            msg = "boom"
            raise ValueError(msg)
        return np.sum(np.sin(v))

    with pytest.raises(ValueError, match="boom") as raised:
        gc.check_gradients(BatchedCost(one, lambda v: np.sum(np.sin(v), axis=-1)), w, np.cos(w))
    assert any("params `theta`[" in note and "moved from" in note for note in raised.value.__notes__)
