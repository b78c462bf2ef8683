"""The theta/d_theta protocol: what a framework has to answer so that its gradients can be checked.

A `Backend` recognises its framework's objects and opens a `Problem`: one cost bound to working parameters, which
together are theta. The core changes theta, asks for the cost, and asks once for the framework's own gradient.
Each method's docstring states the law that it obeys.
"""

import abc
import contextlib
import enum
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, Self, final

import numpy as np
import numpy.typing as npt

from .layout import ComplexVector, FloatVector, Gradient, Layout

Entries = int | slice | npt.NDArray[np.intp]
"""Which entries of a parameter, counted in C order: one, a range, or several."""


@final
class Capability(enum.StrEnum):
    """What a backend declares that it can do beyond the five questions; the core never probes for it."""

    AUTODIFF = "autodiff"
    """`Problem.gradient` differentiates the cost itself, so `grads` may be left out."""
    FLOAT64 = "float64"
    """Parameters of lower precision can be evaluated in float64 (`Backend.open` with ``precision="float64"``)."""
    FORWARD = "forward"
    """`Problem.jvp` differentiates by forward mode."""
    HESSIAN = "hessian"
    """`Problem.hvp` differentiates twice."""
    COMPLEX_STEP = "complex step"
    """Real parameters can be held as complex numbers (`Backend.open` with ``precision="complex128"``)."""


class Problem(abc.ABC):
    """One cost bound to working parameters. Theta is the parameters' present values, and the core changes it.

    A problem is a context manager. When it closes, everything of the caller's is as it was, bit for bit: parameters,
    buffers, random state, training mode, stored gradients.
    """

    @property
    @abc.abstractmethod
    def layout(self) -> Layout:
        """Names, shapes and dtypes of theta's parameters.

        Law: the same for the same structure.
        """

    @abc.abstractmethod
    def read(self, parameter: int) -> FloatVector:
        """The present entries of one parameter, a float64 copy in C order. Law: reading changes nothing."""

    @abc.abstractmethod
    def write(self, parameter: int, entries: Entries, values: FloatVector | float) -> None:
        """Replace entries of one parameter.

        Laws: `read` then gives `values`, rounded to the evaluation's dtype; several threads may write different entries
        at a time, of one parameter or of several.
        """

    def write_complex(self, parameter: int, entries: Entries, values: ComplexVector | complex) -> None:
        """Replace entries by complex values; `read` gives their real parts.

        Asked only of a problem that was opened with ``precision="complex128"``, which takes `Capability.COMPLEX_STEP`.
        """
        raise undeclared(Capability.COMPLEX_STEP)

    @abc.abstractmethod
    def evaluate(self) -> object:
        """Call the user's cost at the present theta and return what it returned.

        Laws: the framework's own random state is the same before every call, so that the same theta gives the same J;
        the cost receives the user's own structure; theta is unchanged unless the cost itself changed it.
        """

    @abc.abstractmethod
    def gradient(self, weigh: "Weigh") -> Gradient:
        """The framework's own d_theta, at the present theta, of the weighted sum of what the cost returns.

        Laws: theta's order; of a complex entry x + iy the derivatives by x and by y, whatever the framework's own
        convention; a parameter that does not reach the cost has gradient zero, with a note; theta is unchanged
        afterwards. A backend without `Capability.AUTODIFF` is never asked.
        """

    def jvp(self, direction: FloatVector, weigh: "Weigh") -> float:
        """The derivative of the weighted sum along a direction of theta, shape ``(n,)``, by forward mode.

        Laws: ``jvp(v)`` is linear in v; theta is unchanged afterwards. A backend without `Capability.FORWARD` is never
        asked.
        """
        raise undeclared(Capability.FORWARD)

    def hvp(self, direction: FloatVector, weigh: "Weigh") -> Gradient:
        """The Hessian of the weighted sum times a direction of theta, shape ``(n,)``; laid out as a gradient is.

        Laws: ``u @ hvp(v) == v @ hvp(u)`` up to rounding; theta is unchanged afterwards. A backend without
        `Capability.HESSIAN` is never asked.
        """
        raise undeclared(Capability.HESSIAN)

    def batch(self, weigh: "Weigh", memory: int) -> "Batch | None":
        """A way to evaluate the weighted sum at many thetas at once, or None (default) where there is none.

        Parameters
        ----------
        weigh : callable
            As `gradient` takes it.
        memory : int
            Bytes that the thetas and all that is computed of them may take at a time, about.
        """
        return None

    @abc.abstractmethod
    def params(self) -> object:
        """The user's structure that the present theta means, e.g. for a gradient that the user wrote."""

    @abc.abstractmethod
    def changed_structure(self) -> str | None:
        """What the last call of the cost rebound in the structure it was handed, for a person, or None."""

    @abc.abstractmethod
    def close(self) -> None:
        """Give the caller's objects back as they were. Law: safe at any time, also after an interrupt."""

    @final
    def __enter__(self) -> Self:
        return self

    @final
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Batch(abc.ABC):
    """One open problem's cost at many thetas at once."""

    least: ClassVar[int] = 0
    """Numbers of theta from which a batch is worth what it takes to prepare; below, the core goes one by one."""

    @abc.abstractmethod
    def costs_at(self, parameter: int, entries: npt.NDArray[np.intp], values: FloatVector) -> FloatVector:
        """J with one entry of one parameter replaced at a time, the rest of theta at its present values.

        Laws: the answers are those of `Problem.write` and `Problem.evaluate` one by one, except for rounding, in any
        random state; theta is unchanged afterwards. It may raise anything if the cost cannot be batched: the core then
        goes one by one, as it does if the answers differ.
        """


