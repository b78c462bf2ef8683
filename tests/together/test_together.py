"""All frameworks imported in one process."""

import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict, cli
from gradcheck_core.testing import model


def test_each_frameworks_params_find_their_backend(kit):
    report = gc.check_gradients(model.make_cost(kit), model.params(kit), model.gradient())

    assert report.backend == kit.name
    assert report.verdict is Verdict.CORRECT


def test_gradients_may_come_from_another_framework(kit):
    import jax_kit
    import torch_kit

    for other in (jax_kit.KIT, torch_kit.KIT):
        grads = {name: other.array(grad) for name, grad in model.gradient().items()}
        report = gc.check_gradients(model.make_cost(kit), model.params(kit), grads)
        assert report.verdict is Verdict.CORRECT


def test_mixed_params_name_the_leaves():
    import jax_kit
    import torch_kit

    params = {"w": torch_kit.KIT.array(model.W), "b": jax_kit.KIT.array(model.B)}
    with pytest.raises(gc.InvalidInputError, match=r"mixes frameworks \(torch, jax\): `w` is torch.Tensor, `b` is jax"):
        gc.check_gradients(lambda p: 0.0, params)


def test_the_demo_shows_every_framework_with_the_same_cost(capsys):
    assert cli.main(["demo"]) == 0

    rows = capsys.readouterr().out.splitlines()[-4:]
    assert [row.split()[0] for row in rows] == ["jax", "numpy", "tensorflow", "torch"]
    assert all(row.split()[-1] == "CORRECT" for row in rows)
    assert len({row.split()[2] for row in rows}) == 1
