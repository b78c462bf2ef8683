import numpy as np
import pytest
import torch
from torch import nn

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.protocol import registry

VALUES = torch.tensor([[0.3, -0.7, 0.2], [1.1, 0.4, -0.5]], dtype=torch.float64)
SCALE = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=torch.float64)

LAYOUTS = {
    "contiguous": VALUES.clone(),
    "transposed": VALUES.T.contiguous().T,
    "every other": VALUES.repeat_interleave(2, dim=1)[:, ::2],
    "flipped": VALUES.flip(0),
    "channels last": VALUES.reshape(1, 2, 3, 1).contiguous(memory_format=torch.channels_last).reshape(2, 3),
    "negated view": torch.complex(torch.zeros_like(VALUES), -VALUES).conj().imag,
}


@pytest.mark.parametrize("wrap", [torch.Tensor.detach, nn.Parameter])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout(layout, wrap):
    tensor = wrap(LAYOUTS[layout])
    before, stride = tensor.detach().clone(), tensor.stride()
    right = tensor.detach().cos() * SCALE
    wrong = right.clone()
    wrong[0, 2] += 1

    assert gc.check_gradients(lambda w: (w.sin() * SCALE).sum(), tensor).verdict is Verdict.CORRECT
    report = gc.check_gradients(lambda w: (w.sin() * SCALE).sum(), tensor, wrong)

    assert report.verdict is Verdict.BUG
    assert report.worst.worst_index == (0, 2)
    assert torch.equal(tensor, before)
    assert tensor.stride() == stride


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("entries", [slice(None), slice(1, 4), np.array([5, 0, 3, 1, 2, 4]), np.array([4, 1])], ids=str)
def test_entries_are_written_where_they_stand_in_any_memory_layout(layout, entries):
    expected = LAYOUTS[layout].detach().reshape(-1).numpy(force=True).copy()
    expected[entries] = new = 10 + np.arange(expected[entries].size)

    backend = registry.load_backend("torch")
    with backend.open(lambda w: w.sum(), LAYOUTS[layout], (), "native", 0) as problem:
        problem.write(0, entries, new.astype(float))

        assert np.array_equal(problem.read(0), expected)


def test_an_expanded_tensor_is_checked_entry_by_entry():
    w = torch.tensor([[0.5]], dtype=torch.float64).expand(2, 3)

    report = gc.check_gradients(lambda w: (w.sin() * SCALE).sum(), w, torch.cos(torch.tensor(0.5)).double() * SCALE)

    assert report.verdict is Verdict.CORRECT
    assert report.parameters["theta"].shape == (2, 3)
    assert gc.check_gradients(lambda w: (w.sin() * SCALE).sum(), w).verdict is Verdict.CORRECT


def test_an_expanded_parameter_is_refused():
    w = nn.Parameter(torch.tensor([[0.5]]).expand(2, 3))

    with pytest.raises(gc.InvalidInputError, match="several entries of the parameter `w` are one number in memory"):
        gc.check_gradients(lambda p: p["w"].sum(), {"w": w})


def test_two_parameters_in_one_memory_are_refused():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)).double()
    model[1].weight.data = model[0].weight.data

    with pytest.raises(
        gc.InvalidInputError, match=r"`1\.weight` and `0\.weight` are two parameters in the same memory"
    ):
        gc.check_gradients(lambda m: m(torch.ones(1, 2).double()).sum(), model)