Weigh = Callable[[Sequence[tuple[int, ...]]], Sequence[npt.NDArray[np.float64]]]
"""From the shapes of the cost's floating outputs to the weights, of those shapes, that contract them to J.

A complex output counts as a real one with a last axis of two, the real and the imaginary part.
"""


def undeclared(capability: Capability) -> AssertionError:
    """What a method of a capability raises where the capability is not declared."""
    return AssertionError(f"the core asks for what a backend declares, and this one does not declare {capability!r}")


Surroundings = Callable[[], contextlib.AbstractContextManager[object]]
"""What has to be entered for a cost to compute what it computes here."""


class Backend(abc.ABC):
    """One framework. Instances hold no state; a plugin's entry point names the class."""

    name: ClassVar[str]
    """The framework's import name, which is also the entry point's name."""
    capabilities: ClassVar[frozenset[Capability]]
    """What this backend can do beyond the five questions."""
    conjugates: ClassVar[bool] = False
    """Whether the framework's gradient by a complex z = x + iy is dJ/dx - i dJ/dy (JAX), not dJ/dx + i dJ/dy."""

    @abc.abstractmethod
    def owns(self, leaf: object) -> bool:
        """Whether an object is this framework's: a tensor, a variable, a module. Law: never raises, changes nothing.

        A backend whose tensors are another framework's (an automatic differentiation of NumPy's arrays) owns none of
        them, and is asked for by name.
        """

    @abc.abstractmethod
    def to_numpy(self, leaf: object) -> npt.NDArray[np.generic]:
        """A tensor of this framework as a NumPy array on the host; sparse ones dense. Law: the values are the same."""

    def dtype_of(self, leaf: object) -> str:
        """The name of a tensor's own dtype; to be overridden where `to_numpy` has to give another."""
        return self.to_numpy(leaf).dtype.name

    def surroundings(self) -> Surroundings:
        """The framework's run-time switches as they are now, if any change what a cost computes, for another process.

        A function that can be pickled; there the switches are set for as long as what it returns is entered.
        """
        return contextlib.nullcontext

    def reducers(self) -> Mapping[type, Callable[[Any], tuple[Any, ...]]]:
        """How the framework's objects that pickle cannot handle travel to other processes.

        By type, functions as `copyreg.pickle` takes them. Law: a tensor arrives with its values and its dtype.
        """
        return {}

    @abc.abstractmethod
    def open(
        self, cost: Callable[..., object], params: object, args: tuple[object, ...], precision: str, seed: int
    ) -> Problem:
        """Bind a cost to working parameters.

        Parameters
        ----------
        cost : callable
            The user's ``cost(params, *args)``.
        params : object
            The user's structure.
        args : tuple
            Further arguments, handed on; they are not perturbed.
        precision : {"native", "float64", "complex128"}
            In which precision theta is held and the cost evaluated; "float64" comes only to a backend that declares
            `Capability.FLOAT64`, "complex128" only to one that declares `Capability.COMPLEX_STEP`, and then every
            checked parameter is real and held as complex numbers with imaginary part zero.
        seed : int
            Of the framework's random state before every evaluation.

        Raises
        ------
        InvalidInputError
            If nothing in `params` can be checked, or a leaf cannot be (an array of objects), naming its path.
        """
