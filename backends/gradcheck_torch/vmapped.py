"""The cost at many thetas at once: `torch.func.vmap` over one parameter, everything else computed once."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gradcheck_core.protocol import Batch, FloatVector
from gradcheck_core.protocol.chunks import choose_count, piece_by_piece

from .state import ModuleState, outside_inference_mode

_AT_A_TIME = 2**25
"""Bytes that are worked on at a time, 32 MiB: with less, more time goes into starting batches; more, which no longer
fits a processor's cache, saves nothing and takes memory."""

_NOT_IMPLEMENTED = "There is a performance drop because we have not yet implemented the batching rule"

Total = Callable[[dict[int, torch.Tensor]], torch.Tensor]


@final
class VmappedBatch(Batch):
    """An open problem's cost, vectorised over one parameter at a time.

    Buffers that the cost changes, such as running averages, are batched as well, so that the caller's are not written
    to. Gradients are not recorded unless the cost raises without. `total` takes tensors by the identity of those that
    they replace, and gives the weighted sum, a float64 scalar.
    """

    def __init__(self, total: Total, checked: Sequence[torch.Tensor], state: ModuleState, memory: int) -> None:
        self._total = total
        self._checked = checked
        self._state = state
        self._memory = memory
        self._recording: Callable[[], AbstractContextManager[object]] | None = None
        self._bytes: int | None = None
        self._copies: tuple[int, torch.Tensor] | None = None

    def costs_at(self, parameter: int, entries: npt.NDArray[np.intp], values: FloatVector) -> FloatVector:
        def count() -> int:
            return choose_count(self._bytes, self._checked[parameter].nbytes, _AT_A_TIME, self._memory)

        with warnings.catch_warnings(), outside_inference_mode():
            warnings.filterwarnings("ignore", _NOT_IMPLEMENTED)
            return piece_by_piece(partial(self._costs, parameter), entries, values, count)

    def _costs(self, parameter: int, entries: npt.NDArray[np.intp], values: FloatVector) -> FloatVector:
        thetas = self._thetas(parameter, len(entries))
        tensor = self._checked[parameter]
        numbers = torch.view_as_real(thetas) if tensor.is_complex() else thetas
        rows = numbers.view(len(entries), -1)
        where = (torch.arange(len(entries), device=tensor.device), torch.from_numpy(entries).to(tensor.device))
        present = rows[where]
        rows[where] = torch.from_numpy(values).to(rows)
        try:
            return self._evaluate(tensor, thetas)
        finally:
            rows[where] = present
            self._state.prepare()

    def _thetas(self, parameter: int, count: int) -> torch.Tensor:
        """Copies of a parameter, kept for the batches to come: as long as it is the same nothing is copied again."""
        if self._copies is not None and self._copies[0] == parameter and len(self._copies[1]) >= count:
            copies = self._copies[1]
            if torch.equal(copies[0], self._checked[parameter]):
                return copies[:count]
        self._copies = None  # given back before others are made
        self._copies = (parameter, _repeat(self._checked[parameter], count))
        return self._copies[1]

    def _evaluate(self, tensor: torch.Tensor, thetas: torch.Tensor) -> FloatVector:
        if self._recording is not None:
            with self._recording():
                return self._vectorise(tensor, thetas)
        try:
            return self._learn(tensor, thetas, torch.no_grad)
        except Exception:
            # A cost may differentiate itself; and some modules take a path of their own where nothing is recorded.
            return self._learn(tensor, thetas, torch.enable_grad)

    def _learn(
        self, tensor: torch.Tensor, thetas: torch.Tensor, recording: Callable[[], AbstractContextManager[object]]
    ) -> FloatVector:
        with recording(), _Allocations() as made:
            costs = self._vectorise(tensor, thetas)
        self._recording, self._bytes = recording, made.bytes
        return costs

    def _vectorise(self, tensor: torch.Tensor, thetas: torch.Tensor) -> FloatVector:
        self._state.prepare()
        buffers = self._state.changing_buffers
        replaced = [id(original) for original in (tensor, *buffers)]

        def total(*replacing: torch.Tensor) -> torch.Tensor:
            return self._total(dict(zip(replaced, replacing, strict=True)))

        batched = (_repeat(buffer, len(thetas)) for buffer in buffers)
        costs: torch.Tensor = torch.func.vmap(total, randomness="same")(thetas, *batched)
        return costs.detach().numpy()


def _repeat(tensor: torch.Tensor, count: int) -> torch.Tensor:
    return tensor.detach().repeat(count, *(1 for _ in tensor.shape))


@final
class _Allocations(TorchDispatchMode):
    """Counts the bytes of the tensors that are made, and leaves out views of others."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # PyTorch would import its compiler, which takes a second, to keep it from tracing this

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        returned = function(*args, **(kwargs or {}))
        for value in returned if isinstance(returned, tuple | list) else (returned,):
            if isinstance(value, torch.Tensor) and value._base is None:
                self.bytes += value.nbytes
        return returned
