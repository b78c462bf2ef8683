"""Batched evaluation: the same answers as one by one, in few calls and within the memory that is allowed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from batches import together_and_alone
from jax_batches import PARAMS, RNG, cost, cost_gradient, floating, hidden, was_batched

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.protocol import chunks
from gradcheck_jax.batch import JaxBatch


def count(monkeypatch):
    """The lengths of the chunks that are evaluated from now on."""
    lengths = []
    contracted = chunks.contract

    def counted(outputs, weigh):
        lengths.append(len(outputs[0]))
        return contracted(outputs, weigh)

    monkeypatch.setattr(chunks, "contract", counted)
    return lengths


@pytest.mark.parametrize("returned", [cost, hidden, lambda p: (hidden(p), 3, {"z": p["b"], "a": cost(p)})])
def test_a_batch_gives_what_the_cost_gives_one_by_one(returned):
    for together, alone in together_and_alone("jax", returned, floating(PARAMS)):
        np.testing.assert_allclose(together, alone, rtol=1e-13)


@pytest.mark.parametrize(("dtype", "roundoff"), [("float32", 2.0**-24), ("float16", 2.0**-11), ("bfloat16", 2.0**-8)])
def test_thetas_are_rounded_as_a_write_rounds_them(dtype, roundoff):
    # The sum of one number and zeros: without rounding of its own, so that only theta's shows.
    params = jnp.zeros(100, dtype)

    for together, alone in together_and_alone("jax", jnp.sum, params):
        assert np.array_equal(together, alone)
        assert together == pytest.approx(np.full(100, 0.1), rel=roundoff)
        assert not np.any(together == 0.1)


@pytest.mark.parametrize("precision", ["native", "float64"])
def test_complex_parameters_are_moved_part_by_part(precision):
    z = jnp.asarray(RNG.normal(size=50) + 1j * RNG.normal(size=50), "complex64")

    # At 1 + x + iy the real part and the imaginary part of the square tell the two apart.
    for together, alone in together_and_alone("jax", lambda z: jnp.sum(z**2), z, precision):
        np.testing.assert_allclose(together, alone, rtol=1e-4 if precision == "native" else 1e-13)


def test_parameters_of_several_dtypes_are_moved_apart():
    params = {"a": jnp.ones(40, "float32"), "b": jnp.ones(40, "float16"), "c": jnp.ones(40, "float32")}

    for together, alone in together_and_alone(
        "jax", lambda p: sum(jnp.sum(v**2).astype("float32") for v in p.values()), params
    ):
        np.testing.assert_allclose(together, alone, rtol=1e-3)


def test_one_wrong_number_among_many_is_found():
    wrong = cost_gradient(PARAMS)
    wrong["w"][3, 7] *= 1.01

    report = gc.check_gradients(cost, floating(PARAMS), wrong)

    assert was_batched(report)
    assert report.verdict is not Verdict.CORRECT
    assert report.worst.name == "w"
    assert report.worst.worst_index == (3, 7)
    assert report.parameters["b"].verdict is Verdict.CORRECT


def test_a_batched_check_says_what_one_by_one_says(monkeypatch):
    batched = gc.check_gradients(cost, floating(PARAMS), cost_gradient(PARAMS))
    monkeypatch.setattr(JaxBatch, "least", 10**9)
    alone = gc.check_gradients(cost, floating(PARAMS), cost_gradient(PARAMS))

    assert batched.verdict is alone.verdict is Verdict.CORRECT
    for name, found in batched.parameters.items():
        assert found.numeric == pytest.approx(cost_gradient(PARAMS)[name][found.worst_index], abs=1e-7)
        assert found.resolution == pytest.approx(alone.parameters[name].resolution, rel=1)


def test_the_cost_is_called_few_times():
    calls = []

    def counted(p):
        calls.append(type(p["w"]))
        return cost(p)

    report = gc.check_gradients(counted, floating(PARAMS), cost_gradient(PARAMS))

    assert report.evaluations > 2 * 108
    # Twice before and once after, once for each of two parameters, and once or twice at theta meanwhile.
    assert len([kind for kind in calls if not issubclass(kind, jax.core.Tracer)]) < 20


def test_a_small_model_is_not_worth_compiling(monkeypatch):
    lengths = count(monkeypatch)

    report = gc.check_gradients(lambda w: jnp.sum(w**3), floating({"w": np.linspace(1, 2, 20)})["w"])

    assert report.verdict is Verdict.CORRECT
    assert not lengths


def test_little_memory_means_more_chunks_and_the_same_answers(monkeypatch):
    lengths = count(monkeypatch)
    much = gc.check_gradients(cost, floating(PARAMS), cost_gradient(PARAMS))
    with_much = list(lengths)
    lengths.clear()

    # 108 numbers of theta and 5 x 12 of each of tanh's input and output are 1.8 kB and more.
    little = gc.check_gradients(cost, floating(PARAMS), cost_gradient(PARAMS), max_memory=20_000)

    assert max(lengths) <= 20_000 // 1_800 < max(with_much)
    assert len(lengths) > 4 * len(with_much)
    assert little.difference == pytest.approx(much.difference, abs=1e-9)
    assert little.verdict is Verdict.CORRECT


def test_less_memory_than_one_theta_takes_means_one_at_a_time(monkeypatch):
    lengths = count(monkeypatch)

    report = gc.check_gradients(cost, floating(PARAMS), cost_gradient(PARAMS), max_memory=1)

    assert report.verdict is Verdict.CORRECT
    assert set(lengths) == {1}


def test_weak_types_stay_weak():
    params = {"scale": jnp.asarray(1.5), "half": jnp.ones(70, "float16")}

    for together, alone in together_and_alone("jax", lambda p: p["scale"] * jnp.sum(p["half"] / 64), params):
        np.testing.assert_allclose(together, alone, rtol=2e-3)
