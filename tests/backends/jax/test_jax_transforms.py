import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict

W = jnp.asarray([[0.3, -0.7], [1.1, 0.4]])
X = jnp.asarray([[1.0, 2.0], [0.5, -1.5], [-0.4, 0.3]])


def vjp_rule(backward):
    """A custom sine with this backward, which is right for `lambda x, upstream: (upstream * jnp.cos(x),)`."""

    @jax.custom_vjp
    def sine(x):
        return jnp.sin(x)

    sine.defvjp(lambda x: (jnp.sin(x), x), backward)
    return sine


def jvp_rule(slope):
    """A custom sine with this derivative, which is right for `jnp.cos`."""

    @jax.custom_jvp
    def sine(x):
        return jnp.sin(x)

    sine.defjvps(lambda tangent, primal_out, x: tangent * slope(x))
    return sine


RIGHT_RULES = {"vjp": vjp_rule(lambda x, upstream: (upstream * jnp.cos(x),)), "jvp": jvp_rule(jnp.cos)}

WRONG_RULES = {
    "sign": vjp_rule(lambda x, upstream: (-upstream * jnp.cos(x),)),
    "forgets the chain": vjp_rule(lambda x, upstream: (jnp.cos(x),)),
    "transposed": vjp_rule(lambda x, upstream: ((upstream * jnp.cos(x)).T,)),
    "none": vjp_rule(lambda x, upstream: (None,)),
    "nan": vjp_rule(lambda x, upstream: (upstream * jnp.nan,)),
    "one entry": vjp_rule(lambda x, upstream: ((upstream * jnp.cos(x)).at[1, 1].add(1e-2),)),
    "not differentiated": jvp_rule(jnp.sin),
    "scaled": jvp_rule(lambda x: 1.01 * jnp.cos(x)),
}


@pytest.fixture(params=[lambda cost: cost, jax.jit, jax.checkpoint], ids=["plain", "jit", "checkpoint"])
def transformed(request):
    return request.param


def scaled(sine):
    return lambda p: jnp.sum(3 * sine(p["w"])) + jnp.sum(p["b"] ** 2)


def params():
    return {"w": W, "b": jnp.ones(2)}


@pytest.mark.parametrize("name", RIGHT_RULES)
def test_a_right_custom_rule_is_correct(name, transformed):
    assert gc.check_gradients(transformed(scaled(RIGHT_RULES[name])), params()).verdict is Verdict.CORRECT


@pytest.mark.parametrize("name", WRONG_RULES)
def test_a_wrong_custom_rule_is_a_bug_and_named(name, transformed):
    report = gc.check_gradients(transformed(scaled(WRONG_RULES[name])), params())

    assert report.verdict is Verdict.BUG
    assert report.worst.name == "w"
    assert report.parameters["b"].verdict is Verdict.CORRECT


def test_a_rule_that_raises_keeps_its_error():
    def failing(x, upstream):
        msg = "no backward yet"
        raise NotImplementedError(msg)

    with pytest.raises(NotImplementedError, match="no backward yet"):
        gc.check_gradients(scaled(vjp_rule(failing)), params())


def test_vmap():
    def cost(w, sine):
        return jnp.sum(jax.vmap(lambda x: jnp.prod(sine(w @ x)))(X))

    assert gc.check_gradients(cost, W, args=(RIGHT_RULES["jvp"],)).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, W, args=(WRONG_RULES["scaled"],)).verdict is Verdict.BUG


def test_a_scan_and_its_truncation():
    def cost(w, carry):
        def step(state, x):
            return jnp.tanh(w @ carry(state) + x), state

        return jax.lax.scan(step, jnp.zeros(2, w.dtype), X)

    assert gc.check_gradients(cost, W, args=(jnp.asarray,)).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, W, args=(jax.lax.stop_gradient,)).verdict is Verdict.BUG


def test_a_loop_of_static_length():
    def cost(w, sine):
        return jax.lax.fori_loop(0, 3, lambda i, state: sine(w @ state), jnp.eye(2, dtype=w.dtype))

    assert gc.check_gradients(cost, W, args=(RIGHT_RULES["vjp"],)).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, W, args=(WRONG_RULES["sign"],)).verdict is Verdict.BUG


