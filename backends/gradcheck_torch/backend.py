"""The PyTorch adapter."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import final

import numpy as np
import numpy.typing as npt
import torch

from gradcheck_core import trees
from gradcheck_core.errors import InvalidInputError
from gradcheck_core.protocol import Backend, Capability, Carried, Entries, FloatVector, Gradient, Layout, Problem, Weigh

from .state import CallersState
from .tensors import (
    dtype_name,
    named_tensors,
    require_initialised_buffers,
    require_memory_of_their_own,
    why_carried,
    working,
)
from .widening import any_lower, promoting, widened


@final
class TorchBackend(Backend):
    """Modules, parameters and tensors, on whatever device they are."""

    name = "torch"
    capabilities = frozenset({Capability.AUTODIFF, Capability.FLOAT64})

    def owns(self, leaf: object) -> bool:
        return isinstance(leaf, torch.Tensor | torch.nn.Module)

    def to_numpy(self, leaf: object) -> npt.NDArray[np.generic]:
        assert isinstance(leaf, torch.Tensor)
        dense = leaf.detach() if leaf.layout is torch.strided else leaf.detach().to_dense()
        if dense.is_floating_point() and dense.dtype not in (torch.float16, torch.float32, torch.float64):
            dense = dense.float()  # bfloat16 and float8 are unknown to NumPy; float32 holds them exactly
        return dense.resolve_conj().resolve_neg().cpu().numpy()

    def open(
        self, cost: Callable[..., object], params: object, args: tuple[object, ...], precision: str, seed: int
    ) -> Problem:
        own = dict(named_tensors(trees.leaves(params)))
        dtypes = {name: dtype_name(tensor) for name, tensor in own.items()}
        if precision == "native" or not any_lower(own.values()):
            return _TorchProblem(cost, params, args, seed, dtypes)
        wide_args = tuple(widened(argument) for argument in args)
        return _TorchProblem(promoting(cost), widened(params), wide_args, seed, dtypes)


@final
class _TorchProblem(Problem):
    def __init__(
        self,
        cost: Callable[..., object],
        params: object,
        args: tuple[object, ...],
        seed: int,
        dtypes: dict[str, str],
    ) -> None:
        self._cost = cost
        self._args = args
        given = trees.leaves(params)  # first, since it refuses a structure that contains itself
        self._rebuild = trees.rebuilder(params)
        copies: dict[int, torch.Tensor] = {}
        with _outside_inference_mode():
            self._leaves = [trees.Leaf(leaf.path, working(leaf.value, copies)) for leaf in given]
        self._modules = [leaf.value for leaf in self._leaves if isinstance(leaf.value, torch.nn.Module)]
        marked = any(tensor.requires_grad for _, tensor in named_tensors(self._leaves))
        carried = [
            Carried(leaf.name, type(leaf.value).__name__)
            for leaf in self._leaves
            if not isinstance(leaf.value, torch.Tensor | torch.nn.Module)
        ]
        self._names: list[str] = []
        self._checked: list[torch.Tensor] = []
        seen: dict[int, str] = {}
        for name, tensor in named_tensors(self._leaves):
            reason = why_carried(name, tensor, marked, seen)
            if reason is None:
                self._names.append(name)
                self._checked.append(tensor)
            else:
                carried.append(Carried(name, reason))
        require_memory_of_their_own(self._names, self._checked)
        require_initialised_buffers(self._modules)
        self._layout = Layout.of(
            [
                (name, tuple(tensor.shape), dtypes[name])
                for name, tensor in zip(self._names, self._checked, strict=True)
            ],
            carried,
        )
        self._handed: object = None
        # Tensors that the caller can see are saved; the checked ones among them are restored at the end only.
        visible = [
            tensor
            for _, tensor in named_tensors(self._leaves)
            if id(tensor) not in {id(copy) for copy in copies.values()}
        ]
        self._state = CallersState(self._modules, visible, seed)
        for copy in (tensor for tensor in self._checked if not tensor.requires_grad):
            copy.requires_grad_(True)

    @property
    def layout(self) -> Layout:
        return self._layout

    def read(self, parameter: int) -> FloatVector:
        flat = self._checked[parameter].detach().reshape(-1)
        return flat.to(device="cpu", dtype=torch.float64, copy=True).numpy()

    def write(self, parameter: int, entries: Entries, values: FloatVector | float) -> None:
        # `data` leaves autograd's version counters alone: a graph that the caller holds stays usable.
        data = self._checked[parameter].data
        where = torch.from_numpy(entries).to(data.device) if isinstance(entries, np.ndarray) else entries
        new = torch.as_tensor(values, dtype=torch.float64).to(data)
        if data.is_contiguous():
            data.view(-1)[where] = new
            return
        flat = data.reshape(-1)
        flat[where] = new
        data.copy_(flat.view(data.shape))

    def params(self) -> object:
        return self._rebuild(leaf.value for leaf in self._leaves)

    def evaluate(self) -> object:
        self._state.prepare()
        self._handed = self.params()
        with _outside_inference_mode():
            returned = self._cost(self._handed, *self._args)
        self._state.learn()
        return returned

    def gradient(self, weigh: Weigh) -> Gradient:
        with _outside_inference_mode(), torch.enable_grad():
            returned = self.evaluate()
            outputs = _floating_tensors(returned)
            if not outputs:
                msg = (
                    f"`cost` returned {type(returned).__name__}, from which autograd cannot go back; return the tensor "
                    "(without .item(), float() or .numpy()), or pass `grads`"
                )
                raise InvalidInputError(msg)
            total = torch.zeros((), dtype=torch.float64)
            for output, weight in zip(outputs, weigh([tuple(output.shape) for output in outputs]), strict=True):
                total = total + (output * torch.from_numpy(weight).to(output)).sum().to(total)
        if not total.requires_grad:
            zeros = np.zeros(self._layout.size)
            note = "the cost is detached from every parameter, so autograd's gradient counts as zero"
            return Gradient(zeros, tuple(dtype_name(tensor) for tensor in self._checked), (note,))
        return self._laid_out(torch.autograd.grad(total, self._checked, allow_unused=True))

    def _laid_out(self, grads: tuple[torch.Tensor | None, ...]) -> Gradient:
        d_theta = np.zeros(self._layout.size)
        dtypes, notes = [], []
        for parameter, grad in zip(self._layout.parameters, grads, strict=True):
            dtypes.append(parameter.dtype if grad is None else dtype_name(grad))
            if grad is None:
                notes.append(f"`{parameter.name}`: the cost does not reach it; autograd's None counts as zero")
                continue
            dense = grad if grad.layout is torch.strided else grad.to_dense()
            d_theta[parameter.range] = dense.detach().to(device="cpu", dtype=torch.float64).reshape(-1).numpy()
        return Gradient(d_theta, tuple(dtypes), tuple(notes))

    def changed_structure(self) -> str | None:
        present = {id(tensor) for _, tensor in named_tensors(trees.leaves(self._handed))}
        for name, tensor in zip(self._names, self._checked, strict=True):
            if id(tensor) not in present:
                return f"`{name}`"
        return None

    def close(self) -> None:
        self._state.restore()


def _outside_inference_mode() -> AbstractContextManager[object]:
    # Only where it is on: switching it off also switches gradient recording on, which is the caller's choice.
    return torch.inference_mode(False) if torch.is_inference_mode_enabled() else nullcontext()


def _floating_tensors(returned: object) -> list[torch.Tensor]:
    found = (leaf.value for leaf in trees.leaves(returned))
    return [value for value in found if isinstance(value, torch.Tensor) and value.is_floating_point()]
