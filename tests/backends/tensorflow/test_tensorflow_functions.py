import numpy as np
import pytest
import tensorflow as tf

import gradcheck_core as gc
from gradcheck_core import Verdict

W = np.array([[0.3, -0.7], [1.1, 0.4]])


def rule(backward):
    """A custom sine with this backward, which is right for `lambda x, upstream: upstream * tf.cos(x)`."""

    @tf.custom_gradient
    def sine(x):
        return tf.sin(x), lambda upstream: backward(x, upstream)

    return sine


@tf.custom_gradient
def doubled(x):
    """The identity, whose gradient is wrong by a factor of two."""
    return tf.identity(x), lambda upstream: 2 * upstream


right_rule = rule(lambda x, upstream: upstream * tf.cos(x))

WRONG_RULES = {
    "sign": rule(lambda x, upstream: -upstream * tf.cos(x)),
    "forgets the chain": rule(lambda x, upstream: tf.cos(x)),
    "transposed": rule(lambda x, upstream: tf.transpose(upstream * tf.cos(x))),
    "not differentiated": rule(lambda x, upstream: upstream * tf.sin(x)),
    "none": rule(lambda x, upstream: None),
    "nan": rule(lambda x, upstream: upstream * float("nan")),
    "one entry": rule(lambda x, upstream: upstream * tf.cos(x) + tf.constant([[0, 0], [0, 1e-2]], tf.float64)),
}


@pytest.fixture(params=["eager", "function", "compiled"])
def traced(request):
    return {
        "eager": lambda cost: cost,
        "function": tf.function,
        "compiled": lambda cost: tf.function(cost, jit_compile=True),
    }[request.param]


def scaled(sine):
    return lambda p: tf.reduce_sum(3 * sine(tf.convert_to_tensor(p["w"]))) + tf.reduce_sum(p["b"] ** 2)


def params():
    return {"w": tf.Variable(W), "b": tf.Variable(np.ones(2))}


def test_a_right_custom_rule_is_correct(traced):
    assert gc.check_gradients(traced(scaled(right_rule)), params()).verdict is Verdict.CORRECT


@pytest.mark.parametrize("name", WRONG_RULES)
def test_a_wrong_custom_rule_is_a_bug_and_named(name, traced):
    report = gc.check_gradients(traced(scaled(WRONG_RULES[name])), params())

    assert report.verdict is Verdict.BUG
    assert report.worst.name == "w"
    assert report.parameters["b"].verdict is Verdict.CORRECT


def test_a_rule_that_raises_keeps_its_error():
    def failing(x, upstream):
        msg = "no backward yet"
        raise NotImplementedError(msg)

    with pytest.raises(NotImplementedError, match="no backward yet"):
        gc.check_gradients(scaled(rule(failing)), params())


def test_a_while_loop():
    def cost(step):
        @tf.function
        def iterated(w):
            start = (0, tf.eye(2, dtype=tf.float64))
            return tf.while_loop(lambda i, total: i < 3, lambda i, total: (i + 1, step(w, total)), start)[1]

        return iterated

    right = gc.check_gradients(cost(lambda w, total: tf.sin(w @ total)), tf.Variable(W))
    wrong = gc.check_gradients(cost(lambda w, total: tf.sin(doubled(w @ total))), tf.Variable(W))

    assert right.verdict is Verdict.CORRECT
    assert wrong.verdict is Verdict.BUG


def test_control_flow_that_autograph_writes():
    @tf.function
    def cost(w):
        total = tf.zeros((), tf.float64)
        for row in w:
            if tf.reduce_sum(row) > 0:
                total += tf.reduce_sum(row**3)
            else:
                total -= tf.reduce_sum(tf.sin(row))
        return total

    report = gc.check_gradients(cost, tf.Variable(W))

    assert report.verdict is Verdict.CORRECT


@pytest.mark.parametrize("positive", [True, False])
def test_a_branch_with_a_wrong_rule_is_found_only_where_it_is_taken(positive):
    @tf.function
    def cost(w):
        return tf.cond(
            tf.reduce_sum(w) > 0, lambda: tf.reduce_sum(doubled(tf.sin(w))), lambda: tf.reduce_sum(tf.sin(w))
        )

    w = tf.constant(W if positive else -W)

    assert gc.check_gradients(cost, w).verdict is (Verdict.BUG if positive else Verdict.CORRECT)


def test_a_function_is_traced_once_for_variables_and_once_for_tensors():
    traces = []

    @tf.function
    def cost(p):
        traces.append(1)
        return tf.reduce_sum(tf.sin(p["w"]))

    assert gc.check_gradients(cost, {"w": tf.Variable(W)}).verdict is Verdict.CORRECT
    assert len(traces) == 1
    assert gc.check_gradients(cost, {"w": tf.constant(W)}).verdict is Verdict.CORRECT
    assert len(traces) == 2


def test_a_function_that_bakes_a_value_in_is_a_bug():
    w = tf.Variable(W)

    @tf.function
    def cost(w):
        return tf.reduce_sum(tf.sin(w) * w_at_tracing)

    w_at_tracing = w.numpy()
    report = gc.check_gradients(cost, w, lambda w: np.cos(w) * w + np.sin(w))

    assert report.verdict is Verdict.BUG
    assert gc.check_gradients(cost, w).verdict is Verdict.CORRECT


def test_a_python_cost_inside_a_function_is_a_bug():
    @tf.function
    def cost(w):
        return tf.reduce_sum(tf.numpy_function(np.sin, [w], tf.float64)) + tf.reduce_sum(w)

    assert gc.check_gradients(cost, tf.Variable(W)).verdict is Verdict.BUG
    assert gc.check_gradients(cost, tf.Variable(W), np.cos(W) + 1).verdict is Verdict.CORRECT


def test_vectorised_and_recomputed_costs():
    def cost(w, sine):
        return tf.recompute_grad(lambda w: tf.reduce_sum(tf.vectorized_map(lambda row: row * tf.sin(row), w)))(
            w
        ) + sine(w)

    assert gc.check_gradients(cost, tf.Variable(W), args=(right_rule,)).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, tf.Variable(W), args=(WRONG_RULES["sign"],)).verdict is Verdict.BUG


def test_truncated_backpropagation_through_time_is_a_bug():
    def cost(w, carry):
        state = tf.zeros((2, 1), tf.float64)
        for x in (0.3, -0.2, 0.9):
            state = tf.tanh(w @ carry(state) + x)
        return tf.reduce_sum(state**2)

    assert gc.check_gradients(cost, tf.Variable(W), args=(tf.identity,)).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, tf.Variable(W), args=(tf.stop_gradient,)).verdict is Verdict.BUG
