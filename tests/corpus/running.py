"""One case in one framework and precision."""

import functools
import importlib

import numpy as np

import gradcheck_core as gc
from corpus.records import is_floating

PRECISIONS = {"float64": ("float64", "auto"), "float32": ("float32", "auto"), "float32-native": ("float32", "native")}
"""Dtype of the parameters and of the claim, and the option `precision`, by the name that the table has for them."""


@functools.cache
def operations(framework):
    return importlib.import_module(f"corpus.{framework}_ops")


@functools.cache
def _bound(kit, model_name, dtype):
    from corpus.catalogue import MODELS

    model = next(model for model in MODELS if model.name == model_name)
    ops = operations(kit.name)
    setting = model.setting(dtype)
    data = {name: kit.constant(value, dtype) if is_floating(value) else value for name, value in model.data.items()}
    cost = ops.compiled(lambda params: model.cost(ops, params, data))
    return cost, {name: kit.array(value, dtype) for name, value in setting.params.items()}, setting


def check(kit, model, claim, precision, include=None):
    """The report about a claim; None claims the model's own gradient by hand."""
    dtype, option = PRECISIONS[precision]
    cost, params, setting = _bound(kit, model.name, dtype)
    claimed = setting.grads if claim is None else claim.made(setting)
    rounded = {name: np.asarray(value).astype(dtype) for name, value in claimed.items()}
    return gc.check_gradients(cost, params, rounded, precision=option, include=include)


def check_autodiff(kit, model):
    cost, params, _ = _bound(kit, model.name, "float64")
    return gc.check_gradients(cost, params)


def autodiff(kit, model):
    cost, params, _ = _bound(kit, model.name, "float64")
    return operations(kit.name).autodiff(cost, params)
