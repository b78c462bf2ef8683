"""What other checkers were measured to get wrong, each as a fact about this one, in every framework."""

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.protocol import Capability

ACCUSATIONS = (Verdict.BUG, Verdict.SUSPECT)
MISTAKES = {"zeroed": 0.0, "doubled": 2.0, "10 % off": 1.1}
SEEDS = range(3)


def sines(kit, factor=1.0):
    return lambda w: factor * kit.sum(kit.sin(w))


def thetas(size, seed=0):
    """Away from the zeros of the cosine, so that a relative mistake is one."""
    return np.random.default_rng(seed).uniform(-1.2, 1.2, size=size)


def relu(x):
    return (x + abs(x)) / 2


def smooth_relu(x):
    return (x + (x * x + 1) ** 0.5) / 2


ACTIVATIONS = {
    "tanh": (None, lambda x: 1 - np.tanh(x) ** 2),
    "smooth relu": (smooth_relu, lambda x: (1 + x / np.sqrt(x * x + 1)) / 2),
    "relu": (relu, lambda x: (x > 0).astype(float)),
}


def perceptron(kit, name, sizes, seed, dtype):
    """A network of one hidden layer with a mean squared error, its parameters, and its gradient by hand in float64."""
    given, hidden, wanted = sizes
    generator = np.random.default_rng(seed)
    batch = 8
    x, y = generator.normal(size=(batch, given)), generator.normal(size=(batch, wanted))
    params = {
        "w1": generator.normal(size=(given, hidden)) / given**0.5,
        "b1": generator.normal(size=hidden) / 10,
        "w2": generator.normal(size=(hidden, wanted)) / hidden**0.5,
        "b2": generator.normal(size=wanted) / 10,
    }
    x, y = (values.astype(dtype) for values in (x, y))
    params = {key: values.astype(dtype) for key, values in params.items()}
    activation, slope = ACTIVATIONS[name]
    inputs, target = kit.constant(x, dtype), kit.constant(y, dtype)

    def cost(p):
        layer = (activation or kit.tanh)(kit.matmul(inputs, p["w1"]) + p["b1"])
        return kit.sum((kit.matmul(layer, p["w2"]) + p["b2"] - target) ** 2) / batch

    exact = {key: values.astype("float64") for key, values in params.items()}
    before = x.astype("float64") @ exact["w1"] + exact["b1"]
    layer = (activation or np.tanh)(before)
    d_out = 2 / batch * (layer @ exact["w2"] + exact["b2"] - y)
    d_before = d_out @ exact["w2"].T * slope(before)
    grads = {"w1": x.T @ d_before, "b1": d_before.sum(axis=0), "w2": layer.T @ d_out, "b2": d_out.sum(axis=0)}
    made = {key: kit.array(values, dtype) for key, values in params.items()}
    return cost, made, {key: grad.astype(dtype) for key, grad in grads.items()}


@pytest.mark.parametrize("size", [10, 100, 1000])
@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_one_wrong_entry_among_many_is_found_and_named(kit, size, mistake):
    """PyTorch's fast mode misses one zeroed entry of 1000 in 35 % of trials, and one that is 10 % off in all."""
    theta = thetas(size)
    entry = 7 * size // 10
    grads = np.cos(theta)
    grads[entry] *= mistake

    report = gc.check_gradients(sines(kit), kit.array(theta), grads)

    assert report.verdict is Verdict.BUG
    assert report.worst.wrong == ((entry, entry + 1),)


def test_a_wrong_bias_of_512_entries_beside_a_mean_cost_is_found(kit):
    """PyTorch's fast mode passes a bias gradient that is 1.5 times too large in all of 512 entries."""
    generator = np.random.default_rng(0)
    weight, bias = generator.normal(size=512), generator.normal(size=512)
    slope = (1 - np.tanh(2 * weight + bias) ** 2) / 512
    params = {"weight": kit.array(weight), "bias": kit.array(bias)}

    report = gc.check_gradients(
        lambda p: kit.sum(kit.tanh(2 * p["weight"] + p["bias"])) / 512,
        params,
        {"weight": 2 * slope, "bias": 1.5 * slope},
    )

    assert report.parameters["bias"].verdict is Verdict.BUG
    assert report.parameters["weight"].verdict.passed


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("mistake", [2.0, -1.0])
@pytest.mark.parametrize("outputs", [10, 1000])
def test_the_tolerance_does_not_grow_with_the_number_of_outputs(kit, outputs, mistake, dtype):
    """JAX multiplies its tolerance by the size: from 1000 outputs in float32 a sign-flipped derivative passes."""
    theta = np.array([0.3, -0.7, 0.5, 0.2])
    design = np.random.default_rng(0).uniform(0.2, 1, size=(outputs, 4))
    a = kit.constant(design, dtype)
    slopes = design.T @ (1 - np.tanh(design @ theta) ** 2)

    def check(factor):
        return gc.check_gradients(
            lambda w: kit.sum(kit.tanh(kit.matmul(a, w))),
            kit.array(theta[:, None], dtype),
            (factor * slopes[:, None]).astype(dtype),
            precision="native",
        )

    assert check(1.0).verdict not in ACCUSATIONS
    assert check(mistake).verdict is Verdict.BUG


