"""Forward mode against the same differences."""

import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.protocol import Capability, registry
from gradcheck_core.testing import model


@pytest.fixture(autouse=True)
def _only_where_it_is_declared(kit):
    if Capability.FORWARD not in registry.load_backend(kit.name).capabilities:
        pytest.skip(f"{kit.name} does not declare it")


@pytest.mark.parametrize("precision", ["auto", "native"])
def test_forward_mode_of_float32_parameters_is_not_accused(kit, precision):
    cost, params = model.make_cost(kit, "float32"), model.params(kit, "float32")

    assert gc.check_gradients(cost, params, mode="forward", precision=precision).passed


def test_forward_mode_of_several_outputs(kit):
    report = gc.check_gradients(
        lambda p: {"a": kit.sin(p["w"]), "b": kit.tanh(p["b"])}, model.params(kit), mode="forward"
    )

    assert report.verdict is Verdict.CORRECT
