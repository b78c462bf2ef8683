"""What is kept of a compiled cost: nothing that outlives a change of it, and nothing of the user's."""

import gc as garbage
import weakref

import jax
import jax.numpy as jnp
import numpy as np
from jax_batches import PARAMS, RNG, X, cost, floating, was_batched

import gradcheck_core as gc
from gradcheck_core import Verdict


def test_what_is_kept_of_a_cost_does_not_outlive_a_change_of_it():
    power, x = [2], [X]

    def changing(p):
        return jnp.sum(jnp.tanh(x[0] @ p["w"] + p["b"]) ** power[0])

    def claimed(p):
        h = np.tanh(x[0] @ PARAMS["w"] + PARAMS["b"])
        upstream = power[0] * h ** (power[0] - 1) * (1 - h**2)
        return {"b": upstream.sum(axis=0), "w": x[0].T @ upstream}

    for change in (lambda: None, lambda: power.__setitem__(0, 4), lambda: x.__setitem__(0, 2 * X[::-1])):
        change()
        report = gc.check_gradients(changing, floating(PARAMS), claimed)
        assert was_batched(report)
        assert report.verdict is Verdict.CORRECT


def test_a_rule_that_was_corrected_is_seen_in_the_next_check():
    factor = [2.0]

    @jax.custom_vjp
    def identity(x):
        return x

    identity.defvjp(lambda x: (x, None), lambda _, upstream: (factor[0] * upstream,))

    wrong = gc.check_gradients(lambda p: cost({"w": identity(p["w"]), "b": p["b"]}), floating(PARAMS))
    factor[0] = 1.0
    right = gc.check_gradients(lambda p: cost({"w": identity(p["w"]), "b": p["b"]}), floating(PARAMS))

    assert wrong.parameters["w"].verdict is Verdict.BUG
    assert right.verdict is Verdict.CORRECT


def test_float64_data_stays_usable_outside_of_the_x64_scope():
    data = RNG.normal(size=(5, 8))

    def with_data(p):
        return jnp.sum(jnp.tanh(jnp.matmul(data, p["w"]) + p["b"]) ** 2)

    params = floating(PARAMS, "float32")
    report = gc.check_gradients(with_data, params)

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT
    assert with_data(params).dtype == "float32"


def test_nothing_of_the_users_is_kept_alive():
    class Data:
        def __init__(self):
            self.x = X.copy()

    def check(data):
        @jax.custom_vjp
        def identity(z):
            return z

        identity.defvjp(lambda z: (z, None), lambda _, upstream: (upstream * np.ones_like(data.x[0, 0]),))
        report = gc.check_gradients(
            lambda p: jnp.sum(jnp.tanh(identity(data.x @ p["w"] + p["b"])) ** 2), floating(PARAMS)
        )
        assert was_batched(report)
        return weakref.ref(data)

    kept = check(Data())
    jax.clear_caches()  # JAX itself keeps what it traced
    garbage.collect()

    assert kept() is None