@pytest.mark.parametrize("factor", [1e-5, 3e-6, 1e-7, 1e-12])
def test_a_flipped_gradient_of_a_small_cost_is_found(kit, factor):
    """Flipped, it passes in PyTorch below 3e-6, in its fast mode and JAX below 1e-5, in autograd below 1e-7."""
    theta = thetas(5)

    assert gc.check_gradients(sines(kit, factor), kit.array(theta), factor * np.cos(theta)).verdict is Verdict.CORRECT
    assert gc.check_gradients(sines(kit, factor), kit.array(theta), -factor * np.cos(theta)).verdict is Verdict.BUG


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_right_network_of_108_parameters_in_float32_raises_no_alarm(kit, activation, seed):
    """PyTorch's checker with its defaults accuses all of 20 such networks in float32."""
    cost, params, grads = perceptron(kit, activation, (8, 8, 4), seed, "float32")

    report = gc.check_gradients(cost, params, None if kit.declares(Capability.AUTODIFF) else grads)

    assert report.verdict not in ACCUSATIONS
    assert sum(np.prod(p.shape) for p in report.parameters.values()) == 108


def test_a_right_network_of_1002_parameters_in_float32_raises_no_alarm(kit):
    """JAX's checker accuses 21 of 50 such networks with tanh, 47 with softplus, 41 with ReLU."""
    cost, params, grads = perceptron(kit, "relu", (20, 32, 10), 0, "float32")

    report = gc.check_gradients(cost, params, None if kit.declares(Capability.AUTODIFF) else grads)

    assert report.verdict not in ACCUSATIONS
    assert report.evaluations <= 2.5 * 1002 + 200 + 20


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_right_network_in_float64_passes_and_a_wrong_layer_does_not(kit, activation):
    cost, params, grads = perceptron(kit, activation, (8, 8, 4), 0, "float64")

    wrong = gc.check_gradients(cost, params, {**grads, "b1": 1.01 * grads["b1"]})

    assert gc.check_gradients(cost, params, grads).passed
    assert wrong.verdict is Verdict.BUG
    assert wrong.worst.name == "b1"


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_a_right_quadratic_passes_at_any_size_of_theta(kit, scale):
    """At 1e9 PyTorch's fixed step of 1e-6 drowns in rounding and the right gradient is accused."""
    theta = scale * np.array([1.0, -3.0, 0.5])

    def cost(w):
        return kit.sum(w * w)

    assert gc.check_gradients(cost, kit.array(theta), 2 * theta).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, kit.array(theta), 2.2 * theta).verdict is Verdict.BUG


def test_nan_on_both_sides_does_not_agree(kit):
    """JAX's checker passes where analytic and numeric derivative are NaN alike; PyTorch's reports a mismatch."""
    w = kit.array(thetas(3))

    with pytest.raises(gc.NonFiniteCostError, match="nan"):
        gc.check_gradients(lambda w: kit.sum(w) * float("nan"), w, np.full(3, np.nan))


def test_nan_in_the_claim_is_a_bug_at_its_index(kit):
    theta = thetas(4)
    grads = np.cos(theta)
    grads[2] = np.nan

    report = gc.check_gradients(sines(kit), kit.array(theta), grads)

    assert report.verdict is Verdict.BUG
    assert report.worst.worst_index == (2,)


def test_dropout_in_the_cost_passes(kit):
    """PyTorch's checker reports dropout as a wrong gradient with values of a million."""
    theta = thetas(20)

    def mask():
        return 2.0 * (np.random.random(20) > 0.5)

    def cost(w):
        return kit.sum(kit.sin(w) * kit.constant(mask()))

    grads = None if kit.declares(Capability.AUTODIFF) else lambda w: np.cos(w) * mask()

    assert gc.check_gradients(cost, kit.array(theta), grads).verdict is Verdict.CORRECT