def test_parameters_that_are_parts_of_one_memory():
    memory = torch.linspace(0, 1, 6, dtype=torch.float64)
    params = [nn.Parameter(memory[:2]), nn.Parameter(memory[2:])]

    assert gc.check_gradients(lambda p: p[0].sin().sum() * p[1].sum(), params).verdict is Verdict.CORRECT
    assert torch.equal(memory, torch.linspace(0, 1, 6, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_lower_precision_is_never_a_bug_but_a_wrong_gradient_is(dtype):
    params = {"w": VALUES.to(dtype), "b": torch.ones(3, dtype=dtype)}

    def cost(p, factor):
        # the second summand is backwards what `factor` says; 1 is right
        part = p["w"].sin().sum()
        return part.detach() * (1 - factor) + part * factor + p["b"].sin().sum()

    right = gc.check_gradients(cost, params, args=(1,), precision="native")
    wrong = gc.check_gradients(cost, params, args=(3,), precision="native")

    assert right.verdict in (Verdict.CORRECT, Verdict.INSPECT, Verdict.INCONCLUSIVE)
    assert right.precision == str(dtype).removeprefix("torch.")
    assert not wrong.passed  # a BUG in float32; half precision may not resolve it and then says so


def test_params_of_two_precisions():
    params = {"w": VALUES.clone(), "scale": torch.tensor(0.5)}

    report = gc.check_gradients(lambda p: (p["w"].sin() * p["scale"]).sum(), params, precision="native")

    assert report.passed
    assert report.precision == "float32, float64"
    assert report.parameters["scale"].dtype == "float32"


def test_complex_numbers_inside_the_cost():
    class Conjugated(torch.autograd.Function):
        """The identity whose backward conjugates, the classical confusion about complex gradients."""

        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            return grad.conj()

    def cost(wrap):
        return lambda w: (wrap(torch.polar(w, 2 * w)) * (1 + 2j)).real.sum()

    assert gc.check_gradients(cost(torch.clone), VALUES.abs()).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost(Conjugated.apply), VALUES.abs()).verdict is Verdict.BUG
    assert gc.check_gradients(lambda w: torch.polar(w, w), VALUES.abs()).verdict is Verdict.CORRECT


def test_sparse_params_are_refused():
    with pytest.raises(gc.InvalidInputError, match=r"`theta` is torch.sparse_coo; pass dense"):
        gc.check_gradients(lambda w: w.sum(), VALUES.to_sparse())


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature:UserWarning")  # torch's own
@pytest.mark.parametrize(
    ("layer", "name"), [(nn.LazyLinear, "1.weight"), (lambda _: nn.LazyBatchNorm1d(affine=False), "1.running_mean")]
)
def test_an_uninitialised_module_is_refused(layer, name):
    model = nn.Sequential(nn.Linear(3, 3), layer(2))

    with pytest.raises(gc.InvalidInputError, match=f"`{name}` is not initialised yet; call the module once"):
        gc.check_gradients(lambda m: m(VALUES.float()).sum(), model)
    model(VALUES.float())
    assert gc.check_gradients(lambda m: m(VALUES.float()).square().sum(), model.eval()).passed


def test_a_module_on_the_meta_device_is_refused():
    with pytest.raises(gc.InvalidInputError, match="`weight` is on the meta device, which holds no values"):
        gc.check_gradients(lambda m: m(VALUES).sum(), nn.Linear(3, 1, device="meta"))


def test_parameters_made_in_inference_mode_are_refused():
    with torch.inference_mode():
        layer = nn.Linear(3, 1).double()
        tensor = VALUES.clone()

    with pytest.raises(gc.InvalidInputError, match="`weight` was made in inference mode"):
        gc.check_gradients(lambda m: m(VALUES).sum(), layer)
    assert gc.check_gradients(lambda w: w.sin().sum(), tensor).verdict is Verdict.CORRECT  # it is copied
    assert gc.check_gradients(lambda w: w.sin().sum(), tensor, tensor.sin()).verdict is Verdict.BUG


def test_a_parametrised_module():
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)).double()

    report = gc.check_gradients(lambda m: m(VALUES).square().sum(), layer)

    assert report.verdict is Verdict.CORRECT
    assert "parametrizations.weight.original0" in report.parameters


def test_spectral_norm_in_training_is_repeatable_and_gives_its_vectors_back():
    torch.manual_seed(0)
    layer = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2).double(), n_power_iterations=50)
    buffers = {name: buffer.clone() for name, buffer in layer.named_buffers()}

    report = gc.check_gradients(lambda m: m(VALUES).square().sum(), layer)

    assert report.verdict is Verdict.CORRECT  # its backward holds the vectors fixed, right where they have converged
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in layer.named_buffers())


@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU])
def test_a_recurrent_module(cell):
    torch.manual_seed(0)
    model = cell(3, 2, bidirectional=True).double()

    assert gc.check_gradients(lambda m: m(VALUES[None])[0], model).verdict is Verdict.CORRECT


def test_truncated_backpropagation_through_time_is_a_bug():
    torch.manual_seed(0)
    cell = nn.RNNCell(3, 2).double()

    def cost(cell, truncate):
        state = torch.zeros(1, 2, dtype=torch.float64)
        for x in VALUES:
            state = cell(x[None], state.detach() if truncate else state)
        return state.square().sum()

    assert gc.check_gradients(cost, cell, args=(False,)).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, cell, args=(True,)).verdict is Verdict.BUG


def test_sparse_gradients_of_an_embedding():
    embedding = nn.Embedding(5, 2, sparse=True).double()
    tokens = torch.tensor([1, 3, 1])

    report = gc.check_gradients(lambda e: e(tokens).sin().sum(), embedding)
    once = gc.check_gradients(lambda e: e(tokens).sin().sum(), embedding, {"weight": _counted_once(embedding, tokens)})

    assert report.verdict is Verdict.CORRECT
    assert once.verdict is Verdict.BUG
    assert once.worst.worst_index[0] == 1


def _counted_once(embedding, tokens):
    """As if the lookup backwards overwrote instead of adding up: token 1 occurs twice."""
    gradient = torch.zeros(5, 2, dtype=torch.float64)
    gradient[tokens] = embedding.weight.detach()[tokens].cos()
    return gradient.to_sparse()


def test_a_gradient_without_memory_of_its_own_is_zero():
    # autograd gives a ZeroTensor for the derivative of sgn
    assert gc.check_gradients(lambda w: torch.sgn(w).sum(), VALUES).verdict is Verdict.CORRECT


def test_several_scalars_are_contracted():
    assert gc.check_gradients(torch.var_mean, VALUES).verdict is Verdict.CORRECT


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
def test_complex_half_precision_is_read():
    report = gc.check_gradients(lambda w: w.chalf(), VALUES)

    assert report.verdict in (Verdict.INSPECT, Verdict.INCONCLUSIVE)
