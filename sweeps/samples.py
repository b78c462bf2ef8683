"""Rows of the operator tables: which operator, on which inputs, called how. No framework in here."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Spec = Callable[[np.random.Generator], Array]
"""One input: drawn, or fixed, when the case is built."""


def real(*shape: int) -> Spec:
    """Standard normal entries; two of them are equal, or one is on a kink at zero, with probability nought."""
    return lambda generator: generator.normal(size=shape)


def within(low: float, high: float, *shape: int) -> Spec:
    """Entries between two bounds, for operators with a domain."""
    return lambda generator: generator.uniform(low, high, size=shape)


def at(*values: Any) -> Spec:
    """Just these entries."""
    fixed = np.array(values[0] if len(values) == 1 and isinstance(values[0], list) else values, dtype=np.float64)
    return lambda generator: fixed


def scalar(value: float) -> Spec:
    """One number, without an axis."""
    return lambda generator: np.array(value)


def positive_definite(size: int, *batch: int) -> Spec:
    """A symmetric matrix with eigenvalues of about 1 to 6, well apart from one another."""
    return lambda generator: _symmetric(generator, np.linspace(1.0, 6.0, size), batch)


def symmetric(size: int, *batch: int) -> Spec:
    """A symmetric matrix with eigenvalues of both signs, well apart from one another."""
    return lambda generator: _symmetric(generator, np.linspace(-2.0, 2.5, size), batch)


def regular(size: int, *batch: int) -> Spec:
    """A square matrix far from singular."""
    return lambda generator: 3.0 * np.eye(size) + generator.uniform(-1.0, 1.0, size=(*batch, size, size))


def triangular(size: int, *batch: int) -> Spec:
    """A lower triangular matrix far from singular; what is above its diagonal is not read."""
    return lambda generator: np.tril(regular(size, *batch)(generator))


def probabilities(*shape: int) -> Spec:
    """Positive entries that sum to one along the last axis."""

    def draw(generator: np.random.Generator) -> Array:
        raw = generator.uniform(0.5, 1.5, size=shape)
        return np.asarray(raw / raw.sum(axis=-1, keepdims=True))

    return draw


def ascending(*shape: int) -> Spec:
    """Entries that grow along the last axis, at least 0.2 apart."""
    return lambda generator: np.cumsum(generator.uniform(0.2, 1.0, size=shape), axis=-1)


def _symmetric(generator: np.random.Generator, eigenvalues: Array, batch: Sequence[int]) -> Array:
    size = eigenvalues.size
    basis = np.linalg.qr(generator.normal(size=(*batch, size, size)))[0]
    product = basis * eigenvalues @ np.swapaxes(basis, -1, -2)
    return np.asarray((product + np.swapaxes(product, -1, -2)) / 2)


@final
@dataclass(frozen=True, slots=True)
class Sample:
    """One row.

    Attributes
    ----------
    operator : str
        The operator's public name, dotted.
    label : str
        What is particular about the inputs.
    inputs : tuple of Spec
        What is differentiated by.
    call : callable
        ``call(f, *inputs)`` with `f` the operator itself.
    compiled : bool
        Whether the framework's compiler may take it; an operator whose output shape depends on values may not.
    precision : str
        The dtype of the inputs; float64 unless the operator takes no such.
    variables : bool
        Whether the inputs are the framework's variables and not tensors.
    """

    operator: str
    label: str
    inputs: tuple[Spec, ...]
    call: Callable[..., Any]
    compiled: bool = True
    precision: str = "float64"
    variables: bool = False

    def arrays(self) -> list[npt.NDArray[Any]]:
        """The inputs; the same on every run and whatever other rows there are."""
        generator = np.random.default_rng(zlib.crc32(f"{self.operator} {self.label}".encode()))
        return [np.array(draw(generator), dtype=self.precision) for draw in self.inputs]


def op(
    operator: str,
    *inputs: Spec,
    label: str = "",
    call: Callable[..., Any] | None = None,
    compiled: bool = True,
    precision: str = "float64",
    variables: bool = False,
    **keywords: Any,
) -> Sample:
    """One row; `keywords` go to the operator, and so does anything that `call` makes of the inputs."""
    shown = ", ".join(f"{name}={_shown(value)}" for name, value in keywords.items())
    title = ", ".join(part for part in (label, shown) if part) or "smooth"
    if call is None:

        def call(f: Callable[..., Any], *arrays: Any) -> Any:
            return f(*arrays, **keywords)

    return Sample(operator, title, inputs, call, compiled, precision, variables)


def each(module: str, names: str, *inputs: Spec, **settings: Any) -> list[Sample]:
    """The same row for several operators of a module."""
    return [op(f"{module}.{name}", *inputs, **settings) for name in names.split()]


def one_by_one(module: str, names: str, values: Sequence[float], label: str) -> list[Sample]:
    """Functions of one argument at some places, a row for each: so that no place drowns another."""
    return [
        op(f"{module}.{name}", at(value), label=f"{label}: {value:.17g}") for name in names.split() for value in values
    ]


def _shown(value: Any) -> str:
    return value.__name__ if callable(value) else str(value)
