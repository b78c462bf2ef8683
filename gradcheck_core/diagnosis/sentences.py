"""What the report says of each mistake: the sentence of a diagnosis, in two halves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from ..report.words import safe

_MOST_LISTED = 12
"""The order of at most this many slices is written out; more would fill the line."""

_MOST_RANGES = 5
"""At most this many ranges of indices are written out, for the same reason."""


@final
@dataclass(frozen=True, slots=True)
class Sentence:
    """A mistake in words.

    Attributes
    ----------
    what : str
        What is wrong: "the claimed gradient is the transpose of the numeric one".
    look : str
        Where to look in the code.
    """

    what: str
    look: str

    def about(self, name: str, shared: str = "") -> str:
        """The whole sentence about a parameter."""
        return f"`{safe(name)}`: {self.what}{shared}; {self.look}"


ZERO = Sentence(
    "the claimed gradient is zero, but the cost depends on the parameter",
    "it may be detached from the cost, left out of the backward pass, or overwritten",
)

SIGN_FLIPPED = Sentence(
    "the claimed gradient has the wrong sign throughout",
    "look for a minus sign that is missing or should not be there, "
    "e.g. target - prediction instead of prediction - target",
)

TRANSPOSED_AND_RESHAPED = Sentence(
    "the claimed gradient is the transpose of the numeric one, reshaped",
    "look for a reshape that should be a transpose, or for an array in Fortran order that is read in C order",
)


def describe_whole_factor(whole: int, too_large: bool) -> Sentence:
    """A claim that is a whole number times the numeric gradient, or that number times smaller."""
    if whole == 2 and too_large:
        return Sentence(
            "the claimed gradient is twice the numeric one",
            "look for a missing factor 1/2, a term added twice, or a mean of two differentiated as a sum",
        )
    if whole == 2:
        return Sentence(
            "the claimed gradient is half the numeric one",
            "look for the missing factor 2 of a square, a factor 1/2 that should not be there, "
            "or a sum of two differentiated as a mean",
        )
    times = f"{whole} times" if too_large else f"1/{whole} of"
    cause = (
        "a mean was differentiated as a sum"
        if too_large
        else "a sum was differentiated as a mean, or a mean was taken twice"
    )
    return Sentence(
        f"the claimed gradient is {times} the numeric one", f"if {whole} is the batch size or a length, {cause}"
    )


def describe_factor(factor: float) -> Sentence:
    """A claim that is the numeric gradient times any number."""
    return Sentence(
        f"the claimed gradient is {factor:.6g} times the numeric one in every entry",
        "look for a constant that is missing, applied twice, or inverted",
    )


def describe_transpose(order: tuple[int, ...]) -> Sentence:
    """A claim with its axes in this order."""
    axes = "" if len(order) == 2 else f" with axes in the order {order}"
    return Sentence(
        f"the claimed gradient is the transpose of the numeric one{axes}",
        "look for a missing .T or a wrong order of axes where it is computed",
    )


def describe_reversal(axes: tuple[int, ...]) -> Sentence:
    """A claim that runs backwards along some axes."""
    return Sentence(
        f"the claimed gradient is the numeric one reversed along {_name_axes(axes)}",
        "look for a kernel that is flipped once too often or not at all (correlation instead of convolution), "
        "or for steps collected in the opposite order",
    )


def describe_shift(by: int, axis: int) -> Sentence:
    """A claim with its entries some places further along an axis."""
    return Sentence(
        f"the claimed gradient is the numeric one shifted by {by:+d} along axis {axis}",
        f"look for an index that is off by {abs(by)}, such as a time step, a padding or the start of a slice",
    )


def describe_permutation(order: npt.NDArray[np.intp], axis: int) -> Sentence:
    """A claim with its slices along an axis in another order."""
    listed = f": {order.tolist()}" if len(order) <= _MOST_LISTED else ""
    return Sentence(
        f"the claimed gradient has the slices of the numeric one along axis {axis} in another order{listed}",
        "look for an index array, a sort or a reshape that the backward pass does not undo correctly",
    )


def describe_swap(other: str, transposed: bool) -> Sentence:
    """A claim that is another parameter's gradient."""
    return Sentence(
        f"the claimed gradient is that of `{safe(other)}`{', transposed' if transposed else ''}",
        "look at the order in which gradients are returned, or for a name that is used twice",
    )


