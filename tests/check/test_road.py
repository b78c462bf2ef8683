"""The road of one check: how few files a right gradient goes through, and how near the cost is to the call."""

import sys
from pathlib import Path

import numpy as np

import gradcheck_core as gc
import gradcheck_numpy

MOST_FILES = 30
MOST_FRAMES = 10

PACKAGES = tuple(str(Path(package.__file__).parent) for package in (gc, gradcheck_numpy))
INPUTS = np.random.default_rng(0).normal(size=(8, 4))
PARAMS = {"w": np.ones((4, 5)), "b": np.zeros(5)}


def cost(p):
    return float(np.sum(np.tanh(INPUTS @ p["w"] + p["b"])))


def grads(p):
    outer = 1 - np.tanh(INPUTS @ p["w"] + p["b"]) ** 2
    return {"w": INPUTS.T @ outer, "b": outer.sum(0)}


def is_ours(code):
    return code.co_filename.startswith(PACKAGES) and code.co_name != "<module>"


def frames_above(frame):
    while frame is not None:
        if is_ours(frame.f_code):
            yield f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}"
        frame = frame.f_back


def test_a_right_check_enters_few_files():
    gc.check_gradients(cost, PARAMS, grads)  # whatever is imported on the way, and kept, is there now
    files = set()

    def note(frame, event, arg):
        if event == "call" and is_ours(frame.f_code):
            files.add(frame.f_code.co_filename)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        report = gc.check_gradients(cost, PARAMS, grads)
    finally:
        sys.setprofile(before)

    assert report.verdict is gc.Verdict.CORRECT
    assert len(files) <= MOST_FILES, sorted(files)


def test_the_cost_is_called_a_few_frames_below_the_check():
    deepest = []

    def watched(p):
        above = list(frames_above(sys._getframe(1)))
        if len(above) > len(deepest):
            deepest[:] = above
        return cost(p)

    assert gc.check_gradients(watched, PARAMS, grads).passed
    assert 0 < len(deepest) <= MOST_FRAMES, deepest


def test_a_model_of_lower_precision_is_opened_once_in_each(monkeypatch):
    opened = []
    really = gradcheck_numpy.NumpyBackend.open

    def noted(self, cost, params, args, precision, seed):
        opened.append(precision)
        return really(self, cost, params, args, precision, seed)

    monkeypatch.setattr(gradcheck_numpy.NumpyBackend, "open", noted)
    own = np.ones(3, np.float32)

    report = gc.check_gradients(lambda p: float(np.sum(own**2)), own, 2 * own)  # moving its copies changes nothing

    assert opened == ["float64", "native"]
    assert not report.passed
