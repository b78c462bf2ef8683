"""Custom rules in JAX: which of the two modes is wrong is told."""

import jax
import jax.numpy as jnp
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict

W = [0.3, -1.1, 0.7]


def params():
    with jax.enable_x64(True):
        return jnp.array(W)


def by_jvp(factor):
    """sin(x) with a forward rule, from which JAX derives the reverse one."""

    @jax.custom_jvp
    def sine(x):
        return jnp.sin(x)

    sine.defjvp(lambda primals, tangents: (jnp.sin(primals[0]), factor * jnp.cos(primals[0]) * tangents[0]))
    return lambda w: jnp.sum(sine(w))


def by_vjp(factor):
    """sin(x) with a reverse rule only."""

    @jax.custom_vjp
    def sine(x):
        return jnp.sin(x)

    sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, cotangent: (factor * jnp.cos(x) * cotangent,))
    return lambda w: jnp.sum(sine(w))


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_a_wrong_jvp_is_wrong_in_both_modes(mode):
    assert gc.check_gradients(by_jvp(2.0), params(), mode=mode).verdict is Verdict.BUG
    assert gc.check_gradients(by_jvp(1.0), params(), mode=mode).verdict is Verdict.CORRECT


def test_a_wrong_jvp_is_told_to_be_shared():
    report = gc.check_gradients(by_jvp(2.0), params())

    assert any("forward and reverse mode agree with each other" in note for note in report.notes)


def test_a_wrong_vjp_has_no_forward_mode_to_be_held_against():
    report = gc.check_gradients(by_vjp(2.0), params())

    assert report.verdict is Verdict.BUG
    assert not any("forward mode" in note for note in report.notes)


def test_a_custom_vjp_is_differentiated_twice():
    assert gc.check_gradients(by_vjp(1.0), params(), order=2).verdict is Verdict.CORRECT


def test_a_stopped_gradient_inside_the_rule_is_a_bug_of_order_2_only():
    @jax.custom_vjp
    def sine(x):
        return jnp.sin(x)

    def backward(x, cotangent):
        return (jax.lax.stop_gradient(jnp.cos(x)) * cotangent,)

    sine.defvjp(lambda x: (jnp.sin(x), x), backward)

    def cost(w):
        return jnp.sum(sine(w))

    assert gc.check_gradients(cost, params()).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, params(), order=2).verdict is Verdict.BUG


def test_forward_mode_through_a_loop_that_reverse_mode_cannot_go_back_through():
    def cost(w):
        return jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, jnp.sin(c[1]) * w), (0, w))[1]

    with pytest.raises(ValueError, match="Reverse-mode differentiation does not work"):
        gc.check_gradients(cost, params())
    assert gc.check_gradients(cost, params(), mode="forward").verdict is Verdict.CORRECT
