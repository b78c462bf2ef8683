from collections import namedtuple

import numpy as np
import pytest
import tensorflow as tf

import gradcheck_core as gc
from gradcheck_core import Verdict

W = np.array([[0.3, -0.7], [1.1, 0.4]])
B = np.array([0.5, -0.2])
X = tf.constant([[1.0, 2.0], [0.5, -1.5], [-0.4, 0.3]], dtype=tf.float64)

Pair = namedtuple("Pair", ["w", "b"])


@tf.custom_gradient
def doubled(x):
    """The identity, whose gradient is wrong by a factor of two."""
    return tf.identity(x), lambda upstream: 2 * upstream


def loss(w, b):
    return tf.reduce_sum(tf.tanh(X @ w + b) ** 2)


def variables():
    return tf.Variable(W), tf.Variable(B)


class Dense(tf.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.w = tf.Variable(np.linspace(-1, 1, inputs * outputs).reshape(inputs, outputs))
        self.b = tf.Variable(np.linspace(0.1, 0.4, outputs))

    def __call__(self, x):
        return tf.tanh(x @ self.w + self.b)


class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.layers = [Dense(2, 3), Dense(3, 2)]
        self.heads = {"a": Dense(2, 1)}
        self.steps = tf.Variable(0, dtype=tf.int64)

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.heads["a"](x)


NAMES = {"heads.a.b", "heads.a.w", "layers.0.b", "layers.0.w", "layers.1.b", "layers.1.w"}


@pytest.mark.parametrize(
    ("collect", "parts", "names"),
    [
        (lambda w, b: [w, b], lambda p: p, ["0", "1"]),
        (lambda w, b: (w, b), lambda p: p, ["0", "1"]),
        (lambda w, b: {"w": w, "b": b}, lambda p: (p["w"], p["b"]), ["w", "b"]),
        (Pair, lambda p: p, ["w", "b"]),
        (lambda w, b: {"net": [Pair(w, [b])]}, lambda p: (p["net"][0].w, p["net"][0].b[0]), ["net.0.w", "net.0.b.0"]),
    ],
)
@pytest.mark.parametrize("make", [tf.Variable, tf.constant])
def test_variables_and_tensors_in_any_nesting(collect, parts, names, make):
    params = collect(make(W), make(B))

    report = gc.check_gradients(lambda p: loss(*parts(p)), params)
    wrong = gc.check_gradients(lambda p: loss(parts(p)[0], doubled(parts(p)[1])), params)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == names
    assert report.precision == "float64"
    assert wrong.verdict is Verdict.BUG
    assert wrong.worst.name == names[1]
    assert wrong.parameters[names[0]].verdict is Verdict.CORRECT
    assert np.array_equal(parts(params)[0], W)
    assert np.array_equal(parts(params)[1], B)


def test_a_module_is_correct_under_the_names_of_its_attributes():
    net = Net()

    report = gc.check_gradients(lambda m: tf.reduce_sum(m(X) ** 2), net)

    assert report.verdict is Verdict.CORRECT
    assert set(report.parameters) == NAMES
    assert "not checked: `steps` (int64)" in report.notes


def test_a_wrong_gradient_is_a_bug_in_the_parameters_behind_it():
    def cost(m):
        return tf.reduce_sum(m.heads["a"](m.layers[1](doubled(m.layers[0](X)))) ** 2)

    report = gc.check_gradients(cost, Net())

    assert report.verdict is Verdict.BUG
    assert {name for name, found in report.parameters.items() if not found.verdict.passed} == {
        "layers.0.w",
        "layers.0.b",
    }


def test_modules_in_a_nesting_and_beside_tensors():
    params = {"net": Net(), "scale": tf.constant(0.7, tf.float64)}

    report = gc.check_gradients(lambda p: tf.reduce_sum(p["net"](X)) * p["scale"], params)

    assert report.verdict is Verdict.CORRECT
    assert set(report.parameters) == {*(f"net.{name}" for name in NAMES), "scale"}


def test_a_cost_that_closes_over_its_variables():
    w, b = variables()

    assert gc.check_gradients(lambda _: loss(w, b), [w, b]).verdict is Verdict.CORRECT
    assert gc.check_gradients(lambda _: loss(doubled(w), b), [w, b]).worst.name == "0"


def test_non_trainable_variables_are_frozen():
    w, b = tf.Variable(W), tf.Variable(B, trainable=False)

    report = gc.check_gradients(lambda p: loss(*p), [w, b])

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["0"]
    assert "not checked: `1` (frozen)" in report.notes


def test_tied_variables_are_one_parameter():
    w, b = variables()

    report = gc.check_gradients(lambda p: loss(p["in"] @ p["out"], p["b"]), {"in": w, "out": w, "b": b})
    one_use_forgotten = gc.check_gradients(
        lambda p: loss(p["in"] @ tf.stop_gradient(p["out"]), p["b"]), {"in": w, "out": w, "b": b}
    )

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["in", "b"]
    assert "not checked: `out` (tied to in)" in report.notes
    assert one_use_forgotten.verdict is Verdict.BUG
    assert one_use_forgotten.worst.name == "in"


def test_tied_variables_of_a_module_are_one_parameter():
    net = Net()
    net.layers[1] = net.heads["a"]
    net.heads["a"] = net.layers[0]

    report = gc.check_gradients(lambda m: tf.reduce_sum(m.layers[0](X) ** 2), net)

    assert report.verdict is Verdict.CORRECT
    assert len({name.split(".")[-1] for name in report.parameters}) == 2
    assert len(report.parameters) == 4


def test_an_unused_variable_has_gradient_zero_with_a_note():
    w, b = variables()

    report = gc.check_gradients(lambda p: loss(p[0], 0.0), [w, b])

    assert report.verdict is Verdict.CORRECT
    assert report.parameters["1"].analytic == 0
    assert "`1`: the cost does not use it, so its gradient counts as zero" in report.notes


@pytest.mark.parametrize("cut", [tf.stop_gradient, lambda b: tf.constant(b.numpy())])
def test_a_gradient_that_is_cut_is_a_bug_unless_left_out(cut):
    def cost(p):
        return loss(p["w"], cut(p["b"]))

    params = dict(zip("wb", variables(), strict=True))
    report = gc.check_gradients(cost, params)

    assert report.verdict is Verdict.BUG
    assert report.worst.name == "b"
    assert gc.check_gradients(cost, params, exclude="b").verdict is Verdict.CORRECT


@pytest.mark.parametrize("convert", [lambda t: t.numpy(), float])
def test_a_cost_that_returns_no_tensor_needs_grads(convert):
    b = tf.Variable(B)

    def cost(b):
        return convert(tf.reduce_sum(tf.sin(b)))

    with pytest.raises(
        gc.InvalidInputError, match=r"a GradientTape cannot differentiate; return the tensor \(without .item"
    ):
        gc.check_gradients(cost, b)
    assert gc.check_gradients(cost, b, np.cos(B)).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, b, tf.cos(b)).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, b, np.sin(B)).verdict is Verdict.BUG


