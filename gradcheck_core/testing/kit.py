"""A framework as a test sees it: how to make its tensors, and the few operations that a small model needs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, final

from gradcheck_core.protocol import registry
from gradcheck_core.protocol.backend import Backend, Capability
from gradcheck_core.protocol.causes import Alteration


@final
@dataclass(frozen=True)
class Kit:
    """What the conformance suite is told about a framework.

    Tensors are the framework's own throughout, and take part in its automatic differentiation. They know ``+``, ``-``,
    ``*``, ``/`` and ``**`` among each other, with Python numbers, and broadcast as NumPy's do; complex ones know
    ``abs()``. `sum`, `sin`, `tanh` and `matmul` are called only inside a cost.

    Attributes
    ----------
    name : str
        Of the backend.
    array : callable
        ``array(values, dtype="float64")``: a parameter, or whatever the framework differentiates by, of nested lists or
        a NumPy array of any shape, ``()`` and ``(0, 3)`` among them. The dtype is float64, int32 or one of `dtypes`.
    constant : callable
        ``constant(values, dtype="float64")``: a tensor that is not a parameter.
    value : callable
        The values of a parameter or a constant as a NumPy array, of whatever real floating dtype.
    sum : callable
        Of all entries of a tensor, a tensor of shape ``()``.
    sin : callable
        Of every entry. The suite takes it of complex entries only: not every framework computes it to float64's
        precision.
    tanh : callable
        Of every entry.
    matmul : callable
        The product of two matrices, ``(k, m)`` and ``(m, n)``.
    overwrite : callable or None
        ``overwrite(array, number)``: every entry of a parameter in place, behind automatic differentiation's back. None
        where tensors are immutable.
    draw : callable or None
        ``draw()``: a random number from the framework's own global generator, a tensor of shape ``()``. None (default)
        where it has no such generator.
    gelu : callable or None
        Its GELU of every entry, exact or by the tanh approximation; `alterations` has to give the other one. None
        (default) for a backend without alterations.
    dtypes : tuple of str
        The floating dtypes there are beside float64, by NumPy's names (default: those that NumPy has, and bfloat16).
    alterations : callable or None
        The function that the backend registers in ``gradcheck.causes``: from an open problem to its alterations. None
        (default) where it registers none.
    """

    name: str
    array: Callable[..., Any]
    constant: Callable[..., Any]
    value: Callable[[Any], Any]
    sum: Callable[[Any], Any]
    sin: Callable[[Any], Any]
    tanh: Callable[[Any], Any]
    matmul: Callable[[Any, Any], Any]
    overwrite: Callable[[Any, float], Any] | None
    draw: Callable[[], Any] | None = None
    gelu: Callable[[Any], Any] | None = None
    dtypes: tuple[str, ...] = ("float32", "float16", "bfloat16", "complex64", "complex128")
    alterations: Callable[[Any], Iterable[Alteration]] | None = None

    @property
    def backend(self) -> Backend:
        """The backend of this name, as a check finds it."""
        return registry.load_backend(self.name)

    def declares(self, capability: Capability) -> bool:
        """Whether the backend declares a capability."""
        return capability in self.backend.capabilities