def describe_reduction(name: str, axes: tuple[int, ...]) -> Sentence:
    """A claim that is a mean or a sum over some axes in every entry."""
    return Sentence(
        f"every entry of the claimed gradient is the {name} of the numeric one over {_name_axes(axes)}",
        "look for a mean or sum over an axis that the cost does not reduce, broadcast back over it",
    )


def describe_offset(constant: float) -> Sentence:
    """A claim that is off by one constant."""
    return Sentence(
        f"every entry is off by the same constant, {constant:+.4g}",
        "look for a constant that is added, or for a missing path through a mean",
    )


def describe_offsets(kept: Sequence[int]) -> Sentence:
    """A claim that is off by a constant for each index of some axes."""
    along = " and ".join(f"axis {axis}" for axis in kept)
    return Sentence(
        f"the claimed gradient is off by one constant for each index of {along}",
        "look for a missing path through a mean, as in a normalisation or a softmax, or for a broadcast term",
    )


def describe_weight_decay(rate: float) -> Sentence:
    """A claim that has a multiple of the parameter in excess, or lacks it."""
    return _describe_term(rate, "the parameter itself", "weight decay (an L2 penalty)")


def describe_l1(rate: float) -> Sentence:
    """A claim that has a multiple of the parameter's signs in excess, or lacks it."""
    return _describe_term(rate, "the signs of the parameter", "an L1 penalty")


def _describe_term(rate: float, term: str, name: str) -> Sentence:
    much, where = (
        ("has an extra", "in the gradient but not in the cost")
        if rate > 0
        else ("lacks", "in the cost but not in the gradient")
    )
    return Sentence(f"the claimed gradient {much} {abs(rate):.4g} times {term}", f"look for {name} that is {where}")


def describe_entry(claimed: float, numeric: float, index: str | None) -> Sentence:
    """One wrong entry; an index of None means that the parameter has no other."""
    ratio = f" ({claimed / numeric:.6g} times)" if numeric and claimed else ""
    numbers = f"claimed {claimed:.6g}, numeric {numeric:.6g}{ratio}"
    if index is None:
        return Sentence(
            f"its only entry is wrong: {numbers}",
            "write down its derivative and compare: a factor, a term or a sum may be missing or superfluous",
        )
    return Sentence(
        f"only entry {index} is wrong: {numbers}",
        "look at what is special there: a boundary, an index, a mask, or an assignment that should be an addition",
    )


def describe_places(where: str) -> Sentence:
    """Some wrong places among right ones."""
    return Sentence(
        f"wrong only {where}; the rest is right",
        "look at what is special there: a mask, a slice, a boundary, or a step that is left out",
    )


def describe_sharing(kind: str, count: int) -> str:
    """That several parameters have the same mistake, to be put between the halves of a sentence."""
    where = ", so look at the derivative of the loss" if kind in ("zero", "sign_flipped", "scaled") else ""
    return f" (the same in all {count} wrong parameters{where})"


def name_entry(index: tuple[int, ...], parts: bool) -> str:
    """An index as the report shows it; the last axis of a complex parameter is its real and imaginary part."""
    return f"{list(index[:-1])}.{('real', 'imag')[index[-1]]}" if parts else str(list(index))


def name_slices(indices: npt.NDArray[np.intp], axis: int, axes: int) -> str:
    """Some slices along one of the tensor's axes: "in rows 0-3, 7"."""
    ranges = _name_ranges(indices)
    if axes > 2:
        return f"at {ranges} of axis {axis}"
    one, several = {1: (("entry", "entries"),), 2: (("row", "rows"), ("column", "columns"))}[axes][axis]
    return f"in {several if indices.size > 1 else one} {ranges}"


def _name_ranges(indices: npt.NDArray[np.intp]) -> str:
    starts = np.flatnonzero(np.diff(indices, prepend=indices[0] - 2) != 1)
    runs = [(int(run[0]), int(run[-1])) for run in np.split(indices, starts[1:])]
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in runs[:_MOST_RANGES]]
    more = len(runs) - _MOST_RANGES
    return ", ".join(shown) + (f" and {more} more ranges" if more > 0 else "")


def _name_axes(axes: tuple[int, ...]) -> str:
    return f"ax{'i' if len(axes) == 1 else 'e'}s {' and '.join(map(str, axes))}"
