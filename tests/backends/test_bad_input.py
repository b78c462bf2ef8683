"""Unusable input gets an error of the right type that names what came, and nothing of the caller's changes."""

import model
import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict


@pytest.fixture
def params(kit):
    made = model.params(kit)
    yield made
    assert np.array_equal(kit.value(made["w"]), model.W), "the caller's params changed"
    assert np.array_equal(kit.value(made["b"]), model.B), "the caller's params changed"


@pytest.mark.parametrize("empty", [{}, [], ()])
def test_empty_params(kit, empty):
    with pytest.raises(gc.InvalidInputError, match="`params` holds no floating numbers to check, but nothing"):
        gc.check_gradients(lambda p: 0.0, empty, {}, backend=kit.name)
    with pytest.raises(gc.UnknownBackendError, match="`params` holds no array or tensor of an imported framework"):
        gc.check_gradients(lambda p: 0.0, empty, {})


def test_no_floating_leaf(kit):
    with pytest.raises(gc.InvalidInputError, match=r"holds no floating numbers to check, but `n` \(int32\)"):
        gc.check_gradients(lambda p: 0.0, {"n": kit.array([1, 2], "int32")}, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: {"w": g["w"]}, "missing: `b`"),
        (lambda g: {**g, "c": g["b"]}, "not a checked parameter: `c`"),
        (lambda g: {"weight": g["w"], "b": g["b"]}, "missing: `w`; not a checked parameter: `weight`"),
        (lambda g: {"w": g["w"].T, "b": g["b"]}, r"`w` has shape \(2, 3\), its parameter \(3, 2\)"),
        (lambda g: {"w": g["w"], "b": g["b"].reshape(2, 1)}, r"`b` has shape \(2, 1\), its parameter \(2,\)"),
        (lambda g: np.zeros(7), r"one array of shape \(7,\) came; .*flat vector of shape \(8,\)"),
        (lambda g: {"w": g["w"] > 0, "b": g["b"]}, "of dtype bool; pass real floating arrays"),
        (lambda g: {"w": g["w"] * 1j, "b": g["b"]}, "of dtype complex128; pass real floating arrays"),
        (lambda g: {"w": "text", "b": g["b"]}, "str is no array of a framework"),
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
        (None, r"`cost` returned None \(NoneType\); return a scalar"),
        ("text", r"`cost` returned 'text' \(str\)"),
        (True, r"`cost` returned True \(bool\)"),
        (1j, r"`cost` returned 2 numbers \(a complex one counts as two\), and `grads` can only be the gradient of one"),
        ([], "`cost` returned nothing of a floating dtype, but list"),
        (object(), "object is no array of a framework"),
    ],
)
def test_a_cost_that_returns_no_number(kit, params, returned, message):
    with pytest.raises(gc.InvalidInputError, match=message):
        gc.check_gradients(lambda p: returned, params, model.gradient())


def test_a_cost_that_returns_an_empty_tensor(kit, params):
    with pytest.raises(gc.InvalidInputError, match=r"`cost` returned an empty tensor \(shape \(0,\)\)"):
        gc.check_gradients(lambda p: kit.constant(np.zeros(0)), params, model.gradient())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_cost_that_is_not_finite(kit, params, value):
    cost = model.make_cost(kit)
    with pytest.raises(gc.NonFiniteCostError, match=f"`cost` is {value} at the given params"):
        gc.check_gradients(lambda p: cost(p) * value, params, model.gradient())


def test_a_cost_of_several_numbers_with_grads_by_hand(kit, params):
    with pytest.raises(
        gc.InvalidInputError, match=r"`cost` returned 2 numbers .*`grads` can only be the gradient of one"
    ):
        gc.check_gradients(lambda p: p["b"] * 2, params, model.gradient())


def test_a_cost_that_raises_keeps_its_traceback(kit, params):
    def cost(p):
        msg = "my own"
        raise ZeroDivisionError(msg)

    with pytest.raises(ZeroDivisionError, match="my own") as caught:
        gc.check_gradients(cost, params, model.gradient())
    assert caught.traceback[-1].name == "cost"
    assert "gradcheck: raised by `cost(params, *args)` at the unperturbed theta" in caught.value.__notes__


def test_a_cost_that_raises_near_theta_says_where(kit, params):
    cost = model.make_cost(kit)

    def picky(p):
        if kit.value(p["w"])[2, 1] > 0.1:
            msg = "too large"
            raise ValueError(msg)
        return cost(p)

    with pytest.raises(ValueError, match="too large") as caught:
        gc.check_gradients(picky, params, model.gradient())
    assert caught.value.__notes__[-1].startswith("gradcheck: raised with params `")


def test_a_cost_that_is_not_finite_near_theta(kit, params):
    cost = model.make_cost(kit)

    def edge(p):
        return cost(p) * (float("nan") if kit.value(p["w"])[0, 0] > 0.5 else 1.0)

    right = gc.check_gradients(edge, params, model.gradient())
    wrong = gc.check_gradients(edge, params, {"w": 2 * model.gradient()["w"], "b": model.gradient()["b"]})

    assert right.verdict is Verdict.CORRECT
    assert wrong.verdict is Verdict.BUG
    assert any("the cost was NaN or infinite at" in note for note in right.notes)


