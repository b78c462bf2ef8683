"""PyTorch: modules and tensors in any nesting, with autograd.

Parameters (`torch.nn.Parameter`) are perturbed in place and given back, since a model's code finds them where they
are; plain tensors are held in copies. Buffers, training mode, stored gradients and random state are restored.
"""

from .backend import TorchBackend as TorchBackend

__all__ = ["TorchBackend"]
