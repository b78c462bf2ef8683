"""The PyTorch adapter."""

import warnings
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch.autograd import forward_ad

import gradcheck_keras
from gradcheck_core.protocol import (
    Backend,
    Batch,
    Capability,
    Carried,
    ComplexVector,
    Entries,
    FloatVector,
    Gradient,
    Layout,
    Problem,
    Surroundings,
    Weigh,
    trees,
)

from .contraction import sum_weighted
from .keras_models import find_held, lend_float64, read_from
from .state import ModuleState, default_dtype, exchange, outside_inference_mode
from .tensors import (
    as_real,
    dtype_name,
    explain_carried,
    is_torch,
    named_tensors,
    require_initialised_buffers,
    require_memory_of_their_own,
    take_copy,
    tensor_of,
)
from .vmapped import VmappedBatch
from .widening import TO_COMPLEX128, TO_FLOAT64, Widths, promote, widen


@final
class TorchBackend(Backend):
    """Modules, parameters and tensors, on whatever device they are."""

    name = "torch"
    capabilities = frozenset(
        {Capability.AUTODIFF, Capability.FLOAT64, Capability.FORWARD, Capability.HESSIAN, Capability.COMPLEX_STEP}
    )

    def owns(self, leaf: object) -> bool:
        return is_torch(leaf)

    def to_numpy(self, leaf: object) -> npt.NDArray[np.generic]:
        tensor = tensor_of(leaf)
        dense = tensor.detach() if tensor.layout is torch.strided else tensor.detach().to_dense()
        if dense.dtype is torch.complex32:
            dense = dense.to(torch.complex64)
        if dense.is_floating_point() and dense.dtype not in (torch.float16, torch.float32, torch.float64):
            dense = dense.float()  # bfloat16 and float8 are unknown to NumPy; float32 holds them exactly
        return dense.numpy(force=True)  # also of a conjugate or negated view, a zero tensor, or on another device

    def dtype_of(self, leaf: object) -> str:
        return dtype_name(tensor_of(leaf))  # bfloat16 too

    def surroundings(self) -> Surroundings:
        return partial(default_dtype, torch.get_default_dtype())

    def open(
        self, cost: Callable[..., object], params: object, args: tuple[object, ...], precision: str, seed: int
    ) -> Problem:
        own = dict(named_tensors(trees.leaves(params)))
        dtypes = {name: dtype_name(tensor) for name, tensor in own.items()}
        widths = _WIDTHS[precision]
        with ExitStack() as loans:
            if widths is TO_FLOAT64:
                lend_float64(loans, params)
            if any(tensor.dtype in widths for tensor in own.values()):
                cost, params = promote(cost, widths), widen(params, widths)
                # A complex step moves the parameters only: data stays real until it meets them.
                args = args if widths is TO_COMPLEX128 else tuple(widen(argument, widths) for argument in args)
            problem = _TorchProblem(cost, params, args, seed, dtypes)
            problem.loans = loans.pop_all()  # given back when the problem closes
        return problem


_WIDTHS: dict[str, Widths] = {"native": {}, "float64": TO_FLOAT64, "complex128": TO_COMPLEX128}


