"""Keras models, the same tests under each framework that Keras computes with."""

import contextlib
import importlib

import keras
import numpy as np
import pytest
from keras_models import NAMES, X, functional, noisy, sequential, squared, subclassed, trained, values

import gradcheck_core as gc
from gradcheck_core import Verdict

ops = keras.ops
BACKEND = keras.backend.backend()


def x64(floatx):
    """Where Keras can make variables of that dtype: JAX makes none in float64 by itself."""
    if BACKEND != "jax":
        return contextlib.nullcontext()
    return importlib.import_module("jax").enable_x64(floatx == "float64")


@pytest.fixture(autouse=True, params=["float32", "float64"])
def floatx(request):
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(request.param)
    keras.config.set_dtype_policy(request.param)  # which Keras derives from floatx only once
    keras.utils.set_random_seed(1)
    with x64(request.param):
        yield request.param
    keras.config.set_floatx(before)
    keras.config.set_dtype_policy(policy)


@pytest.fixture(params=[sequential, functional, subclassed])
def model(request):
    return request.param()


def half(x):
    """The identity, whose gradient is wrong by a factor of two."""
    return x / 2 + ops.stop_gradient(x) / 2


def test_a_wrong_gradient_is_a_bug_in_the_layer_behind_it(model):
    def cost(network):
        first, last = network.layers[-2:]
        return ops.sum(ops.square(last(half(first(X)))))

    report = gc.check_gradients(cost, model)

    assert report.verdict is Verdict.BUG
    wrong = [name for name, parameter in report.parameters.items() if parameter.verdict is Verdict.BUG]
    assert wrong == ["dense.kernel", "dense.bias"]


def test_a_wrong_gradient_of_the_users_is_a_bug(model):
    grads = {name: np.ones(np.shape(value)) for name, value in zip(NAMES, values(model), strict=True)}

    assert gc.check_gradients(squared, model, grads).verdict is Verdict.BUG


def test_a_model_is_correct_under_the_names_of_its_layers_and_in_float64(model):
    report = gc.check_gradients(squared, model)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == NAMES
    assert report.precision == "float64"


def test_a_model_that_the_cost_closes_over_is_reached_too(model):
    assert gc.check_gradients(lambda _: squared(model), model).verdict is Verdict.CORRECT


@pytest.mark.parametrize("options", [{"mode": "forward"}, {"order": 2}, {"method": "projected"}])
def test_every_way_to_differentiate_is_right(options):
    assert gc.check_gradients(squared, sequential(), **options).passed


def test_states_are_the_same_before_every_call_and_afterwards():
    model = noisy()
    before = values(model)

    report = gc.check_gradients(trained, model)

    assert report.passed
    assert list(report.parameters) == [
        "dense.kernel",
        "dense.bias",
        "norm.gamma",
        "norm.beta",
        "out.kernel",
        "out.bias",
    ]
    assert all(map(np.array_equal, before, values(model)))


def test_precision_and_values_are_given_back_after_an_error(floatx):
    model = sequential()
    before = values(model)

    def raising(network):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        gc.check_gradients(raising, model)

    assert all(map(np.array_equal, before, values(model)))
    assert {variable.dtype for variable in model.variables} == {floatx}
    assert {layer.dtype_policy.name for layer in model.layers} == {floatx}
    # Keras' own rule, which is set aside while it computes in float64
    assert keras.backend.result_type("float64", "float64") == ("float64" if BACKEND == "tensorflow" else "float32")


def test_a_variable_and_a_layer_within_a_structure_are_checked():
    scale, layer = keras.Variable(np.array([0.5, 2.0]), name="scale"), keras.layers.Dense(2, name="dense")
    layer.build((None, 3))

    report = gc.check_gradients(
        lambda p: ops.sum(ops.square(p["layer"](X) * p["scale"])), {"scale": scale, "layer": layer}
    )

    assert report.verdict is Verdict.CORRECT
    assert sorted(report.parameters) == ["layer.bias", "layer.kernel", "scale"]


def test_a_layer_that_stands_twice_is_checked_once():
    model = sequential()

    report = gc.check_gradients(lambda p: squared(p[0]) + squared(p[1]), [model, model])

    assert report.verdict is Verdict.CORRECT
    assert len(report.parameters) == len(NAMES)
    assert any("tied to 0.dense.kernel" in note for note in report.notes)


def test_frozen_layers_are_not_checked():
    model = sequential()
    model.layers[0].trainable = False

    assert list(gc.check_gradients(squared, model).parameters) == ["out.kernel", "out.bias"]


def test_a_model_that_is_not_built_is_refused():
    model = keras.Sequential([keras.layers.Dense(2)], name="late")

    with pytest.raises(gc.InvalidInputError, match="the Sequential `theta` has no variables yet; build it"):
        gc.check_gradients(squared, model)