def square_root(slope):
    """Newton's iteration in a while loop, which JAX cannot go back through without a rule."""

    @jax.custom_jvp
    def root(a):
        return jax.lax.while_loop(
            lambda x: jnp.max(jnp.abs(x * x - a)) > 1e-12, lambda x: (x + a / x) / 2, jnp.ones_like(a)
        )

    root.defjvps(lambda tangent, primal_out, a: tangent * slope(primal_out))
    return root


def test_a_while_loop_with_a_rule():
    with jax.enable_x64(True):  # in float32 the iteration would not end
        a = jnp.asarray([0.25, 2.0, 9.0])

    right = gc.check_gradients(lambda a: jnp.sum(square_root(lambda root: 0.5 / root)(a)), a)
    wrong = gc.check_gradients(lambda a: jnp.sum(square_root(lambda root: 1 / root)(a)), a)

    assert right.verdict is Verdict.CORRECT
    assert wrong.verdict is Verdict.BUG


def test_a_while_loop_without_a_rule_needs_grads():
    def cost(a):
        return jnp.sum(jax.lax.while_loop(lambda x: jnp.max(x * x - a) > 1e-14, lambda x: (x + a / x) / 2, a + 1))

    a = np.asarray([0.25, 2.0, 9.0])

    with pytest.raises(ValueError, match=r"Reverse-mode differentiation does not work for lax\.while_loop"):
        gc.check_gradients(cost, jnp.asarray(a))
    assert gc.check_gradients(cost, jnp.asarray(a), 0.5 / np.sqrt(a)).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, jnp.asarray(a), 1 / np.sqrt(a)).verdict is Verdict.BUG


@pytest.mark.parametrize("positive", [True, False])
def test_a_branch_with_a_wrong_rule_is_found_only_where_it_is_taken(positive):
    def cost(w):
        return jnp.sum(jax.lax.cond(jnp.sum(w) > 0, WRONG_RULES["sign"], RIGHT_RULES["vjp"], w))

    assert gc.check_gradients(cost, W if positive else -W).verdict is (Verdict.BUG if positive else Verdict.CORRECT)


def test_the_double_where_that_hides_a_nan():
    w = jnp.asarray([0.0, 1.0, 4.0])

    def naive(w):
        return jnp.sum(jnp.where(w > 0.5, jnp.sqrt(w - 0.5), 0.0))

    def careful(w):
        return jnp.sum(jnp.where(w > 0.5, jnp.sqrt(jnp.where(w > 0.5, w - 0.5, 1.0)), 0.0))

    report = gc.check_gradients(naive, w)

    assert report.verdict is Verdict.BUG
    assert "`theta[0]`: the claimed gradient is nan" in report.notes
    assert gc.check_gradients(careful, w).verdict is Verdict.CORRECT


def test_gradients_inside_the_cost():
    def penalty(w, sine):
        slope = jax.grad(lambda x: jnp.sum(sine(w @ x)))(X[0].astype(w.dtype))
        return (jnp.linalg.norm(slope) - 1) ** 2

    assert gc.check_gradients(penalty, W, args=(RIGHT_RULES["jvp"],)).verdict is Verdict.CORRECT
    assert (
        gc.check_gradients(penalty, W, args=(jvp_rule(lambda x: jax.lax.stop_gradient(jnp.cos(x))),)).verdict
        is Verdict.BUG
    )


def test_a_cost_that_closes_over_its_params_is_a_bug_with_a_note():
    fixed = params()

    report = gc.check_gradients(lambda _: scaled(jnp.sin)(fixed), params(), {"w": 3 * np.cos(W), "b": 2 * np.ones(2)})

    assert report.verdict is Verdict.BUG
    assert any("no perturbation changed the cost" in note for note in report.notes)


def test_a_callback_to_the_host_is_a_bug_if_its_rule_is_wrong():
    def sine(x):
        return jax.pure_callback(lambda x: np.sin(np.asarray(x)), jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    def with_slope(slope):
        wrapped = jax.custom_jvp(sine)
        wrapped.defjvps(lambda tangent, primal_out, x: tangent * slope(x))
        return lambda w: jnp.sum(wrapped(w))

    assert gc.check_gradients(with_slope(jnp.cos), W).verdict is Verdict.CORRECT
    assert gc.check_gradients(with_slope(jnp.sin), W).verdict is Verdict.BUG