@final
class _TorchProblem(Problem):
    def __init__(
        self, cost: Callable[..., object], params: object, args: tuple[object, ...], seed: int, dtypes: dict[str, str]
    ) -> None:
        self.loans = ExitStack()
        self._cost = cost
        self._args = args
        given = trees.leaves(params)
        self._rebuild = trees.rebuilder(params)
        copies: dict[int, torch.Tensor] = {}
        with outside_inference_mode():
            self._leaves = [trees.Leaf(leaf.path, take_copy(leaf.value, copies)) for leaf in given]
        self._modules = [leaf.value for leaf in self._leaves if isinstance(leaf.value, torch.nn.Module)]
        self._keras = find_held(self._leaves)
        named = list(named_tensors(self._leaves))
        reasons = explain_carried(named)
        checked = [pair for pair, reason in zip(named, reasons, strict=True) if reason is None]
        require_memory_of_their_own(checked)
        require_initialised_buffers(self._modules)
        if not checked:
            gradcheck_keras.require_built(self._leaves, "torch")
        others = [Carried(leaf.name, type(leaf.value).__name__) for leaf in self._leaves if not is_torch(leaf.value)]
        tensors = [
            Carried(name, reason) for (name, _), reason in zip(named, reasons, strict=True) if reason is not None
        ]
        shapes = [(name, tuple(tensor.shape), dtypes[name]) for name, tensor in checked]
        self._layout = Layout.of(shapes, [*others, *tensors])
        self._checked = [tensor for _, tensor in checked]
        self._handed: object = None
        # Tensors that the caller can see are saved; the checked ones among them are restored at the end only.
        made = {id(copy) for copy in copies.values()}
        self._state = ModuleState(self._modules, [tensor for _, tensor in named if id(tensor) not in made], seed)
        for tensor in self._checked:
            if not tensor.requires_grad:
                tensor.requires_grad_(True)

    @property
    def layout(self) -> Layout:
        return self._layout

    def read(self, parameter: int) -> FloatVector:
        flat = self._real(parameter, self._checked[parameter].detach()).reshape(-1)
        return flat.to(device="cpu", dtype=torch.float64, copy=True).numpy()

    def write(self, parameter: int, entries: Entries, values: FloatVector | float) -> None:
        # `data` leaves autograd's version counters alone: a graph that the caller holds stays usable.
        data = self._checked[parameter].data
        parts = torch.view_as_real(data) if self._layout.parameters[parameter].is_complex else data
        _replace(parts, entries, values)

    def write_complex(self, parameter: int, entries: Entries, values: ComplexVector | complex) -> None:
        _replace(self._checked[parameter].data, entries, values)

    def _real(self, parameter: int, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor as a parameter's real numbers: both parts if the parameter is complex, otherwise the real part."""
        return as_real(tensor) if self._layout.parameters[parameter].is_complex else tensor.real

    def params(self) -> object:
        return self._rebuild(leaf.value for leaf in self._leaves)

    def evaluate(self) -> object:
        self._handed = self.params()
        return self._call(self._handed, {})

    def _call(self, structure: object, substitutes: dict[int, torch.Tensor]) -> object:
        self._state.prepare()
        with outside_inference_mode(), read_from(substitutes, self._keras):
            returned = self._cost(structure, *self._args)
        self._state.learn()
        return returned

    def gradient(self, weigh: Weigh) -> Gradient:
        cost = self._total(weigh)
        if not cost.requires_grad:
            note = "the cost is detached from every parameter, so autograd's gradient counts as zero"
            return replace(self._zeros(), notes=(note,))
        return self._lay_out(deque(torch.autograd.grad(cost, self._checked, allow_unused=True)))

    def jvp(self, direction: FloatVector, weigh: Weigh) -> float:
        with forward_ad.dual_level():
            duals = self._duals(direction)
            with exchange(self._modules, duals), outside_inference_mode(), torch.enable_grad():
                tangent = forward_ad.unpack_dual(sum_weighted(self._call(self._with(duals), duals), weigh)).tangent
        return 0.0 if tangent is None else float(tangent)

    def batch(self, weigh: Weigh, memory: int) -> Batch:
        def at(substitutes: dict[int, torch.Tensor]) -> torch.Tensor:
            with exchange(self._modules, substitutes), read_from(substitutes, self._keras):
                # in float64, as the core computes the sum of what one call returns
                return sum_weighted(self._cost(self._with(substitutes), *self._args), weigh, torch.float64)

        return VmappedBatch(at, self._checked, self._state, memory)

    def _with(self, substitutes: dict[int, torch.Tensor]) -> object:
        """The structure with other tensors, by the identity of its own."""
        return self._rebuild(substitutes.get(id(leaf.value), leaf.value) for leaf in self._leaves)

    def hvp(self, direction: FloatVector, weigh: Weigh) -> Gradient:
        cost = self._total(weigh)
        if not cost.requires_grad:
            return self._zeros()
        first = torch.autograd.grad(cost, self._checked, allow_unused=True, create_graph=True)
        along = [
            (as_real(grad) * as_real(tangent)).sum()
            for grad, tangent in zip(first, self._tangents(direction), strict=True)
            if grad is not None and grad.requires_grad
        ]
        if not along:  # a gradient that does not depend on the parameters: the cost is linear in them
            return self._zeros()
        second = torch.autograd.grad(torch.stack(along).sum(), self._checked, allow_unused=True)
        return replace(self._zeros(), d_theta=self._lay_out(deque(second)).d_theta)

    def _zeros(self) -> Gradient:
        return Gradient(np.zeros(self._layout.size), tuple(map(dtype_name, self._checked)))

    def _total(self, weigh: Weigh) -> torch.Tensor:
        """The weighted sum of what the cost returns, with its graph."""
        with outside_inference_mode(), torch.enable_grad():
            return sum_weighted(self.evaluate(), weigh)

    def _tangents(self, direction: FloatVector) -> list[torch.Tensor]:
        """A direction of theta as tensors like the checked ones."""
        values = self._layout.tensors(direction)
        return [torch.from_numpy(value).to(tensor) for value, tensor in zip(values, self._checked, strict=True)]

    def _duals(self, direction: FloatVector) -> dict[int, torch.Tensor]:
        """The checked tensors by their identity, with the direction as their tangent."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the first dual tensor imports what PyTorch deprecates
            return {
                id(tensor): forward_ad.make_dual(tensor.detach(), tangent)
                for tensor, tangent in zip(self._checked, self._tangents(direction), strict=True)
            }

    def _lay_out(self, grads: deque[torch.Tensor | None]) -> Gradient:
        # each is freed once it is laid out, since together they are as large as theta
        return Gradient.of(self._layout, (_on_host(grads.popleft()) for _ in range(len(grads))))

    def changed_structure(self) -> str | None:
        present = {id(tensor) for _, tensor in named_tensors(trees.leaves(self._handed))}
        pairs = zip(self._layout.parameters, self._checked, strict=True)
        return next((f"`{parameter.name}`" for parameter, tensor in pairs if id(tensor) not in present), None)

    def close(self) -> None:
        try:
            self._state.restore()
        finally:
            self.loans.close()


def _on_host(grad: torch.Tensor | None) -> tuple[npt.NDArray[Any], str] | None:
    """A gradient's values in double precision, and its own dtype."""
    if grad is None:
        return None
    dense = grad.detach() if grad.layout is torch.strided else grad.detach().to_dense()
    wide = dense.to(device="cpu", dtype=torch.complex128 if grad.is_complex() else torch.float64)
    return wide.numpy(force=True), dtype_name(grad)  # autograd may return a zero tensor, without memory


def _replace(data: torch.Tensor, entries: Entries, values: FloatVector | ComplexVector | complex) -> None:
    plain = data.device.type == "cpu" and data.is_contiguous() and not data.is_neg() and not data.is_conj()
    if plain and data.dtype in (torch.float64, torch.complex128):
        data.view(-1).numpy()[entries] = values  # the same memory, and NumPy takes a third of the time
        return
    new = torch.as_tensor(values, dtype=torch.complex128 if data.is_complex() else torch.float64).to(data)
    where = torch.from_numpy(entries).to(data.device) if isinstance(entries, np.ndarray) else entries
    if data.is_contiguous():
        data.view(-1)[where] = new
    elif isinstance(where, slice) and new.numel() == data.numel():
        data.copy_(new.view(data.shape))
    else:
        every = torch.arange(*where.indices(data.numel())) if isinstance(where, slice) else torch.as_tensor(where)
        data.index_put_(torch.unravel_index(every.to(data.device), data.shape), new)
