"""Causes that the numbers of both sides show without another evaluation."""

import math
from collections.abc import Callable

import numpy as np

from ...numerics.norms import norm
from ...protocol.outputs import roundoff_of
from ...report.verdict import CANCELLING
from ...report.words import say_count
from ..entries import Array
from ..parity.carrying import CarriedSide
from ..parity.pairing import Difference, find_changed, flatten, total_size
from ..parity.rows import LikelyCause
from ..parity.side import Side
from .moves import list_moves

_SAME = 1e-7
"""Relative, between the factors of costs and gradients, on top of rounding: frameworks keep constants in float32."""

_FAR_FROM_ONE = 10.0
"""Times what may be rounding: a factor that far from 1 is not 1."""

_OF_THE_COSTS = 1e-6
"""The gradients' difference over the costs', at most, if only a constant was added: frameworks round theirs."""

_NEAR = 0.01
"""A factor this near to a whole number is that number."""

_FEW = 0.5
"""Share of a parameter's entries: if fewer differ, it was carried over and then changed."""

_COARSE = 2.0**-14
"""Noise over the cost: computation in float32 or better has less, so a coarser one takes place inside."""


def explain_values(reference: Side, other: Side, carried: CarriedSide, shifted: tuple[str, ...]) -> LikelyCause | None:
    """What would turn the values that differ into those that they should be."""
    fitting = [name for name in shifted if other.values[name].shape == carried.values[name].shape]
    if not shifted or len(fitting) < len(shifted):
        return None
    explained: dict[str, dict[str, str]] = {}
    candidates = {name: other.values[name] for name in shifted}
    may_be = all(_may_be_rearranged(candidates[name], carried.values[name]) for name in shifted)
    for move in list_moves(candidates) if may_be else ():
        moved = move.apply(other.values)
        if all(np.array_equal(array, carried.values[name]) for name, array in moved.items()):
            for name in moved:
                explained.setdefault(move.kind, {}).setdefault(name, move.sentence)
    for kind, by_name in explained.items():
        if set(by_name) == set(shifted):
            sentences = list(dict.fromkeys(by_name.values()))
            more = f", and {len(sentences) - 1} more like it" if len(sentences) > 1 else ""
            return LikelyCause(
                kind,
                sentences[0].replace("{side}", other.name).replace("{other}", reference.name) + more,
                "in that order the values are the reference's",
            )
    for dtype, rounded in _ROUNDED.items():
        if all(np.array_equal(_in_parts(rounded, carried.values[name]), other.values[name]) for name in shifted):
            said = f"the values of `{other.name}` are the reference's rounded to {dtype}"
            return LikelyCause("dtype", said, f"rounded to {dtype} the values are equal")
    return _few(reference, other, carried, shifted)


def _few(reference: Side, other: Side, carried: CarriedSide, shifted: tuple[str, ...]) -> LikelyCause | None:
    """A few entries that differ, where all others were carried over."""
    off = {name: find_changed(name, reference, other, carried) for name in shifted}
    if any(not 0 < mask.mean() < _FEW for mask in off.values()):
        return None
    name, mask = next(iter(off.items()))
    count = int(mask.sum())
    first = [int(i) for i in np.unravel_index(int(mask.argmax()), mask.shape)]
    differ = f"differ from `{reference.name}`, the first" if count > 1 else f"differs from `{reference.name}`,"
    more = f", and some of {say_count(len(off) - 1, 'other parameter', 'other parameters')}" if len(off) > 1 else ""
    said = f"{count} of the {mask.size} entries of `{name}` of `{other.name}` {differ} at {first}{more}"
    return LikelyCause("values", said, "all others are as near as they are stored")


def _may_be_rearranged(one: Array, other: Array) -> bool:
    """Whether two arrays may have the same entries in another order; cheaper than trying all orders."""
    return bool(np.abs(one).max() == np.abs(other).max() and np.abs(one).min() == np.abs(other).min())