def test_an_interrupt_gives_everything_back(kit, params):
    calls = []
    cost = model.make_cost(kit)

    def interrupted(p):
        calls.append(1)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return cost(p)

    with pytest.raises(KeyboardInterrupt):
        gc.check_gradients(interrupted, params, model.gradient())


def test_params_of_two_frameworks(kit):
    if kit.name == "numpy":
        pytest.skip("takes a second framework beside NumPy")
    mixed = {"w": kit.array(model.W), "b": model.B}
    with pytest.raises(gc.InvalidInputError, match=r"`params` mixes frameworks \((numpy|\w+), \w+\).*`w` is .*convert"):
        gc.check_gradients(model.make_cost(kit), mixed)


def test_params_that_are_not_finite(kit):
    with pytest.raises(gc.InvalidInputError, match=r"`params`: `theta`\[1\] is nan; gradients exist only at finite"):
        gc.check_gradients(lambda p: kit.sum(p), kit.array([1.0, np.nan]), np.ones(2))


def test_a_zero_dimensional_leaf(kit):
    report = gc.check_gradients(lambda p: kit.sin(p["s"]), {"s": kit.array(0.3)}, {"s": np.cos(0.3)})

    assert report.verdict is Verdict.CORRECT
    assert report.parameters["s"].worst_index == ()


def test_a_leaf_of_size_zero_is_carried(kit):
    params = {"w": kit.array([0.3]), "none": kit.array(np.zeros((0, 3)))}
    report = gc.check_gradients(
        lambda p: kit.sum(kit.sin(p["w"])), params, {"w": np.cos([0.3]), "none": np.zeros((0, 3))}
    )

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["w"]
    assert "not checked: `none` (empty)" in report.notes


def test_integer_leaves_are_carried(kit):
    params = {"w": kit.array([0.3, 0.4]), "n": kit.array([1, 2], "int32")}
    report = gc.check_gradients(lambda p: kit.sum(kit.sin(p["w"])), params, {"w": np.cos([0.3, 0.4]), "n": None})

    assert report.verdict is Verdict.CORRECT
    assert "not checked: `n` (int32)" in report.notes


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_lower_precision_never_accuses_a_right_gradient(kit, dtype):
    if dtype not in ("float32", *kit.half):
        pytest.skip(f"{kit.name} has no {dtype}")
    # theta as the dtype holds it, so that the gradient by hand is right there
    w = np.asarray(kit.value(kit.array([0.25, 0.5], dtype)), dtype=np.float64)
    params = kit.array(w, dtype)

    right = gc.check_gradients(lambda p: kit.sum(kit.sin(p)), params, np.cos(w), precision="native")
    wrong = gc.check_gradients(lambda p: kit.sum(kit.sin(p)), params, -np.cos(w), precision="native")

    assert right.verdict in (Verdict.CORRECT, Verdict.INSPECT, Verdict.INCONCLUSIVE)
    assert wrong.verdict is Verdict.BUG
    assert right.precision == dtype


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("method", "magic", r"`method='magic'`: pass one of 'auto', 'exhaustive'"),
        ("scheme", "forward", r"`scheme='forward'`: pass one of"),
        ("precision", "float128", r"`precision='float128'`: pass one of"),
        ("mode", "backward", r"`mode='backward'`: pass one of 'reverse', 'forward'"),
        ("mode", "forward", r"`mode='forward'`( chooses how the backend differentiates, and `grads`|: numpy has no)"),
        ("order", 3, r"`order=3`: pass one of 1, 2"),
        ("order", 2, r"`order=2` differences the gradient, and `grads` is one gradient; pass a function"),
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
        ("exclude", ["*"], r"leave no parameter to check"),
        ("include", 3, r"`include=3`: pass a name pattern"),
        ("progress", "yes", r"`progress='yes'`: pass one of None, True, False"),
        ("args", [1], r"`args` is list; pass a tuple"),
    ],
)
def test_unknown_option_values(kit, params, option, value, message):
    with pytest.raises(gc.InvalidInputError, match=message):
        gc.check_gradients(model.make_cost(kit), params, model.gradient(), **{option: value})


def test_a_cost_that_is_no_function(kit, params):
    with pytest.raises(gc.InvalidInputError, match="`cost` is dict; pass the function first and the parameters second"):
        gc.check_gradients(params, model.make_cost(kit), model.gradient())


def test_include_and_exclude_choose_parameters(kit, params):
    grads = model.gradient()
    wrong_b = {"w": grads["w"], "b": -grads["b"]}

    report = gc.check_gradients(model.make_cost(kit), params, wrong_b, exclude="b")

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["w"]
    assert "not checked: `b` (left out)" in report.notes
    assert gc.check_gradients(model.make_cost(kit), params, wrong_b, include=["b"]).verdict is Verdict.BUG
