"""The operations of the corpus in PyTorch."""

import torch
from torch import (
    abs,
    cos,
    einsum,
    exp,
    expm1,
    flip,
    floor,
    log,
    log1p,
    matmul,
    maximum,
    minimum,
    relu,
    round,
    sigmoid,
    sign,
    sin,
    sqrt,
    tanh,
    where,
)
from torch.linalg import solve
from torch.nn.functional import softplus as _softplus

CONVOLUTIONS = {1: torch.nn.functional.conv1d, 2: torch.nn.functional.conv2d}


def compiled(cost):
    return cost


def autodiff(cost, params):
    tracked = {name: value.detach().requires_grad_() for name, value in params.items()}
    found = torch.autograd.grad(cost(tracked), list(tracked.values()), allow_unused=True)
    return {
        name: (torch.zeros_like(value) if grad is None else grad).numpy()
        for (name, value), grad in zip(tracked.items(), found, strict=True)
    }


def softplus(x):
    return _softplus(x, threshold=40)  # beyond it x itself, which is right to rounding only for thresholds above 37


def _all(x, axis):
    return tuple(range(x.ndim)) if axis is None else axis


def sum(x, axis=None, keepdims=False):
    return torch.sum(x, dim=_all(x, axis), keepdim=keepdims)


def mean(x, axis=None, keepdims=False):
    return torch.mean(x, dim=_all(x, axis), keepdim=keepdims)


def max(x, axis=None, keepdims=False):
    return torch.amax(x, dim=_all(x, axis), keepdim=keepdims)


def logsumexp(x, axis, keepdims=False):
    return torch.logsumexp(x, dim=axis, keepdim=keepdims)


def reshape(x, shape):
    return torch.reshape(x, shape)


def transpose(x, axes=None):
    return torch.permute(x, tuple(reversed(range(x.ndim))) if axes is None else axes)


def concatenate(arrays, axis=0):
    return torch.cat(tuple(arrays), dim=axis)


def stack(arrays, axis=0):
    return torch.stack(tuple(arrays), dim=axis)


def take(x, indices, axis):
    return torch.index_select(x, axis, torch.as_tensor(indices))


def pad(x, widths):
    flat = [width for pair in reversed(widths) for width in pair]
    return torch.nn.functional.pad(x, flat)


def logdet(a):
    return torch.linalg.slogdet(a)[1]


def float32(x):
    return x.to(torch.float32).to(x.dtype)


def conv(x, kernel, stride=1, padding=0, dilation=1):
    convolve = CONVOLUTIONS[kernel.ndim - 2]
    return convolve(x, kernel, stride=stride, padding=padding, dilation=dilation)