def _to_bfloat16(array: Array) -> Array:
    """Rounded to bfloat16, to nearest and ties to even: the upper half of a float32."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32).astype(np.uint64)
    kept = (bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))) & np.uint64(0xFFFF0000)
    return kept.astype(np.uint32).view(np.float32).astype(np.float64).reshape(array.shape)


def _in_parts(rounded: Callable[[Array], Array], array: Array) -> Array:
    """An array rounded; of a complex one both parts."""
    return rounded(array.real) + 1j * rounded(array.imag) if np.iscomplexobj(array) else rounded(array)


_ROUNDED: dict[str, Callable[[Array], Array]] = {
    "float16": lambda array: array.astype(np.float16).astype(np.float64),
    "bfloat16": _to_bfloat16,
}
"""The dtypes whose rounding is a difference; that of float32 is below the band of agreement."""


def find_factor(reference: Side, other: Side, carried: CarriedSide, found: Difference) -> LikelyCause | None:
    """A factor between the costs that is also that between all gradients."""
    if not (reference.cost and other.cost and carried.gradients):
        return None
    factor = other.cost / reference.cost
    allowed = max(_SAME, 2 * found.cost.error / max(found.cost.claimed, found.cost.numeric))
    if abs(factor - 1) <= _FAR_FROM_ONE * allowed or not math.isfinite(factor):
        return None
    for name, theirs in carried.gradients.items():
        mine = other.gradients.get(name)
        if mine is None or mine.shape != theirs.shape:
            return None
        size = max(norm(flatten(mine)), CANCELLING * total_size(other.gradients))
        with np.errstate(over="ignore"):  # infinitely far apart is far apart
            left = flatten(mine - factor * theirs)
        if not norm(left) <= allowed * size:
            return None
    larger, times = (other.name, factor) if abs(factor) > 1 else (reference.name, 1 / factor)
    smaller = reference.name if larger == other.name else other.name
    whole = round(times)
    evidence = f"cost and gradients of `{larger}` are {times:.9g} times those of `{smaller}`"
    if whole >= 2 and abs(times - whole) <= min(allowed * whole, _NEAR):
        source = _product(whole, dict.fromkeys((*reference.sizes, *other.sizes)))
        where = f", the {source} of the arguments" if source else ""
        said = f"`{larger}` sums where `{smaller}` takes the mean over {whole} items{where}"
        if source or whole > 2:  # two is also the half that is written before a square
            return LikelyCause("reduction", said, evidence)
    return LikelyCause("factor", f"the cost of `{larger}` is that of `{smaller}` times {times:.9g}", evidence)


def _product(whole: int, sizes: dict[int, None]) -> str:
    """A length of the arguments, or two, that make up a number; empty if none do."""
    if whole in sizes:
        return f"length {whole}"
    pairs = [(one, two) for one in sizes for two in sizes if one <= two and one * two == whole]
    return f"lengths {pairs[0][0]} x {pairs[0][1]}" if pairs else ""


def find_constant(reference: Side, other: Side, found: Difference) -> LikelyCause | None:
    """A term that shows in no gradient, if all were compared and agree."""
    allowed = _OF_THE_COSTS * found.cost.difference
    alike = [not row.why and row.gradient_difference <= max(row.gradient_resolution, allowed) for row in found.rows]
    if not alike or not all(alike):
        return None
    amount = other.cost - reference.cost
    said = f"the cost of `{other.name}` has a term of {amount:+.9g} that does not depend on the parameters"
    return LikelyCause("constant", said, "the costs differ, and all gradients agree")


def find_noisier(reference: Side, other: Side) -> LikelyCause | None:
    """The sides whose cost is as noisy as one computed in float16 or bfloat16, although their parameters are not."""
    coarse = [side for side in (reference, other) if _is_coarse(side)]
    if not coarse:
        return None
    if len(coarse) == 1:
        said = f"`{coarse[0].name}` computes a part of its cost in a lower precision than its parameters have"
    else:
        names = f"`{reference.name}` and `{other.name}`"
        said = f"{names} compute a part of their costs in a lower precision than their parameters have"
    evidence = " and ".join(f"{side.noise / abs(side.cost):.0e}" for side in coarse)
    return LikelyCause("dtype", said, f"the noise of the cost is {evidence} of its size")


def _is_coarse(side: Side) -> bool:
    noise = side.noise / abs(side.cost) if side.cost else math.inf
    own = max((roundoff_of(dtype) for dtype in side.dtypes.values()), default=0.0)
    return _COARSE <= noise < 1 and own < _COARSE
