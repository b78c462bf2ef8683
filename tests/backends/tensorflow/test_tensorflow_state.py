import random

import numpy as np
import pytest
import tensorflow as tf

import gradcheck_core as gc
from gradcheck_core import Verdict

W = np.linspace(-1, 1, 8)


@pytest.fixture
def w():
    variable = tf.Variable(np.append(W[:-1], -0.0))
    before = variable.numpy().tobytes(), id(variable.handle)
    yield variable
    assert (variable.numpy().tobytes(), id(variable.handle)) == before, "the caller's variable changed"


def uniform(w):
    return tf.reduce_sum(tf.sin(w) * tf.random.uniform((8,), dtype=tf.float64))


def uniform_with_a_seed(w):
    return tf.reduce_sum(tf.sin(w) * tf.random.uniform((8,), dtype=tf.float64, seed=4))


def dropout(w):
    return tf.reduce_sum(tf.nn.dropout(tf.sin(w), 0.5))


def dropout_with_a_seed(w):
    return tf.reduce_sum(tf.nn.dropout(tf.sin(w), 0.5, seed=4))


def shuffled(w):
    return tf.reduce_sum(tf.sin(w) * tf.random.shuffle(tf.constant(W)))


def global_generator(w):
    return tf.reduce_sum(tf.sin(w) * tf.random.get_global_generator().normal((8,), dtype=tf.float64))


def numpy_noise(w):
    return tf.reduce_sum(tf.sin(w) * np.random.rand(8)) * random.random()


RANDOM_COSTS = [uniform, uniform_with_a_seed, dropout, dropout_with_a_seed, shuffled, global_generator, numpy_noise]


@pytest.mark.parametrize("cost", RANDOM_COSTS)
def test_a_random_eager_cost_is_correct(cost, w):
    assert gc.check_gradients(cost, w).verdict is Verdict.CORRECT


@pytest.mark.parametrize("cost", RANDOM_COSTS[:-1])
def test_a_random_function_is_correct(cost, w):
    traced = tf.function(cost)

    assert gc.check_gradients(traced, w).verdict is Verdict.CORRECT
    assert gc.check_gradients(traced, w).verdict is Verdict.CORRECT  # it has drawn already, from state of its own


@pytest.mark.parametrize("cost", RANDOM_COSTS)
def test_a_wrong_gradient_of_a_random_cost_is_a_bug(cost, w):
    @tf.custom_gradient
    def doubled(x):
        return tf.identity(x), lambda upstream: 2 * upstream

    assert gc.check_gradients(lambda w: cost(doubled(tf.convert_to_tensor(w))), w).verdict is Verdict.BUG


def test_a_random_function_elsewhere_does_not_make_a_check_seed_each_evaluation(w, monkeypatch):
    elsewhere = tf.function(dropout)
    elsewhere(tf.constant(W))
    seeds = []
    monkeypatch.setattr(tf.random, "set_seed", seeds.append)

    report = gc.check_gradients(lambda w: tf.reduce_sum(tf.sin(w)), w)

    assert report.verdict is Verdict.CORRECT
    assert len(seeds) == 1  # before the first evaluation, when it is not known yet what the cost runs


@pytest.mark.parametrize("branch", [0, 1])
def test_a_function_that_draws_in_a_branch_of_a_branch_is_correct(branch, w):
    def quiet():
        return tf.reduce_sum(tf.sin(w))

    @tf.function
    def cost(w):
        drawn = tf.switch_case(tf.constant(branch), [quiet, lambda: dropout(w)])
        return tf.cond(tf.reduce_sum(w) < 100, lambda: drawn, quiet)

    assert gc.check_gradients(cost, w).verdict is Verdict.CORRECT


def test_a_generator_of_the_costs_own_is_refused(w):
    own = tf.random.Generator.from_seed(3)

    with pytest.raises(gc.NonDeterministicCostError, match="look for a generator of the cost's own"):
        gc.check_gradients(lambda w: tf.reduce_sum(tf.sin(w) * own.uniform((8,), dtype=tf.float64)), w)