def test_tensor_valued_and_nested_outputs_are_contracted():
    w = tf.Variable(W)

    def cost(first, second):
        return lambda w: {"a": first(tf.sin(w)), "b": [second(w @ w), tf.constant([1, 2])]}

    assert gc.check_gradients(cost(tf.identity, tf.identity), w).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost(doubled, tf.identity), w).verdict is Verdict.BUG
    assert gc.check_gradients(cost(tf.identity, doubled), w).verdict is Verdict.BUG


def test_native_float32_is_inspect_and_a_bug_is_still_seen():
    w, b = tf.Variable(W.astype(np.float32)), tf.Variable(B.astype(np.float32))

    def cost(p, wrap):
        return tf.reduce_sum(tf.tanh(tf.cast(X, tf.float32) @ p[0] + wrap(p[1])) ** 2)

    right = gc.check_gradients(cost, [w, b], args=(tf.identity,), precision="native")
    wrong = gc.check_gradients(cost, [w, b], args=(doubled,), precision="native")

    assert right.verdict is Verdict.INSPECT
    assert right.precision == "float32"
    assert wrong.verdict is Verdict.BUG
    assert wrong.worst.name == "1"


def test_a_nested_tape_inside_the_cost():
    def penalty(w, watch):
        x = tf.constant([[0.2, 0.9]], tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(x)
            energy = tf.reduce_sum(tf.tanh(x @ w))
        slope = tape.gradient(energy, x)
        return (tf.norm(slope if watch else tf.stop_gradient(slope)) - 1) ** 2

    assert gc.check_gradients(penalty, tf.Variable(W), args=(True,)).verdict is Verdict.CORRECT
    assert gc.check_gradients(penalty, tf.Variable(W), args=(False,)).verdict is Verdict.BUG


@pytest.mark.parametrize("rows", [[0], [1, 1, 0]])
def test_sliced_gradients_of_a_lookup(rows):
    w = tf.Variable(W)

    def cost(w):
        return tf.reduce_sum(tf.sin(tf.nn.embedding_lookup(w, rows)))

    # as if the lookup backwards overwrote instead of adding up
    once = tf.IndexedSlices(
        tf.constant(np.cos(W[sorted(set(rows))])), tf.constant(sorted(set(rows))), tf.constant([2, 2])
    )
    report = gc.check_gradients(cost, w)

    assert report.verdict is Verdict.CORRECT
    repeated = len(set(rows)) < len(rows)
    assert gc.check_gradients(cost, w, once).verdict is (Verdict.BUG if repeated else Verdict.CORRECT)


def test_a_variable_of_unknown_shape_is_refused():
    w = tf.Variable(W, shape=tf.TensorShape(None))

    with pytest.raises(gc.InvalidInputError, match="`params`: `w` has shape <unknown>"):
        gc.check_gradients(lambda p: tf.reduce_sum(p["w"]), {"w": w})


def test_a_module_that_makes_its_variables_late_is_refused():
    class Late(tf.Module):
        def __init__(self):
            super().__init__()
            self.scale = tf.Variable(1.0, dtype=tf.float64)
            self.w = None

        def __call__(self, x):
            if self.w is None:
                self.w = tf.Variable(W)
            return x @ self.w * self.scale

    late = Late()

    with pytest.raises(gc.InvalidInputError, match=r"`cost` made variables in its first call \(w\), .*build the model"):
        gc.check_gradients(lambda m: tf.reduce_sum(m(X) ** 2), late)
    assert set(gc.check_gradients(lambda m: tf.reduce_sum(m(X) ** 2), late).parameters) == {"scale", "w"}
