"""Unusable input gets an error of the right type that names what came, and nothing of the caller's changes."""

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.testing import model


@pytest.fixture
def params(kit):
    made = model.params(kit)
    yield made
    assert np.array_equal(kit.value(made["w"]), model.W), "the caller's params changed"
    assert np.array_equal(kit.value(made["b"]), model.B), "the caller's params changed"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "it is empty; pass arrays"),
        (len, "it is a function; pass the function first"),
        ([1.0, 2.0], r"it holds Python floats; pass arrays, e\.g\. np\.array"),
        (["w"], "it holds str; pass arrays, tensors or a model, or name the backend"),
    ],
)
def test_params_of_no_backend_are_named(kit, params, said):
    with pytest.raises(gc.UnknownBackendError, match=said):
        gc.check_gradients(lambda p: 0.0, params, {})


@pytest.mark.parametrize("empty", [{}, [], ()])
def test_empty_params_belong_to_no_backend(kit, empty):
    with pytest.raises(gc.UnknownBackendError, match="`params` holds no array or tensor of an imported framework"):
        gc.check_gradients(lambda p: 0.0, empty, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: {"w": g["w"]}, "missing: `b`"),
        (lambda g: {**g, "c": g["b"]}, "not a checked parameter: `c`"),
        (lambda g: {"weight": g["w"], "b": g["b"]}, "missing: `w`; not a checked parameter: `weight`"),
        (lambda g: {"w": g["w"], "b": g["b"].reshape(2, 1)}, r"`b` has shape \(2, 1\), but `b` has \(2,\)"),
        (lambda g: np.zeros(7), r"one array of shape \(7,\) came; .*flat vector of shape \(8,\)"),
        (lambda g: {"w": g["w"] > 0, "b": g["b"]}, "of dtype bool; pass real floating arrays"),
        (lambda g: {"w": g["w"] * 1j, "b": g["b"]}, "of dtype complex128; pass real floating arrays"),
        (lambda g: {"w": "text", "b": g["b"]}, "str is not an array of a framework"),
        (lambda g: [g["w"], g["b"], g["b"]], "missing"),
    ],
)
def test_grads_of_another_structure(kit, params, change, message):
    with pytest.raises(gc.InvalidInputError, match=message):
        gc.check_gradients(model.make_cost(kit), params, change(model.gradient()))


@pytest.mark.parametrize("form", ["mapping", "flat", "list", "callable", "framework"])
def test_grads_in_every_accepted_form(kit, params, form):
    grads = model.gradient()
    names = ["b", "w"] if kit.name == "jax" else ["w", "b"]  # JAX orders the keys of a dict
    forms = {
        "mapping": grads,
        "flat": np.concatenate([grads[name].reshape(-1) for name in names]),
        "list": [grads[name] for name in names],
        "callable": lambda p: model.gradient(kit.value(p["w"]), kit.value(p["b"])),
        "framework": {name: kit.array(grad) for name, grad in grads.items()},
    }

    assert gc.check_gradients(model.make_cost(kit), params, forms[form]).verdict is Verdict.CORRECT


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (1j, r"`cost` returned 2 numbers \(a complex one counts as two\); a gradient can only be checked for one"),
        (object(), "object is not an array of a framework"),
    ],
)
def test_a_cost_that_returns_no_number(kit, params, returned, message):
    with pytest.raises(gc.InvalidInputError, match=message):
        gc.check_gradients(lambda p: returned, params, model.gradient())


def test_a_cost_of_several_numbers_with_grads_by_hand(kit, params):
    with pytest.raises(
        gc.InvalidInputError, match=r"`cost` returned 2 numbers .*a gradient can only be checked for one"
    ):
        gc.check_gradients(lambda p: p["b"] * 2, params, model.gradient())


def test_params_of_two_frameworks(kit):
    if kit.name == "numpy":
        pytest.skip("takes a second framework beside NumPy")
    mixed = {"w": kit.array(model.W), "b": model.B}
    with pytest.raises(gc.InvalidInputError, match=r"`params` mixes frameworks \((numpy|\w+), \w+\).*`w` is .*convert"):
        gc.check_gradients(model.make_cost(kit), mixed)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("method", "magic", r"`method='magic'`: pass one of 'auto', 'exhaustive'"),
        ("scheme", "forward", r"`scheme='forward'`: pass one of"),
        ("precision", "float128", r"`precision='float128'`: pass one of"),
        ("mode", "backward", r"`mode='backward'`: pass one of 'reverse', 'forward'"),
        ("mode", "forward", r"`mode='forward'`( chooses how the backend differentiates, and `grads`|: numpy has no)"),
        ("order", 3, r"`order=3`: pass one of 1, 2"),
        ("order", 2, r"`order=2` takes differences of the gradient, so pass `grads` as a function"),
        ("hvp", 3, r"`hvp` is int; pass a function hvp\(params, direction, \*args\)"),
        ("hvp", model.hvp, r"`hvp` is given, and order=1 checks the gradient only; pass order=2"),
        ("epsilon", -1e-5, r"`epsilon=-1e-05`: pass an absolute step, a positive finite number"),
        ("epsilon", float("nan"), r"`epsilon=nan`: pass"),
        ("epsilon", 0.0, r"`epsilon=0.0`: pass"),
        ("epsilon", "small", r"`epsilon='small'`: pass"),
        ("confidence", 1.0, r"`confidence=1.0`: pass a number between 0 and 1"),
        ("max_evaluations", 0, r"`max_evaluations=0`: pass an integer of at least 1"),
        ("max_seconds", 0, r"`max_seconds=0`: pass a time, a positive finite number"),
        ("max_memory", 0.5, r"`max_memory=0.5`: pass an integer of at least 1"),
        ("seed", -1, r"`seed=-1`: pass an integer of at least 0"),
        ("seed", 1.5, r"`seed=1.5`: pass an integer"),
        ("policy", "strict", r"`policy='strict'`: pass a VerdictPolicy"),
        ("include", "nope", r"`include`: the pattern 'nope' matches no parameter; there are (w, b|b, w)"),
        ("exclude", ["*"], r"`exclude=.*` leaves no parameter to check"),
        ("include", 3, r"`include=3`: pass a name pattern"),
        ("progress", "yes", r"`progress='yes'`: pass one of None, True, False"),
        ("args", [1], r"`args` is list; pass a tuple"),
    ],
)
def test_unknown_option_values(kit, params, option, value, message):
    with pytest.raises(gc.InvalidInputError, match=message):
        gc.check_gradients(model.make_cost(kit), params, model.gradient(), **{option: value})


def test_a_cost_that_is_no_function(kit, params):
    with pytest.raises(
        gc.InvalidInputError,
        match="`cost` is of type dict, not a function; pass the function first and the parameters second",
    ):
        gc.check_gradients(params, model.make_cost(kit), model.gradient())


def test_include_and_exclude_choose_parameters(kit, params):
    grads = model.gradient()
    wrong_b = {"w": grads["w"], "b": -grads["b"]}

    report = gc.check_gradients(model.make_cost(kit), params, wrong_b, exclude="b")

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["w"]
    assert "not checked: `b` (left out)" in report.notes
    assert gc.check_gradients(model.make_cost(kit), params, wrong_b, include=["b"]).verdict is Verdict.BUG