def test_a_generator_among_the_params_is_repeatable_and_given_back(w):
    module = tf.Module()
    module.w, module.generator = w, tf.random.Generator.from_seed(3)
    before = module.generator.state.numpy()

    def cost(m):
        return tf.reduce_sum(tf.sin(m.w) * m.generator.uniform((8,), dtype=tf.float64))

    report = gc.check_gradients(cost, module)

    assert report.verdict is Verdict.CORRECT
    assert "not checked: `generator` (int64)" in report.notes
    assert np.array_equal(module.generator.state.numpy(), before)


def drawn(between):
    tf.random.set_seed(5)
    tf.random.get_global_generator().reset_from_seed(6)
    random.seed(7)
    np.random.seed(8)
    first = draw()
    between()
    return first + draw()


def draw():
    generator = tf.random.get_global_generator()
    tensors = [tf.random.uniform(()), tf.random.normal(()), generator.uniform(())]
    return [*(float(tensor) for tensor in tensors), random.random(), np.random.rand()]


def interrupted(cost):
    calls = []

    def failing(w):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return cost(w)

    return failing


@pytest.mark.parametrize("cost", [*RANDOM_COSTS, lambda w: tf.reduce_sum(tf.sin(w))])
def test_what_the_caller_draws_next_is_as_without_a_check(cost, w):
    def check():
        assert gc.check_gradients(cost, w).verdict is Verdict.CORRECT

    assert drawn(between=check) == drawn(between=lambda: None)


@pytest.mark.parametrize("cost", RANDOM_COSTS)
def test_what_the_caller_draws_next_is_as_without_an_interrupted_check(cost, w):
    def check():
        with pytest.raises(KeyboardInterrupt):
            gc.check_gradients(interrupted(cost), w)

    assert drawn(between=check) == drawn(between=lambda: None)


def test_a_cost_that_seeds_leaves_the_callers_seed(w):
    def seeding(w):
        tf.random.set_seed(77)
        return dropout(w)

    def check():
        assert gc.check_gradients(seeding, w).verdict is Verdict.CORRECT

    assert drawn(between=check) == drawn(between=lambda: None)


def test_other_variables_are_the_same_before_every_call(w):
    module = tf.Module()
    module.w, module.average = w, tf.Variable(np.zeros(8), trainable=False)
    module.steps = tf.Variable(0)
    handle = module.average

    def cost(m):
        m.average.assign(0.9 * m.average + 0.1 * tf.stop_gradient(tf.ones(8, tf.float64)))
        m.steps.assign_add(1)
        return tf.reduce_sum(tf.sin(m.w) * m.average) * tf.cast(m.steps, tf.float64)

    assert gc.check_gradients(cost, module).verdict is Verdict.CORRECT
    assert module.average is handle
    assert np.array_equal(handle, np.zeros(8))
    assert module.steps.numpy() == 0


def test_a_cost_that_takes_an_optimiser_step_is_refused_and_undone(w):
    def stepping(w):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.sin(w))
        w.assign_sub(0.1 * tape.gradient(loss, w))
        return loss

    with pytest.raises(gc.InvalidInputError, match=r"`cost` changes its parameters: `theta`\[0\] was"):
        gc.check_gradients(stepping, w)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("call", [1, 2, 3, 7])
def test_an_error_leaves_the_variable(w, error, call):
    calls = []

    def failing(w):
        calls.append(1)
        if len(calls) == call:
            raise error
        return tf.reduce_sum(tf.sin(w))

    with pytest.raises(error):
        gc.check_gradients(failing, w)


def test_a_tape_the_caller_holds_can_still_go_back(w):
    with tf.GradientTape() as tape:
        held = tf.reduce_sum(tf.sin(w))

    gc.check_gradients(dropout, w)

    assert np.array_equal(tape.gradient(held, w), np.cos(w.numpy()))
