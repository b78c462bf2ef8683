import random

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict

W = np.linspace(-1, 1, 12)


def dropout(w):
    mask = np.random.rand(w.size) < 0.5
    return np.sum(np.sin(w) * mask * 2)


def python_noise(w):
    return sum(random.gauss(1, 0.1) * np.sin(x) for x in w)


def mixed(w):
    return dropout(w) * random.random() + np.random.standard_normal() * np.sum(w)


COSTS = [dropout, python_noise, mixed]


def by_complex_step(cost, w):
    """An independent gradient: exact to rounding, under the random state in which the check evaluates."""
    gradient = np.empty(w.size)
    for i in range(w.size):
        random.seed(0)
        np.random.seed(0)
        moved = w.astype(complex)
        moved[i] += 1e-30j
        gradient[i] = cost(moved).imag / 1e-30
    return gradient


@pytest.fixture(autouse=True)
def the_callers_random_state_is_untouched():
    random.seed(11)
    np.random.seed(12)
    np.random.standard_normal()  # leaves a cached second number, part of the state
    before = states()
    yield
    assert states() == before


def states():
    kind, keys, *rest = np.random.get_state()
    return random.getstate(), (kind, keys.tolist(), *rest)


@pytest.fixture
def gradient_of():
    def compute(cost):
        states = random.getstate(), np.random.get_state()
        gradient = by_complex_step(cost, W)
        random.setstate(states[0])
        np.random.set_state(states[1])
        return gradient

    return compute


@pytest.mark.parametrize("cost", COSTS)
def test_a_cost_from_global_random_numbers_is_correct(cost, gradient_of):
    assert gc.check_gradients(cost, W, gradient_of(cost)).verdict is Verdict.CORRECT


@pytest.mark.parametrize("cost", COSTS)
def test_a_wrong_gradient_of_a_random_cost_is_a_bug(cost, gradient_of):
    assert gc.check_gradients(cost, W, 2 * gradient_of(cost)).verdict is Verdict.BUG


def test_dropout_that_forgets_its_mask_backwards_is_a_bug():
    report = gc.check_gradients(dropout, W, 2 * np.cos(W))

    assert report.verdict is Verdict.BUG
    np_state = np.random.RandomState(0).rand(12)
    dropped = np.flatnonzero(np_state >= 0.5)
    located = [i for start, stop in report.worst.wrong for i in range(start, stop)]
    assert located == dropped.tolist()


def test_grads_by_the_same_random_numbers():
    def gradient(w):
        mask = np.random.rand(w.size) < 0.5
        return np.cos(w) * mask * 2

    assert gc.check_gradients(dropout, W, gradient).verdict is Verdict.CORRECT


def test_another_seed_drops_other_entries():
    masks = {}

    def watching(w):
        mask = np.random.rand(w.size) < 0.5
        masks.setdefault(seed, set()).add(mask.tobytes())
        return np.sum(w * mask)

    for seed in (0, 1):
        gc.check_gradients(watching, W, np.zeros(12), seed=seed)

    assert [len(found) for found in masks.values()] == [1, 1]
    assert masks[0] != masks[1]


def test_a_generator_of_the_costs_own_is_refused():
    own = np.random.default_rng(3)

    with pytest.raises(gc.NonDeterministicCostError, match="look for a generator of the cost's own"):
        gc.check_gradients(lambda w: np.sum(w * (own.random(w.size) < 0.5)), W, np.ones(12))


def test_a_generator_made_inside_the_cost_is_correct():
    def cost(w):
        mask = np.random.default_rng(3).random(w.size) < 0.5
        return np.sum(np.sin(w) * mask)

    mask = np.random.default_rng(3).random(12) < 0.5

    assert gc.check_gradients(cost, W, np.cos(W) * mask).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, W, np.cos(W)).verdict is Verdict.BUG


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_the_random_state_is_given_back_after(error):
    calls = []

    def failing(w):
        calls.append(1)
        if len(calls) == 6:
            raise error
        return dropout(w)

    with pytest.raises(error):
        gc.check_gradients(failing, W, np.zeros(12))


def test_a_cost_that_reseeds_leaves_the_callers_state():
    def reseeding(w):
        np.random.seed(99)
        random.seed(99)
        return dropout(w)

    mask = np.random.RandomState(99).rand(12) < 0.5

    assert gc.check_gradients(reseeding, W, 2 * np.cos(W) * mask).verdict is Verdict.CORRECT
