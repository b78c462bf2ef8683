from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict

Pair = namedtuple("Pair", ["w", "b"])

W = np.array([[0.3, -0.7], [1.1, 0.4]])
B = np.array([0.5, -0.2])


@dataclass
class Layer:
    w: object
    b: object


@dataclass(frozen=True)
class Frozen:
    w: object
    b: object


def layer_cost(w, b):
    return np.sum(np.sin(w)) + np.sum(w, axis=0) @ b**2


def layer_gradient():
    """d/dw = cos(w) + b**2 in every row; d/db = 2 b times the column sums of w."""
    return np.cos(W) + B**2, 2 * B * W.sum(axis=0)


NESTINGS = {
    "list": ([W, B], lambda p: (p[0], p[1]), ["0", "1"]),
    "tuple": ((W, B), lambda p: (p[0], p[1]), ["0", "1"]),
    "dict": ({"w": W, "b": B}, lambda p: (p["w"], p["b"]), ["w", "b"]),
    "ordered": (OrderedDict(w=W, b=B), lambda p: (p["w"], p["b"]), ["w", "b"]),
    "integer keys": ({7: W, 3: B}, lambda p: (p[7], p[3]), ["7", "3"]),
    "namedtuple": (Pair(W, B), lambda p: (p.w, p.b), ["w", "b"]),
    "dataclass": (Layer(W, B), lambda p: (p.w, p.b), ["w", "b"]),
    "frozen dataclass": (Frozen(W, B), lambda p: (p.w, p.b), ["w", "b"]),
    "deep": (
        {"net": [Pair(W, (Frozen(B, None),))]},
        lambda p: (p["net"][0].w, p["net"][0].b[0].w),
        ["net.0.w", "net.0.b.0.w"],
    ),
}


@pytest.fixture(params=NESTINGS, ids=str)
def nesting(request):
    return NESTINGS[request.param]


def test_a_right_gradient_in_any_nesting_is_correct(nesting):
    params, parts, names = nesting

    report = gc.check_gradients(
        lambda p: layer_cost(*parts(p)), params, dict(zip(names, layer_gradient(), strict=True))
    )

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == names


def test_a_wrong_gradient_in_any_nesting_is_a_bug_and_named(nesting):
    params, parts, names = nesting
    d_w, d_b = layer_gradient()

    report = gc.check_gradients(lambda p: layer_cost(*parts(p)), params, {names[0]: d_w, names[1]: d_b / 2})

    assert report.verdict is Verdict.BUG
    assert report.worst.name == names[1]
    assert report.parameters[names[0]].verdict is Verdict.CORRECT


def test_the_cost_gets_the_same_types(nesting):
    params, parts, names = nesting
    seen = []

    def cost(p):
        seen.append(p)
        return layer_cost(*parts(p))

    gc.check_gradients(cost, params, dict(zip(names, layer_gradient(), strict=True)))

    assert all(type(p) is type(params) and p is not params for p in seen)


@pytest.mark.parametrize("kind", [list, tuple, Pair._make, lambda parts: Layer(*parts), lambda parts: Frozen(*parts)])
def test_grads_have_the_params_structure(kind):
    params, (d_w, d_b) = Pair(W, B), layer_gradient()

    right = gc.check_gradients(lambda p: layer_cost(p.w, p.b), params, kind([d_w, d_b]))
    wrong = gc.check_gradients(lambda p: layer_cost(p.w, p.b), params, kind([-d_w, d_b]))

    assert right.verdict is Verdict.CORRECT
    assert wrong.verdict is Verdict.BUG
    assert wrong.worst.name == "w"


def flat(d_w, d_b):
    return np.concatenate([d_w.reshape(-1), d_b])


def nested(d_w, d_b):
    return {"net": {"w": d_w, "b": d_b}}


def dotted(d_w, d_b):
    return {"net.b": d_b, "net.w": d_w}


def called(form):
    return lambda *gradient: lambda p: form(*gradient)


@pytest.mark.parametrize("form", [flat, nested, dotted, called(flat), called(nested), called(dotted)])
def test_grads_in_every_form(form):
    params, (d_w, d_b) = {"net": {"w": W, "b": B}}, layer_gradient()

    def cost(p):
        return layer_cost(p["net"]["w"], p["net"]["b"])

    assert gc.check_gradients(cost, params, form(d_w, d_b)).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, params, form(d_w, 3 * d_b)).worst.name == "net.b"
    assert gc.check_gradients(cost, params, form(d_w, 3 * d_b)).verdict is Verdict.BUG


def test_a_flat_vector_in_fortran_order_is_a_bug():
    d_w, d_b = layer_gradient()
    fortran = np.concatenate([d_w.reshape(-1, order="F"), d_b])

    report = gc.check_gradients(lambda p: layer_cost(*p), [W, B], fortran)

    assert report.verdict is Verdict.BUG
    assert report.worst.name == "0"
    assert report.worst.wrong == ((1, 3),)  # the two entries off the diagonal


def test_a_callable_gets_params_and_args():
    target = np.array([0.1, 0.9])

    def cost(w, target, power):
        return np.sum((w - target) ** power)

    def gradient(w, target, power):
        return power * (w - target) ** (power - 1)

    right = gc.check_gradients(cost, B, gradient, args=(target, 4))
    wrong = gc.check_gradients(cost, B, lambda w, target, power: (w - target) ** (power - 1), args=(target, 4))

    assert right.verdict is Verdict.CORRECT
    assert wrong.verdict is Verdict.BUG


def test_a_callable_that_spoils_its_params_is_caught():
    def spoiling(w):
        w *= 2
        return np.cos(w / 2)

    with pytest.raises(gc.InvalidInputError, match=r"`cost` changes its parameters: `theta`\[0\] was 0.5"):
        gc.check_gradients(lambda w: np.sum(np.sin(w)), B, spoiling)


def test_a_defaultdict_keeps_its_factory():
    params = defaultdict(lambda: 2.0, w=B)

    report = gc.check_gradients(lambda p: p["missing"] * np.sum(p["w"] ** 2), params, {"w": 4 * B})

    assert report.verdict is Verdict.CORRECT
    assert dict(params) == {"w": B}
    assert params["w"] is B


def test_two_leaves_of_one_name_are_refused():
    params = {"a.b": B, "a": {"b": B}}

    with pytest.raises(gc.InvalidInputError, match=r"two leaves are both named `a\.b`.*rename one of the keys"):
        gc.check_gradients(lambda p: 0.0, params, np.zeros(4))


def test_a_structure_that_contains_itself_is_refused():
    params = {"w": B}
    params["self"] = params

    with pytest.raises(gc.InvalidInputError, match="contains itself at `self`"):
        gc.check_gradients(lambda p: 0.0, params, {"w": B}, backend="numpy")
