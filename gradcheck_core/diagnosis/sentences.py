"""The sentence of every diagnosis: what is wrong, and where to look in the code."""

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from ..report.words import safe

MOST_LISTED = 12
"""The order of at most this many slices is written out: more would fill the line."""

_MOST_RANGES = 5
"""At most this many ranges of indices are written out, for the same reason."""


@final
@dataclass(frozen=True, slots=True)
class Sentence:
    """The two halves of a sentence, which may have fields to fill, as in `str.format`."""

    what: str
    look: str

    def fill(self, **values: object) -> "Sentence":
        """Put values into the fields."""
        return Sentence(self.what.format(**values), self.look.format(**values))

    def about(self, name: str, shared: str = "") -> str:
        """The whole sentence about a parameter."""
        return f"`{safe(name)}`: {self.what}{shared}; {self.look}"


NOT_FINITE = Sentence(
    "the claimed gradient is {value}{more}",
    "look for a division by zero, the logarithm or root of zero, or an exponential that overflows in the backward pass",
)
ZERO = Sentence(
    "the claimed gradient is zero, but the cost depends on the parameter",
    "it may be detached from the cost, left out of the backward pass, or overwritten",
)
SIGN_FLIPPED = Sentence(
    "the claimed gradient has the wrong sign throughout",
    "look for a minus sign that is missing or should not be there, "
    "e.g. target - prediction instead of prediction - target",
)
TWICE = Sentence(
    "the claimed gradient is twice the numeric one",
    "look for a missing factor 1/2, a term added twice, or a mean of two differentiated as a sum",
)
HALF = Sentence(
    "the claimed gradient is half the numeric one",
    "look for the missing factor 2 of a square, a factor 1/2 that should not be there, "
    "or a sum of two differentiated as a mean",
)
WHOLE_MULTIPLE = Sentence(
    "the claimed gradient is {whole} times the numeric one",
    "if {whole} is the batch size or a length, a mean was differentiated as a sum",
)
WHOLE_PART = Sentence(
    "the claimed gradient is 1/{whole} of the numeric one",
    "if {whole} is the batch size or a length, a sum was differentiated as a mean, or a mean was taken twice",
)
ANY_FACTOR = Sentence(
    "the claimed gradient is {factor:.6g} times the numeric one in every entry",
    "look for a constant that is missing, applied twice, or inverted",
)
TRANSPOSED = Sentence(
    "the claimed gradient is the transpose of the numeric one{axes}",
    "look for a missing .T or a wrong order of axes where it is computed",
)
TRANSPOSED_AND_RESHAPED = Sentence(
    "the claimed gradient is the transpose of the numeric one, reshaped",
    "look for a reshape that should be a transpose, or for an array in Fortran order that is read in C order",
)
REVERSED = Sentence(
    "the claimed gradient is the numeric one reversed along {axes}",
    "look for a kernel that is flipped once too often or not at all (correlation instead of convolution), "
    "or for steps collected in the opposite order",
)
SHIFTED = Sentence(
    "the claimed gradient is the numeric one shifted by {by:+d} along axis {axis}",
    "look for an index that is off by {places}, such as a time step, a padding or the start of a slice",
)
PERMUTED = Sentence(
    "the claimed gradient has the slices of the numeric one along axis {axis} in another order{order}",
    "look for an index array, a sort or a reshape that the backward pass does not undo correctly",
)
SWAPPED = Sentence(
    "the claimed gradient is that of `{other}`{transposed}",
    "look at the order in which gradients are returned, or for a name that is used twice",
)
REDUCED = Sentence(
    "every entry of the claimed gradient is the {reduction} of the numeric one over {axes}",
    "look for a mean or sum over an axis that the cost does not reduce, broadcast back over it",
)
OFFSET = Sentence(
    "every entry is off by the same constant, {constant:+.4g}",
    "look for a constant that is added, or for a missing path through a mean",
)
OFFSET_BY_SLICE = Sentence(
    "the claimed gradient is off by one constant for each index of {axes}",
    "look for a missing path through a mean, as in a normalisation or a softmax, or for a broadcast term",
)
EXTRA_TERM = Sentence(
    "the claimed gradient has an extra {rate:.4g} times {term}",
    "look for {penalty} that is in the gradient but not in the cost",
)
MISSING_TERM = Sentence(
    "the claimed gradient lacks {rate:.4g} times {term}",
    "look for {penalty} that is in the cost but not in the gradient",
)
SINGLE_ENTRY = Sentence(
    "only entry {index} is wrong: claimed {claimed:.6g}, numeric {numeric:.6g}{times}",
    "look at what is special there: a boundary, an index, a mask, or an assignment that should be an addition",
)
ONLY_ENTRY = Sentence(
    "its only entry is wrong: claimed {claimed:.6g}, numeric {numeric:.6g}{times}",
    "write down its derivative and compare: a factor, a term or a sum may be missing or superfluous",
)
SOME_PLACES = Sentence(
    "wrong only {where}; the rest is right",
    "look at what is special there: a mask, a slice, a boundary, or a step that is left out",
)

ZERO_WITHIN = "zero"
SIGN_FLIPPED_WITHIN = "of the wrong sign"
SCALED_WITHIN = "{factor:.6g} times the numeric ones"
"""What the claimed entries in wrong places are, if they have something in common."""


def describe_sharing(kind: str, count: int) -> str:
    """Say that several parameters have the same mistake, between the halves of a sentence."""
    where = ", so look at the derivative of the loss" if kind in ("zero", "sign_flipped", "scaled") else ""
    return f" (the same in each of the {count} wrong parameters{where})"


def name_axes(axes: tuple[int, ...]) -> str:
    """Name some axes: "axis 0", "axes 1 and 2"."""
    return f"ax{'i' if len(axes) == 1 else 'e'}s {' and '.join(map(str, axes))}"


def name_entry(index: tuple[int, ...], parts: bool) -> str:
    """Name an entry by its index; the last axis of a complex parameter is its real and imaginary part."""
    return f"{list(index[:-1])}.{('real', 'imag')[index[-1]]}" if parts else str(list(index))


def name_slices(indices: npt.NDArray[np.intp], axis: int, axes: int) -> str:
    """Name slices along one of the tensor's axes: "in rows 0-3, 7"."""
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
