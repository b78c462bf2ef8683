"""A PyTorch model beside the same by hand in NumPy: a wrong rule for a derivative is told from a wrong function."""

import numpy as np
import pytest
import torch

from gradcheck_core import GradientCase, Outcome, Verdict, compare_gradients

RNG = np.random.default_rng(2)
X = RNG.normal(size=(5, 3)).astype(np.float16).astype(np.float64)  # exact in every dtype
W = RNG.normal(size=(3, 3))
B = RNG.normal(size=3)


class WrongTanh(torch.autograd.Function):
    """Tanh whose derivative is that of the identity."""

    @staticmethod
    def forward(ctx, x):
        return x.tanh()

    @staticmethod
    def backward(ctx, grad):
        return grad


def in_numpy(params):
    return float(np.mean(np.tanh(X @ params["w"] + params["b"]) ** 2))


def backward(params):
    out = np.tanh(X @ params["w"] + params["b"])
    before = 2 * out * (1 - out**2) / out.size
    return {"w": X.T @ before, "b": before.sum(axis=0)}


NUMPY = GradientCase(in_numpy, {"w": W, "b": B}, backward)


def torch_case(tanh=torch.tanh, weight=W.T, dtype=torch.float64, **options):
    model = torch.nn.Linear(3, 3).to(dtype)
    with torch.no_grad():
        model.weight.copy_(torch.from_numpy(np.array(weight)))
        model.bias.copy_(torch.from_numpy(B))
    x = torch.from_numpy(X).to(dtype)
    return GradientCase(lambda m: (tanh(m(x)) ** 2).mean(), model, options=options)


def compare(case, **options):
    return compare_gradients({"numpy": NUMPY, "torch": case}, reference="numpy", **options)


def test_a_right_migration_agrees():
    report = compare(torch_case())

    assert report.verdict is Verdict.CORRECT
    assert [(row.target, row.source, row.axes) for row in report.rows] == [
        ("weight", ("w",), (1, 0)),
        ("bias", ("b",), (0,)),
    ]


def test_a_wrong_rule_on_one_side_is_that_sides_fault():
    report = compare(torch_case(WrongTanh.apply))

    assert report.outcome is Outcome.GRADIENTS_DIFFER
    assert report.forward_agrees
    assert report.culprit == "torch"
    assert report.sides["torch"].contradicted == ("weight", "bias")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_models_in_lower_precision_agree_as_finely_as_they_store(dtype):
    report = compare(torch_case(dtype=dtype))

    assert report.outcome is Outcome.AGREE
    assert report.passed
    assert report.cost_difference < 1e-13  # in float64, at the reference's values


def test_a_square_weight_that_was_not_transposed_is_named_on_either_side():
    case = torch_case(weight=W)
    for reference in ("numpy", "torch"):
        report = compare_gradients({"numpy": NUMPY, "torch": case}, reference=reference)

        assert report.outcome is Outcome.FORWARD_DIFFERS
        assert report.diagnosis.kind == "untransposed"


def test_the_callers_model_is_the_same_afterwards():
    case = torch_case(WrongTanh.apply, weight=W)
    before = {name: value.clone() for name, value in case.params.state_dict().items()}
    random_state = torch.get_rng_state()
    compare(case)

    assert all(torch.equal(value, before[name]) for name, value in case.params.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(parameter.grad is None for parameter in case.params.parameters())
