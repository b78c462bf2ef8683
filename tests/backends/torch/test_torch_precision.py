import pytest
import torch
from torch import nn
from torch.nn import functional

import gradcheck_core as gc
from gradcheck_core import Verdict

X = torch.linspace(-1, 1, 12).reshape(4, 3)
IMAGES = torch.linspace(-1, 1, 2 * 2 * 25).reshape(2, 2, 5, 5).sin()
LABELS = torch.tensor([0, 2])


@pytest.fixture(autouse=True)
def _same_parameters():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def square(model):
    return model(X).square().sum()


class OffIn(torch.autograd.Function):
    """sin, with a backward that is off by a twentieth in some dtypes."""

    @staticmethod
    def forward(ctx, a, dtypes):
        ctx.save_for_backward(a)
        ctx.dtypes = dtypes
        return a.sin()

    @staticmethod
    def backward(ctx, grad):
        (a,) = ctx.saved_tensors
        return grad * a.cos() * (1.05 if a.dtype in ctx.dtypes else 1.0), None


def test_a_float32_model_is_checked_in_float64():
    model = network()
    before = {name: p.clone() for name, p in model.named_parameters()}

    report = gc.check_gradients(square, model)

    assert report.verdict is Verdict.CORRECT
    assert report.precision == "float64"
    assert report.parameters["0.weight"].dtype == "float32"
    assert any(note.startswith("checked in float64; the float32 gradient agrees with it") for note in report.notes)
    assert all(p.dtype is torch.float32 and torch.equal(p, before[name]) for name, p in model.named_parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_cost_may_close_over_data_of_the_models_precision(dtype):
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.GELU(), nn.Flatten(), nn.Linear(27, 3)).to(dtype)
    images = IMAGES.to(dtype)

    report = gc.check_gradients(lambda m: functional.cross_entropy(m(images), LABELS), model)

    assert report.verdict is Verdict.CORRECT
    assert report.precision == "float64"


def test_casts_down_inside_the_model_are_no_noise():
    class RootMeanSquare(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(4))

        def forward(self, x):
            wide = x.float()
            return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + 1e-6)).to(torch.float32) * self.scale

    model = nn.Sequential(nn.Linear(3, 4), RootMeanSquare(), nn.Linear(4, 2))

    assert gc.check_gradients(square, model).verdict is Verdict.CORRECT


def test_a_wrong_formula_is_a_bug_in_any_precision():
    dtypes = (torch.float32, torch.float64)

    report = gc.check_gradients(lambda p: OffIn.apply(p["w"], dtypes).sum() + p["b"].sum(), {"w": X, "b": X.clone()})

    assert report.verdict is Verdict.BUG
    assert report.worst.name == "w"
    assert not any("right in float64" in note for note in report.notes)


def test_a_gradient_that_is_wrong_in_float32_only_is_told_from_a_wrong_formula():
    dtypes = (torch.float32,)

    report = gc.check_gradients(lambda p: OffIn.apply(p["w"], dtypes).sum() + p["b"].sum(), {"w": X, "b": X.clone()})

    assert report.verdict is Verdict.BUG
    assert report.worst.name == "w"
    assert report.parameters["b"].verdict is Verdict.CORRECT
    assert "right in float64, but the float32 gradient of `w` is off by more than rounding explains" in report.notes


def test_a_cost_that_closes_over_the_model_is_checked_on_the_model_itself():
    model = network()

    report = gc.check_gradients(lambda _: square(model), model)

    assert report.passed
    assert report.precision == "float32"
    assert (
        "the cost does not use the params it is given, but its own reference to them; checked in float32"
    ) in report.notes


def test_a_cost_that_closes_over_a_part_of_the_model_is_noticed():
    model = network()

    report = gc.check_gradients(lambda m: m[2](torch.tanh(model[0](X))).square().sum(), model)

    assert report.precision == "float32"
    assert report.passed


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_recurrent_module_that_closes_over_float32_data(kind):
    # it compares the dtype of its input with that of its weights before it computes
    series = X.reshape(2, 2, 3)

    report = gc.check_gradients(lambda m: m(series)[0].square().sum(), kind(3, 2))

    assert report.precision == "float64"
    assert report.verdict is Verdict.CORRECT


class InsistsOnFloat32(nn.Linear):
    def forward(self, x):
        if self.weight.dtype is not torch.float32:
            msg = "the weight has the wrong dtype"
            raise ValueError(msg)
        return super().forward(x)


def test_a_module_that_insists_on_its_dtype_is_checked_in_it():
    report = gc.check_gradients(lambda m: m(X).square().sum(), InsistsOnFloat32(3, 2))

    assert report.precision == "float32"
    assert "the cost cannot be evaluated in float64 (ValueError); checked in float32" in report.notes
    assert report.verdict in (Verdict.INSPECT, Verdict.INCONCLUSIVE)


def test_float64_that_was_asked_for_and_is_not_possible_raises_what_the_cost_raised():
    with pytest.raises(ValueError, match="the weight has the wrong dtype"):
        gc.check_gradients(lambda m: m(X).square().sum(), InsistsOnFloat32(3, 2), precision="float64")


def test_native_precision_states_its_resolution():
    report = gc.check_gradients(square, network(), precision="native")

    assert report.precision == "float32"
    assert report.verdict in (Verdict.INSPECT, Verdict.INCONCLUSIVE)
    assert report.resolution > 1e-7


def test_tied_weights_stay_tied_in_float64():
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3))
    model[2].weight = model[0].weight

    report = gc.check_gradients(square, model)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["0.weight", "0.bias", "2.bias"]


def test_a_right_gradient_that_vanishes_is_no_bug_of_its_rounding():
    # every row is divided by its own length: the gradient is exactly zero, and in float32 what cancels leaves 1e-8
    w, x = torch.randn(3, 1), torch.randn(4, 3)

    def cost(w):
        product = x @ w
        return (product / torch.sqrt((product * product).sum(-1, keepdim=True))).sum() * torch.tensor(0.7)

    assert gc.check_gradients(cost, w).passed


def test_a_gradient_that_should_vanish_and_does_not_in_float32_is_a_bug():
    class Leaking(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, cotangent):
            return cotangent + (1e-2 if cotangent.dtype is torch.float32 else 0)

    def cost(w):
        product = Leaking.apply(w)
        return (product / torch.sqrt(product * product)).sum()

    assert gc.check_gradients(cost, torch.randn(4)).verdict is Verdict.BUG
