"""PyTorch's own samples of its operators: `op_db`, from which its tests of autograd are made."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import OpInfo, SampleInput

from gradcheck_core import GradientCase, trees
from harness import Case

SOURCE = (
    "Every operator of PyTorch's operator database (`torch.testing._internal.common_methods_invocations.op_db`) that "
    "supports autograd in float64, on the database's own samples. What is checked is every tensor of a sample that "
    "requires a gradient, and every floating output; in-place variants are not part of it."
)
DISTRIBUTIONS = ("torch", "numpy")

LEFT_OUT: dict[str, str] = {}


def gaps() -> list[str]:
    """Nothing: the database itself says which operators there are."""
    return []


_MOST_ENTRIES = 2_000
"""Entries of theta; a sample with more costs thousands of evaluations and shows nothing that a smaller one does not."""


def cases() -> Iterator[Case]:
    """Every sample of every operator that autograd supports."""
    for operator in op_db:
        if operator.supports_autograd and torch.float64 in operator.dtypes:
            yield from _cases_of(operator)


def _cases_of(operator: OpInfo) -> Iterator[Case]:
    name = f"{operator.name}.{operator.variant_test_name}" if operator.variant_test_name else operator.name
    for position, sample in enumerate(_samples(operator)):
        label = f"{position}: {_described(sample)}"
        yield Case(name, label, partial(_gradient_case, operator, sample), _left_out(sample))


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


def _is_checked(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.requires_grad


def _left_out(sample: SampleInput) -> str:
    sizes = [leaf.value.numel() for leaf in _leaves(sample) if _is_checked(leaf.value)]
    if sum(sizes) > _MOST_ENTRIES:
        return f"more than {_MOST_ENTRIES:,} entries"
    return "" if any(sizes) else "nothing to differentiate by"


def _gradient_case(operator: OpInfo, sample: SampleInput) -> GradientCase:
    params = {leaf.name: leaf.value for leaf in _leaves(sample) if _is_checked(leaf.value)}
    return GradientCase(_cost(operator, sample), params)


def _cost(operator: OpInfo, sample: SampleInput) -> Callable[[dict[str, torch.Tensor]], object]:
    leaves = _leaves(sample)
    rebuild = trees.rebuilder(_arguments(sample))

    def cost(params: dict[str, torch.Tensor]) -> object:
        arguments: Any = rebuild(params.get(leaf.name, leaf.value) for leaf in leaves)
        # Some operators' inputs are made symmetric, triangular or masked by this, as in PyTorch's own tests.
        output = operator.gradcheck_wrapper(operator.op, arguments["input"], *arguments["args"], **arguments["kwargs"])
        return sample.output_process_fn_grad(output)

    return cost


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
