"""Of several wrong parameters the one whose own rule is wrong."""

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.diagnosis import Place, choose_first_to_fix

LAYERS = ["w1", "b1", "w2", "b2", "w3", "b3"]


def first(names, wrong):
    return choose_first_to_fix(wrong, [Place(name, i) for i, name in enumerate(names)])


@pytest.mark.parametrize(
    ("names", "wrong", "expected"),
    [
        (LAYERS, ["w1", "b1", "w2"], "w2"),
        (sorted(LAYERS), ["b1", "w1", "w2"], "w2"),  # a JAX dict: b1, b2, b3, w1, w2, w3
        (sorted(LAYERS), ["b1", "b2", "w1"], "b2"),
        (["10.weight", "2.weight", "9.weight"], ["2.weight", "9.weight", "10.weight"], "10.weight"),  # sorted as text
        (["encoder.1.w", "encoder.2.w", "decoder.1.w"], ["encoder.2.w", "decoder.1.w"], "decoder.1.w"),
        (["conv2d.kernel", "conv2d_1.kernel", "dense.kernel"], ["conv2d.kernel", "conv2d_1.kernel"], "conv2d_1.kernel"),
        (["words", "places", "out"], ["words", "places"], "places"),
        (["p.Dense_0.b", "p.Dense_1.b"], ["p.Dense_0.b", "p.Dense_1.b"], "p.Dense_1.b"),
    ],
)
def test_the_one_nearest_to_the_cost_comes_first(names, wrong, expected):
    assert first(names, dict.fromkeys(wrong)) == expected


def test_a_mistake_that_is_never_passed_on_comes_before_one_nearer_to_the_cost():
    assert first(LAYERS, {"w1": "transposed", "w2": None}) == "w1"


@pytest.mark.parametrize("kind", ["scaled", "sign_flipped", "zero", "partial", "not_finite", None])
def test_a_mistake_that_is_passed_on_does_not(kind):
    assert first(LAYERS, {"w1": kind, "w2": None}) == "w2"


def network(p):
    return float(np.sum(np.tanh(np.tanh(X @ p["w1"]) @ p["w2"]) @ p["w3"]))


X = np.random.default_rng(0).normal(size=(5, 3))
W = {f"w{i}": np.random.default_rng(i).normal(size=(3, 3)) for i in (1, 2, 3)}


def backward(p, slope):
    """By hand; `slope` is the derivative of the second layer's tanh, by its value."""
    h1 = np.tanh(X @ p["w1"])
    h2 = np.tanh(h1 @ p["w2"])
    d3 = np.ones((5, 3))
    d2 = d3 @ p["w3"].T * slope(h2)
    d1 = d2 @ p["w2"].T * (1 - h1**2)
    return {"w1": X.T @ d1, "w2": h1.T @ d2, "w3": h2.T @ d3}


def test_the_report_names_the_layer_with_the_wrong_rule_and_says_why():
    assert gc.check_gradients(network, W, backward(W, lambda h: 1 - h**2)).passed

    report = gc.check_gradients(network, W, backward(W, lambda h: 1 - h))

    assert report.worst.name == report.first == "w2"
    assert report.parameters["w1"].verdict is gc.Verdict.BUG
    assert "2 parameters are wrong; start with `w2`: a mistake in one layer's backward pass" in report.notes[0]
    assert "worst entry: w2" in str(report)
    assert str(report).index("\nw2 ") < str(report).index("\nw1 ") < str(report).index("\nw3 ")


def test_one_wrong_parameter_needs_no_word_on_the_order():
    claimed = {**backward(W, lambda h: 1 - h**2), "w1": np.ones((3, 3))}

    report = gc.check_gradients(network, W, claimed)

    assert report.first == "w1"
    assert not any("look at" in note for note in report.notes)
