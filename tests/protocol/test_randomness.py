import random
import subprocess
import sys

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.protocol.randomness import HostRandomState, make_replay


def draw():
    return random.random(), np.random.rand()


def states():
    kind, keys, *rest = np.random.get_state()
    return random.getstate(), (kind, keys.tolist(), *rest)


def test_fix_gives_the_same_numbers_each_time():
    with HostRandomState(seed=5) as random_state:
        random_state.fix()
        first = draw()
        random_state.fix()

        assert draw() == first


@pytest.mark.parametrize("seed", [1, 2**32, 2**40 + 1])
def test_the_numbers_belong_to_the_seed(seed):
    with HostRandomState(seed=0) as zero:
        zero.fix()
        expected = draw()
        with HostRandomState(seed) as other:
            other.fix()

            assert (draw() == expected) is (seed % 2**32 == 0)


def test_closing_gives_the_callers_states_back():
    random.gauss(0, 1)  # leaves half a pair of normal numbers in the state
    np.random.randn()
    before = states()

    with HostRandomState(seed=5) as random_state:
        random_state.fix()
        draw()

    assert states() == before


def test_an_exception_gives_the_callers_states_back():
    before = states()

    def interrupted():
        with HostRandomState(seed=5) as random_state:
            random_state.fix()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert states() == before


@pytest.mark.parametrize(
    ("use", "python_fixed", "numpy_fixed"),
    [
        (lambda: None, False, False),
        (random.random, True, False),
        (np.random.rand, False, True),
        (draw, True, True),
    ],
)
def test_watch_stops_fixing_what_was_not_used(use, python_fixed, numpy_fixed):
    with HostRandomState(seed=5) as random_state:
        random_state.fix()
        expected = draw()
        random_state.fix()
        use()
        random_state.watch()
        draw()
        random_state.fix()
        present = draw()

    assert (present[0] == expected[0]) is python_fixed
    assert (present[1] == expected[1]) is numpy_fixed


@pytest.mark.parametrize("noise", [random.random, np.random.rand])
def test_a_cost_that_draws_from_a_global_generator_can_be_checked(noise):
    w = np.array([0.3, 0.5])
    before = states()

    report = gc.check_gradients(lambda p: noise() + np.sum(np.sin(p)), w, np.cos(w))

    assert report.verdict is gc.Verdict.CORRECT
    assert states() == before


def test_a_cost_that_raises_leaves_the_callers_states():
    def cost(p):
        draw()
        raise ZeroDivisionError

    before = states()
    with pytest.raises(ZeroDivisionError):
        gc.check_gradients(cost, np.ones(2), np.ones(2))

    assert states() == before


def test_what_was_drawn_once_is_drawn_again_after_a_replay():
    replay = make_replay()
    drawn = random.random(), np.random.random()
    replay()

    assert (random.random(), np.random.random()) == drawn


def test_the_first_check_of_a_process_and_its_text_leave_the_callers_states():
    code = (
        "import random; import numpy as np; import gradcheck_core as gc\n"
        "before = random.getstate()\n"
        "str(gc.check_gradients(lambda w: float(w @ w), np.ones(2), np.full(2, 2.0)))\n"
        "assert random.getstate() == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
