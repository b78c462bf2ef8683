"""PyTorch's own samples of its operators: `op_db`, from which its tests of autograd are made."""

import random
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import OpInfo, SampleInput

from gradcheck_core import GradientCase
from gradcheck_core.protocol import trees
from harness import Case
from torch_parts import part_of

SOURCE = (
    "These are all operators of PyTorch's operator database "
    "(`torch.testing._internal.common_methods_invocations.op_db`) that support autograd in float64, on the database's "
    "own samples. The check covers every tensor of a sample that requires a gradient, and every floating output "
    "except those that PyTorch declares to have no derivative, such as the saved statistics of `native_layer_norm`. "
    "In-place variants are left out. In samples with more than 2,000 entries, some entries of each tensor, evenly "
    "spread, are checked and the rest are held fixed."
)
DISTRIBUTIONS = ("torch", "numpy")

LEFT_OUT: dict[str, str] = {}


def gaps() -> list[str]:
    """Nothing: the database itself says which operators there are."""
    return []


_MOST_ENTRIES = 2_000
"""Entries of a sample that are all checked, at two evaluations each."""

_SPREAD = 200
"""Entries of each tensor that are checked in a larger sample, evenly spread; the rest are held."""

_HUGE = 100_000
"""Entries of a sample that is left out: one evaluation of it takes as long as whole checks of others."""


def cases() -> Iterator[Case]:
    """Every sample of every operator that autograd supports."""
    for operator in op_db:
        if operator.supports_autograd and torch.float64 in operator.dtypes:
            yield from cases_of(operator)


def name_of(operator: OpInfo) -> str:
    """The operator's name, with that of the variant that the database tests beside others."""
    return f"{operator.name}.{operator.variant_test_name}" if operator.variant_test_name else operator.name


def cases_of(operator: OpInfo) -> Iterator[Case]:
    """Every sample of one operator."""
    name = name_of(operator)
    for position, sample in enumerate(_samples(operator)):
        label = f"{position}: {_described(sample)}"
        yield Case(
            name, label, partial(_gradient_case, operator, sample), _left_out(operator, sample), _in_part(sample)
        )


def _samples(operator: OpInfo) -> list[SampleInput]:
    """The samples, the same in every run and whichever operators are asked for."""
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)
    return list(operator.sample_inputs("cpu", torch.float64, requires_grad=True))


def _arguments(sample: SampleInput) -> dict[str, object]:
    return {"input": sample.input, "args": sample.args, "kwargs": sample.kwargs}


def _leaves(sample: SampleInput) -> list[trees.Leaf]:
    return trees.leaves(_arguments(sample))


def _checked(sample: SampleInput) -> dict[str, torch.Tensor]:
    """The tensors that the sample is to be differentiated by."""
    return {
        leaf.name: leaf.value
        for leaf in _leaves(sample)
        if isinstance(leaf.value, torch.Tensor) and leaf.value.requires_grad
    }


def _size(sample: SampleInput) -> int:
    return sum(tensor.numel() for tensor in _checked(sample).values())


def _left_out(operator: OpInfo, sample: SampleInput) -> str:
    if _size(sample) > _HUGE:
        return f"more than {_HUGE:,} entries"
    if not any(part_of(tensor).values.numel() for tensor in _checked(sample).values()):
        return "nothing to differentiate by"
    return "nothing comes out: the output is empty" if _comes_out_empty(operator, sample) else ""


def _comes_out_empty(operator: OpInfo, sample: SampleInput) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # e.g. of deprecated operators
            outputs = _cost(operator, sample)({})
    except Exception:  # the check of the case will say which
        return False
    return not any(leaf.value.numel() for leaf in trees.leaves(outputs) if isinstance(leaf.value, torch.Tensor))


def _gradient_case(operator: OpInfo, sample: SampleInput) -> GradientCase:
    cost = _cost(operator, sample)
    parts = {name: part_of(tensor, _spread(sample)) for name, tensor in _checked(sample).items()}
    return GradientCase(
        lambda params: cost({name: part.rebuilt(params[name]) for name, part in parts.items()}),
        {name: part.values for name, part in parts.items()},
    )


def _spread(sample: SampleInput) -> int | None:
    return _SPREAD if _size(sample) > _MOST_ENTRIES else None


def _in_part(sample: SampleInput) -> str:
    if _spread(sample) is not None:
        return f"{_SPREAD} entries of each tensor"
    if any(tensor.layout is not torch.strided for tensor in _checked(sample).values()):
        return "the stored entries of a sparse tensor"
    finite = all(bool(tensor.isfinite().all()) for tensor in _checked(sample).values())
    return "" if finite else "the finite entries of a tensor that holds NaN or infinity"


def _cost(operator: OpInfo, sample: SampleInput) -> Callable[[dict[str, torch.Tensor]], object]:
    leaves = _leaves(sample)
    rebuild = trees.rebuilder(_arguments(sample))

    def cost(params: dict[str, torch.Tensor]) -> object:
        arguments: Any = rebuild(params.get(leaf.name, leaf.value) for leaf in leaves)
        # Some operators' inputs are made symmetric, triangular or masked by this, as in PyTorch's own tests.
        output = operator.gradcheck_wrapper(operator.op, arguments["input"], *arguments["args"], **arguments["kwargs"])
        return _differentiable(sample.output_process_fn_grad(output))

    return cost


def _differentiable(outputs: object) -> object:
    """Without the outputs that PyTorch declares to have no derivative, e.g. statistics for the backward pass."""
    tensors = [leaf.value for leaf in trees.leaves(outputs) if isinstance(leaf.value, torch.Tensor)]
    return [tensor for tensor in tensors if tensor.requires_grad] or outputs


_LONGEST_LABEL = 160
"""Characters; the position tells the samples apart, the rest is for a person."""


def _described(sample: SampleInput) -> str:
    """Shapes of the tensors and the other arguments, as a person would tell the sample."""
    positional = [_short(value) for value in (sample.input, *sample.args)]
    named = [f"{name}={_short(value)}" for name, value in sample.kwargs.items()]
    return ", ".join(positional + named)[:_LONGEST_LABEL]


def _short(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"({', '.join(_short(item) for item in value)})"
    if not isinstance(value, torch.Tensor):
        return repr(value)
    return f"{list(value.shape)}" if value.dtype is torch.float64 else f"{list(value.shape)} {value.dtype}"
