"""Traced and vectorised evaluation: the same answers as one by one, and one by one wherever that cannot be."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from batches import together_and_alone
from keras import layers

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.protocol import chunks
from gradcheck_tensorflow.batch import TensorflowBatch

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 10))
W = RNG.normal(size=(10, 12)) / 3
B = 0.1 * RNG.normal(size=12)
"""132 numbers: enough for a batch."""


def cost_of(w, b):
    return tf.reduce_sum(tf.tanh(tf.constant(X, w.dtype) @ w + b) ** 2)


def gradient_of(w, b):
    h = np.tanh(X @ w + b)
    upstream = 2 * h * (1 - h**2)
    return {"w": X.T @ upstream, "b": upstream.sum(axis=0)}


def cost(p):
    return cost_of(p["w"], p["b"])


def claimed():
    return gradient_of(W, B)


def made(make, dtype="float64"):
    return {"w": make(W, dtype=dtype), "b": make(B, dtype=dtype)}


class Dense(tf.Module):
    def __init__(self):
        super().__init__()
        self.w, self.b = tf.Variable(W), tf.Variable(B)
        self.calls = tf.Variable(0)
        self.last = None

    def __call__(self, x):
        self.calls.assign_add(1)
        self.last = tf.tanh(x @ self.w + self.b)
        return self.last


def was_batched(report):
    return not any("one theta at a time" in note for note in report.notes)


def count(monkeypatch):
    """The lengths of the chunks that are evaluated from now on."""
    lengths = []
    contracted = chunks.contract

    def counted(outputs, weigh):
        lengths.append(len(outputs[0]))
        return contracted(outputs, weigh)

    monkeypatch.setattr(chunks, "contract", counted)
    return lengths


@pytest.mark.parametrize("make", [tf.Variable, tf.constant])
@pytest.mark.parametrize("returned", [cost, lambda p: (p["w"] * 2, tf.constant(3), {"z": p["b"], "a": cost(p)})])
def test_a_batch_gives_what_the_cost_gives_one_by_one(make, returned):
    for together, alone in together_and_alone("tensorflow", returned, made(make)):
        np.testing.assert_allclose(together, alone, rtol=1e-13)


@pytest.mark.parametrize("make", [tf.Variable, tf.constant])
@pytest.mark.parametrize(("dtype", "roundoff"), [("float32", 2.0**-24), ("float16", 2.0**-11), ("bfloat16", 2.0**-8)])
def test_thetas_are_rounded_as_a_write_rounds_them(make, dtype, roundoff):
    # The sum of one number and zeros: without rounding of its own, so that only theta's shows.
    for together, alone in together_and_alone("tensorflow", tf.reduce_sum, make(np.zeros(100), dtype=dtype)):
        assert np.array_equal(together, alone)
        assert together == pytest.approx(np.full(100, 0.1), rel=roundoff)
        assert not np.any(together == 0.1)


def test_complex_parameters_are_moved_part_by_part():
    z = tf.Variable(RNG.normal(size=70) + 1j * RNG.normal(size=70))

    for together, alone in together_and_alone("tensorflow", lambda z: tf.reduce_sum(z**2), z):
        np.testing.assert_allclose(together, alone, rtol=1e-13)


def test_variables_are_found_however_they_are_read():
    table = tf.Variable(RNG.normal(size=(30, 5)))

    def looked_up(v):
        rows = tf.nn.embedding_lookup(v, [1, 4, 1]) + tf.gather(v, [2, 3, 4])
        return tf.reduce_sum(rows**2) + tf.reduce_sum(v[:2] ** 3) + tf.reduce_sum(tf.gather_nd(v, [[0, 1]]) * v.value())

    for together, alone in together_and_alone("tensorflow", looked_up, table):
        np.testing.assert_allclose(together, alone, rtol=1e-13)


@pytest.mark.parametrize("make", [tf.Variable, tf.constant])
def test_one_wrong_number_among_many_is_found(make):
    wrong = claimed()
    wrong["w"][3, 7] *= 1.01

    report = gc.check_gradients(cost, made(make), wrong)

    assert was_batched(report)
    assert report.verdict is not Verdict.CORRECT
    assert report.worst.name == "w"
    assert report.worst.worst_index == (3, 7)
    assert report.parameters["b"].verdict is Verdict.CORRECT


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_batched_check_says_what_one_by_one_says(monkeypatch, dtype):
    batched = gc.check_gradients(cost, made(tf.Variable, dtype))
    monkeypatch.setattr(TensorflowBatch, "least", 10**9)
    alone = gc.check_gradients(cost, made(tf.Variable, dtype))

    assert was_batched(batched)
    assert batched.verdict is alone.verdict is Verdict.CORRECT
    for name, found in batched.parameters.items():
        assert found.numeric == pytest.approx(claimed()[name][found.worst_index], rel=1e-5)
        assert found.resolution == pytest.approx(alone.parameters[name].resolution, rel=1)


def test_the_cost_is_called_few_times():
    calls = []

    def counted(p):
        calls.append(tf.executing_eagerly())
        return cost(p)

    report = gc.check_gradients(counted, made(tf.Variable), claimed())

    assert report.evaluations > 2 * 132
    # Twice before and once after, once for each of two parameters, and once or twice at theta meanwhile.
    assert sum(calls) < 20


def test_a_small_model_is_not_worth_tracing(monkeypatch):
    lengths = count(monkeypatch)

    report = gc.check_gradients(lambda w: tf.reduce_sum(w**3), tf.Variable(np.linspace(1, 2, 20)))

    assert report.verdict is Verdict.CORRECT
    assert not lengths


def test_little_memory_means_more_chunks_and_the_same_answers(monkeypatch):
    lengths = count(monkeypatch)
    much = gc.check_gradients(cost, made(tf.Variable), claimed())
    with_much = list(lengths)
    lengths.clear()

    # 132 numbers of theta and 5 x 12 of tanh's input and output are 2 kB and more.
    little = gc.check_gradients(cost, made(tf.Variable), claimed(), max_memory=40_000)

    assert max(lengths) <= 40_000 // 2_000 < max(with_much)
    assert len(lengths) > 2 * len(with_much)
    assert little.difference == pytest.approx(much.difference, abs=1e-9)
    assert little.verdict is Verdict.CORRECT


def looped(p):
    _, h = tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, tf.sin(h)), (0, p["w"] + p["b"]))
    return tf.reduce_sum(h**2)


@tf.function
def compiled(p):
    return cost(p)


@pytest.mark.parametrize("function", [looped, compiled])
@pytest.mark.parametrize("make", [tf.Variable, tf.constant])
def test_control_flow_and_functions_of_tensorflow_are_batched(function, make):
    report = gc.check_gradients(function, made(make))

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT


def branching_in_python(p):
    return cost(p) if float(tf.reduce_sum(p["b"])) < 10 else tf.reduce_sum(p["w"])


def through_numpy(p):
    return float(np.sum(np.tanh(X @ p["w"].numpy() + p["b"].numpy()) ** 2))


@tf.function
def converted(p):
    total = tf.zeros([], tf.float64)
    for row in tf.constant(X):  # which AutoGraph makes a loop of, and nothing else does
        total += tf.reduce_sum(tf.tanh(row[None, :] @ p["w"] + p["b"]) ** 2)
    return total


@pytest.mark.parametrize("function", [branching_in_python, through_numpy, converted])
@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_a_cost_that_cannot_be_traced_goes_one_by_one_with_a_note(function, factor):
    wrong = claimed()
    wrong["b"][2] *= factor

    report = gc.check_gradients(function, made(tf.Variable), wrong)

    assert "cannot be batched" in " ".join(report.notes)
    assert report.verdict.passed == (factor == 1.0)


def test_a_cost_that_prints_goes_one_by_one(capfd):
    def printing(p):
        tf.print("called")
        return cost(p)

    report = gc.check_gradients(printing, made(tf.Variable), claimed())

    assert "which has a state of its own" in " ".join(report.notes)
    assert report.verdict is Verdict.CORRECT
    assert capfd.readouterr().err.count("called") >= 2 * 132


def test_a_cost_that_asks_whether_it_is_traced_is_called():
    report = gc.check_gradients(lambda p: cost(p) * (1 if tf.executing_eagerly() else 2), made(tf.Variable), claimed())

    assert "but one by one it is" in " ".join(report.notes)
    assert report.verdict is Verdict.CORRECT


@pytest.mark.parametrize("seed", [None, 7])
def test_random_numbers_of_a_kernels_own_go_one_by_one(seed):
    def dropped(p):
        return tf.reduce_sum(tf.nn.dropout(p["w"], 0.5, seed=seed) ** 2) + tf.reduce_sum(p["b"] ** 2)

    report = gc.check_gradients(dropped, made(tf.Variable))

    assert not was_batched(report)
    assert report.verdict is Verdict.CORRECT


def test_stateless_random_numbers_are_batched():
    def dropped(p):
        return tf.reduce_sum(p["w"] ** 2 * tf.random.stateless_uniform([10, 12], [1, 2], dtype=p["w"].dtype))

    report = gc.check_gradients(dropped, {"w": tf.Variable(W)})

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT


def test_a_module_is_as_it_was_and_keeps_nothing_of_a_graph():
    module = Dense()
    attributes = {key: dict(vars(value)) for key, value in vars(module).items() if isinstance(value, tf.Variable)}

    report = gc.check_gradients(lambda m: tf.reduce_sum(m(tf.constant(X)) ** 2), module)

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT
    assert np.array_equal(module.w.numpy(), W)
    assert module.calls.numpy() == 0
    assert isinstance(module.last.numpy(), np.ndarray)
    for key, before in attributes.items():
        assert vars(getattr(module, key)).keys() == before.keys()


def test_a_module_whose_trace_fails_is_as_it_was():
    module = Dense()
    before = set(vars(module.w))

    report = gc.check_gradients(lambda m: float(np.sum(m(X).numpy() ** 2)), module, claimed())

    assert not was_batched(report)
    assert report.verdict is Verdict.CORRECT
    assert set(vars(module.w)) == before
    assert not tf.config.functions_run_eagerly()


def keras_model(dtype, *between):
    keras.utils.set_random_seed(1)
    dense = [layers.Dense(16, "tanh", dtype=dtype, name="hidden"), layers.Dense(2, dtype=dtype, name="out")]
    return keras.Sequential([keras.Input((10,), dtype=dtype), dense[0], *between, dense[1]])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("training", [False, True])
def test_a_keras_model_is_batched(dtype, training):
    model = keras_model(dtype, layers.BatchNormalization(dtype=dtype), layers.Dropout(0.5, seed=3, dtype=dtype))
    before = [np.array(value) for value in model.get_weights()]
    x, y = tf.constant(X, dtype), tf.ones((5, 2), dtype)

    report = gc.check_gradients(lambda m: tf.reduce_mean((m(x, training=training) - y) ** 2), model)

    assert was_batched(report)
    assert report.verdict.passed
    assert report.precision == "float64"
    assert all(map(np.array_equal, before, model.get_weights()))
    assert model(x).dtype == dtype


def test_a_wrong_layer_of_a_keras_model_is_found():
    @tf.custom_gradient
    def doubled(x):
        return tf.identity(x), lambda upstream: 2 * upstream

    class Doubled(layers.Layer):
        def call(self, x):
            return doubled(x)

    model = keras_model("float32", Doubled(dtype="float32"))

    report = gc.check_gradients(lambda m: tf.reduce_sum(m(tf.constant(X, "float32")) ** 2), model)

    assert was_batched(report)
    found = {name: each.verdict for name, each in report.parameters.items()}
    assert found["hidden.kernel"] is found["hidden.bias"] is Verdict.BUG
    assert found["out.kernel"] is found["out.bias"] is Verdict.CORRECT