def test_a_cost_that_changes_its_params_is_told_as_such(kit):
    """PyTorch's checker reports a mutated input as a mismatch of the Jacobian."""
    if kit.overwrite is None:
        pytest.skip("arrays of this framework are immutable")

    def cost(w):
        value = kit.sum(kit.sin(w))
        kit.overwrite(w, 0.5)
        return value

    with pytest.raises(gc.InvalidInputError, match="`cost` changes its parameters"):
        gc.check_gradients(cost, kit.array(thetas(3)), np.cos(thetas(3)))


def test_the_message_for_one_wrong_entry_of_200_is_short_and_names_it(kit):
    """PyTorch's message for it has 401 lines and does not show the index."""
    theta = thetas(200)
    grads = np.cos(theta)
    grads[123] = 0.0

    with pytest.raises(gc.GradientCheckError, match=r"worst entry: theta\[123\]") as caught:
        gc.assert_gradients(sines(kit), kit.array(theta), grads)
    assert len(str(caught.value).splitlines()) < 40


def test_a_claim_of_another_shape_is_told_by_its_shapes(kit):
    """PyTorch's checker returns its flags for sizes and dtypes in one order and reads them in the other."""
    with pytest.raises(gc.InvalidInputError, match=r"\(2, 3\).*\(3, 2\)|\(3, 2\).*\(2, 3\)"):
        gc.check_gradients(lambda p: kit.sum(p["w"]), {"w": kit.array(np.ones((2, 3)))}, {"w": np.ones((3, 2))})


def test_a_claim_of_another_dtype_is_judged_by_its_own_rounding(kit):
    theta = thetas(5)

    right = gc.check_gradients(sines(kit), kit.array(theta), np.cos(theta).astype("float32"))
    wrong = gc.check_gradients(sines(kit), kit.array(theta), (1.01 * np.cos(theta)).astype("float32"))

    assert right.passed
    assert wrong.verdict is Verdict.BUG


def test_params_and_cost_in_the_wrong_order_are_told(kit):
    with pytest.raises(gc.InvalidInputError, match="pass the function first and the parameters second"):
        gc.check_gradients(kit.array(thetas(3)), sines(kit), np.cos(thetas(3)))


@pytest.mark.parametrize("kinked", [abs, relu])
def test_on_a_kink_a_subgradient_passes_and_anything_else_does_not(kit, kinked):
    """PyTorch, JAX and Caffe report the kink of a ReLU as a mismatch."""
    theta = np.array([0.0, 0.7, -0.4])
    slope = np.sign(theta) if kinked is abs else (theta > 0).astype(float)

    def check(claim):
        return gc.check_gradients(lambda w: kit.sum(kinked(w)), kit.array(theta), np.array([claim, *slope[1:]]))

    assert check(0.0).passed
    assert check(0.5).passed
    assert check(1.5).verdict is Verdict.BUG
    assert check(0.0).worst.kinks == 1


@pytest.mark.parametrize("relative", [0.5, 0.02])
def test_a_mistake_is_judged_by_its_relative_size(kit, relative):
    """One absolute number says nothing: the same mistake gets the same verdict at any scale of the cost."""
    theta = thetas(4)

    verdicts = {
        gc.check_gradients(sines(kit, factor), kit.array(theta), (1 + relative) * factor * np.cos(theta)).verdict
        for factor in (1e-8, 1.0, 1e8)
    }

    assert verdicts == {Verdict.BUG}


@pytest.mark.parametrize("precision", ["auto", "native"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_in_half_precision_no_right_gradient_is_accused_and_no_wrong_one_passes(kit, dtype, precision):
    """In JAX a step of 1e-4 is below the spacing of bfloat16: every difference is 0 and every check fails."""
    if dtype not in kit.dtypes:
        pytest.skip(f"{kit.name} has no {dtype}")
    theta = np.array([0.5, -0.75, 0.25, 1.0])

    def check(factor):
        grads = kit.constant(factor * np.cos(theta), dtype)
        return gc.check_gradients(sines(kit), kit.array(theta, dtype), grads, precision=precision)

    assert check(1.0).verdict not in ACCUSATIONS
    assert not check(2.0).passed
    assert not check(-1.0).passed
