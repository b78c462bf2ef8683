"""The caller's PyTorch state that a cost can change, besides the tensors it is handed."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, final

import torch


@final
class ModuleState:
    """Saves the caller's state; sets it back before each evaluation, as far as the cost changes it, and at the end.

    Buffers are compared by value, not by version: native kernels such as batch norm's update their running averages
    without counting a version.
    """

    def __init__(self, modules: Iterable[torch.nn.Module], tensors: Iterable[torch.Tensor], seed: int) -> None:
        submodules = {id(sub): sub for module in modules for sub in module.modules()}.values()
        self._modes = [(sub, sub.training) for sub in submodules]
        self._registered = [
            (registry, dict(registry))
            for sub in submodules
            for registry in (sub._parameters, sub._buffers, sub._modules)  # no public accessor lets one put them back
        ]
        self._buffers = [
            (sub, name, buffer, buffer.detach().clone())
            for sub in submodules
            for name, buffer in sub._buffers.items()
            if buffer is not None
        ]
        self._tensors = [(tensor, tensor.detach().clone(), tensor.requires_grad) for tensor in tensors]
        self._grads = [
            (tensor, tensor.grad, None if tensor.grad is None else tensor.grad.clone())
            for tensor, _, _ in self._tensors
        ]
        self._volatile = self._buffers
        self._learnt = False
        self._random = ExitStack()
        devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
        self._random.enter_context(torch.random.fork_rng(devices=devices))
        self._seed = seed
        self._fixed = torch.Generator().manual_seed(seed).get_state()

    def prepare(self) -> None:
        """Before an evaluation, set the random state, training mode and changing buffers to what they were at first."""
        torch.set_rng_state(self._fixed)
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(self._seed)
        for module, mode in self._modes:
            if module.training is not mode:
                module.training = mode
        for module, name, buffer, saved in self._volatile:
            module._buffers[name] = buffer
            buffer.data.copy_(saved)

    @property
    def changing_buffers(self) -> list[torch.Tensor]:
        """The buffers that the cost changes."""
        return [buffer for _, _, buffer, _ in self._volatile]

    def learn(self) -> None:
        """After the first evaluation, note which buffers it changed: only these are set back from then on."""
        if self._learnt:
            return
        self._learnt = True
        self._volatile = [
            (module, name, buffer, saved)
            for module, name, buffer, saved in self._buffers
            if module._buffers[name] is not buffer or not torch.equal(buffer, saved)
        ]

    def restore(self) -> None:
        """Give everything back as the caller had it, bit for bit."""
        self._volatile = self._buffers
        self.prepare()
        for registry, items in self._registered:
            if [(name, id(item)) for name, item in registry.items()] != [(n, id(item)) for n, item in items.items()]:
                registry.clear()
                registry.update(items)
        for tensor, saved, requires_grad in self._tensors:
            tensor.data.copy_(saved)
            tensor.requires_grad_(requires_grad)
        for tensor, grad, saved in self._grads:
            tensor.grad = grad
            if grad is None or saved is None:
                continue
            with torch.no_grad():
                # `data` of a sparse tensor is another tensor, and only that one would get the new indices.
                (grad.data if grad.layout is torch.strided else grad).copy_(saved)
        self._random.close()


@contextmanager
def exchange(modules: Iterable[torch.nn.Module], substitutes: Mapping[int, torch.Tensor]) -> Iterator[None]:
    """Let modules have other tensors in place of their own, by the identity of these."""
    submodules = [sub for module in modules for sub in module.modules()]
    replaced: list[tuple[Any, Any, torch.Tensor | None]] = []
    # Recurrent modules keep a second list of their weights.
    weights = [sub._flat_weights for sub in submodules if isinstance(sub, torch.nn.RNNBase)]
    try:
        for registry in [held for sub in submodules for held in (sub._parameters, sub._buffers)] + weights:
            items = registry.items() if isinstance(registry, dict) else enumerate(registry)
            for key, tensor in list(items):
                if id(tensor) in substitutes:
                    replaced.append((registry, key, tensor))
                    registry[key] = substitutes[id(tensor)]
        yield
    finally:
        for registry, key, tensor in replaced:
            registry[key] = tensor


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Let PyTorch make floating tensors of this dtype unless another is named."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def outside_inference_mode() -> AbstractContextManager[object]:
    """A context in which new tensors can be differentiated."""
    # Only if the mode is on: leaving it also switches gradient recording on, which is the caller's choice.
    return torch.inference_mode(False) if torch.is_inference_mode_enabled() else nullcontext()
