"""The example's models with the same weights are the same function."""

import importlib
from pathlib import Path

import jax
import keras
import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "migration"
UNITS = 5


@pytest.fixture
def example(monkeypatch):
    """Imports a module of the example; afterwards Keras' and JAX's precision, which they set, are as they were."""
    monkeypatch.syspath_prepend(EXAMPLE)
    floatx, x64 = keras.config.floatx(), jax.config.jax_enable_x64
    yield importlib.import_module
    keras.config.set_floatx(floatx)
    jax.config.update("jax_enable_x64", x64)


def for_keras(torch_values):
    """What each weight is there; written out, and not found by the mapping under test elsewhere."""
    of = torch_values
    return {
        "conv.kernel": of["conv.weight"].transpose(2, 1, 0),
        "conv.bias": of["conv.bias"],
        "lstm.lstm_cell.kernel": of["lstm.weight_ih_l0"].T,
        "lstm.lstm_cell.recurrent_kernel": of["lstm.weight_hh_l0"].T,
        "lstm.lstm_cell.bias": of["lstm.bias_ih_l0"] + of["lstm.bias_hh_l0"],
        "dense.kernel": of["dense.weight"].T,
        "dense.bias": of["dense.bias"],
    }


def for_numpy(torch_values):
    i, f, g, o = np.split(np.arange(4 * UNITS), 4)
    gates = np.concatenate([i, f, o, g])
    weights = {name.replace("lstm_cell.", ""): value for name, value in for_keras(torch_values).items()}
    return {name: value[..., gates] if name.startswith("lstm.") else value for name, value in weights.items()}


def for_flax(torch_values):
    weights = for_keras(torch_values)
    parts = {}
    for of, kernel in (("i", "kernel"), ("h", "recurrent_kernel")):
        for gate, part in zip("ifgo", np.split(weights[f"lstm.lstm_cell.{kernel}"], 4, axis=1), strict=True):
            parts[f"lstm.cell.{of}{gate}{'_' if (of, gate) == ('i', 'f') else ''}.kernel"] = part
    for gate, part in zip("ifgo", np.split(weights["lstm.lstm_cell.bias"], 4), strict=True):
        parts[f"lstm.cell.h{gate}.bias"] = part
    return weights | parts


@pytest.mark.parametrize(("port", "translated"), [("numpy", for_numpy), ("keras", for_keras), ("flax", for_flax)])
def test_with_the_same_weights_the_costs_are_the_same(example, port, translated):
    original, model = example("torch_model").case(), example(f"{port}_model")
    values = {name: value.detach().numpy() for name, value in original.params.named_parameters()}

    fresh, carried = (
        float(case.cost(case.params, *case.args)) for case in (model.case(), model.case(translated(values)))
    )

    expected = original.cost(original.params, *original.args).item()
    assert abs(fresh - expected) > 1e-3
    assert abs(carried - expected) < 1e-13
