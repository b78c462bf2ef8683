"""What a cost may do and still be batched, and what makes it go one by one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax_batches import PARAMS, X, cost, cost_gradient, floating, hidden, was_batched

import gradcheck_core as gc
from gradcheck_core import Verdict


def scanned(p):
    return jnp.sum(jax.lax.scan(lambda h, row: (jnp.tanh(h @ p["w"].T[:8, :8] + row), h), X[0], X)[1] * p["b"][:8])


def branching(p):
    return jax.lax.cond(jnp.sum(p["b"]) > 0, lambda h: jnp.sum(h**2), lambda h: jnp.sum(h**3), hidden(p))


def repeated(p):
    return jax.lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, jnp.sin(s[1])), (0, hidden(p)))[1]


def cost_of_its_own_data(p):
    # A jitted function's NumPy array stays float64 for all others, as long as the function lives.
    return jnp.sum(jnp.tanh(X.copy() @ p["w"] + p["b"]) ** 2)


jitted, checkpointed = jax.jit(cost_of_its_own_data), jax.checkpoint(cost_of_its_own_data)


@pytest.mark.parametrize("function", [scanned, branching, jitted, checkpointed])
def test_control_flow_of_jax_is_batched(function):
    report = gc.check_gradients(function, floating(PARAMS))

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT


def test_a_while_loop_is_batched():
    h = X @ PARAMS["w"] + PARAMS["b"]

    # sin(sin(sin(tanh(.)))), by the chain rule
    def claimed(p):
        a = np.tanh(h)
        b, c = np.sin(a), np.sin(np.sin(a))
        upstream = 2 * np.sin(c) * np.cos(c) * np.cos(b) * np.cos(a) * (1 - a**2)
        return {"b": upstream.sum(axis=0), "w": X.T @ upstream}

    report = gc.check_gradients(lambda p: jnp.sum(repeated(p) ** 2), floating(PARAMS), claimed)

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT


def branching_in_python(p):
    h = hidden(p)
    return jnp.sum(h**2) if float(jnp.sum(p["b"])) < 10 else jnp.sum(h)


def through_numpy(p):
    h = np.tanh(X @ np.asarray(p["w"]) + np.asarray(p["b"]))
    return float(np.sum(h**2))


@pytest.mark.parametrize("function", [branching_in_python, through_numpy])
@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_a_cost_that_cannot_be_traced_goes_one_by_one_with_a_note(function, factor):
    claimed = cost_gradient(PARAMS)
    claimed["b"][2] *= factor

    report = gc.check_gradients(function, floating(PARAMS), claimed)

    assert not was_batched(report)
    assert "cannot be batched" in " ".join(report.notes)
    assert report.verdict.passed == (factor == 1.0)


def test_a_cost_that_prints_goes_one_by_one(capfd):
    def printing(p):
        jax.debug.print("called")
        return cost(p)

    report = gc.check_gradients(printing, floating(PARAMS))

    assert "has side effects" in " ".join(report.notes)
    assert report.verdict is Verdict.CORRECT
    assert capfd.readouterr().out.count("called") >= 2 * 108


def test_a_cost_that_asks_whether_it_is_traced_is_called():
    def asking(p):
        return cost(p) * (2 if isinstance(p["w"], jax.core.Tracer) else 1)

    report = gc.check_gradients(asking, floating(PARAMS), cost_gradient(PARAMS))

    assert "but one by one it is" in " ".join(report.notes)
    assert report.verdict is Verdict.CORRECT


def test_a_python_float_is_not_taken_for_an_array():
    params = {"scale": 1.5, **floating(PARAMS, "float32")}

    report = gc.check_gradients(lambda p: p["scale"] * cost(p), params, precision="native")

    assert "a Python float among the params" in " ".join(report.notes)
    assert report.verdict in (Verdict.INSPECT, Verdict.INCONCLUSIVE)  # in float32 no more is to be seen


def test_dropout_with_a_key_is_batched():
    def dropped(p, key):
        return jnp.sum(jnp.where(jax.random.bernoulli(key, 0.5, (5, 12)), hidden(p), 0.0) ** 2)

    report = gc.check_gradients(dropped, floating(PARAMS), args=(jax.random.key(3),))

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT


def test_numpys_random_numbers_are_the_same_in_a_trace_as_in_every_call():
    def dropped(p):
        return jnp.sum(hidden(p) * np.random.binomial(1, 0.5, (5, 12)))

    np.random.seed(5)
    expected = np.random.get_state()[1].copy()
    report = gc.check_gradients(dropped, floating(PARAMS))

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT
    assert np.array_equal(np.random.get_state()[1], expected)


def test_a_flax_module_is_batched():
    model = nnx.Sequential(nnx.Linear(8, 12, rngs=nnx.Rngs(0)), jnp.tanh, nnx.Linear(12, 2, rngs=nnx.Rngs(1)))
    before = jax.tree.map(np.asarray, nnx.state(model))

    report = gc.check_gradients(lambda m: jnp.sum(m(jnp.asarray(X)) ** 2), model)

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT
    assert jax.tree.all(jax.tree.map(np.array_equal, before, jax.tree.map(np.asarray, nnx.state(model))))


def test_an_equinox_module_is_batched():
    model = eqx.nn.MLP(8, 2, 12, 1, key=jax.random.key(0))

    report = gc.check_gradients(lambda m: jnp.sum(jax.vmap(m)(jnp.asarray(X, "float32")) ** 2), model)

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT


def test_arrays_stay_on_their_device():
    device = jax.devices()[1]
    with jax.enable_x64(True):
        params = jax.device_put(floating(PARAMS), device)
        x = jax.device_put(X, device)

    report = gc.check_gradients(lambda p: jnp.sum(jnp.tanh(x @ p["w"] + p["b"]) ** 2), params)

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT


@pytest.mark.parametrize("order", [["a", "z"], ["z", "a"]])
def test_what_a_dict_returns_is_weighed_in_one_order(order):
    def returned(p):
        parts = {"a": jnp.sum(hidden(p), axis=0), "z": jnp.sum(hidden(p) ** 2, axis=0)}
        return {name: parts[name] for name in order}

    assert gc.check_gradients(returned, floating(PARAMS)).verdict is Verdict.CORRECT
