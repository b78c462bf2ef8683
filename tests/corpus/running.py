"""One case in one framework and precision."""

import functools
import importlib

import numpy as np

import gradcheck_core as gc
from corpus.records import RIGHT, is_floating
from gradcheck_core.protocol import Capability, registry

PRECISIONS = {"float64": ("float64", "auto"), "float32": ("float32", "auto"), "float32-native": ("float32", "native")}
"""The dtype of parameters and claim, and the option `precision`, by the name that the table has for them."""


def precisions(framework, claim):
    """In which precisions a claim is made; one check stands for both of float32 where a backend has no float64."""
    if claim.float64_only:
        return ("float64",)
    widens = Capability.FLOAT64 in registry.load_backend(framework).capabilities
    return tuple(PRECISIONS) if widens else ("float64", "float32-native")


@functools.cache
def check(kit, case, precision):
    """The report about a case.

    In float32 a wrong claim is checked in the parameters that are wrong: that the right ones beside them are not
    accused is seen in float64.
    """
    dtype, option = PRECISIONS[precision]
    cost, params, setting = _bound(kit, case.model, dtype)
    claimed = {name: grad.astype(dtype) for name, grad in case.claim.made(setting).items()}
    everything = precision == "float64" or case.claim.kind == RIGHT
    include = None if everything else case.claim.parameters
    return gc.check_gradients(cost, params, claimed, precision=option, include=include)


def check_autodiff(kit, model):
    cost, params, _ = _bound(kit, model, "float64")
    return gc.check_gradients(cost, params)


def autodiff(kit, model):
    cost, params, _ = _bound(kit, model, "float64")
    return _operations(kit.name).autodiff(cost, params)


@functools.cache
def _operations(framework):
    return importlib.import_module(f"corpus.{framework}_ops")


@functools.cache
def _bound(kit, model, dtype):
    ops = _operations(kit.name)
    data = {name: kit.constant(value, dtype) if is_floating(value) else value for name, value in model.data.items()}
    cost = ops.compiled(lambda params: model.cost(ops, params, data))
    setting = model.setting(dtype)
    # tensors, not variables: TensorFlow takes half the time for them
    return cost, {name: kit.constant(np.asarray(value), dtype) for name, value in setting.params.items()}, setting
