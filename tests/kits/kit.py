"""A framework as the tests see it: how to make arrays and the few operations that a test's cost needs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kit:
    name: str
    array: Callable[..., Any]  # (values, dtype="float64") -> a parameter of the framework
    constant: Callable[..., Any]  # (values, dtype="float64") -> a tensor that is no parameter
    value: Callable[[Any], Any]  # a parameter's or a constant's values as a NumPy array
    sum: Callable[[Any], Any]
    sin: Callable[[Any], Any]
    tanh: Callable[[Any], Any]
    matmul: Callable[[Any, Any], Any]
    overwrite: Callable[[Any, float], Any] | None  # in place, behind automatic differentiation's back; None: immutable
    autodiff: bool = True
    half: tuple[str, ...] = ("float16", "bfloat16")
