"""What the evidence shows besides the verdict, as notes for the reader of the report."""

from collections.abc import Sequence

import numpy as np

from ..evaluate.preflight import Baseline
from ..numerics.noise import Noise
from ..protocol.layout import Layout
from ..protocol.outputs import ROUNDINGS, roundoff_of
from ..report.words import say_count
from .evidence import Evidence

_SUMMED = 100.0
"""Unit roundoffs of float32 that sums in it come to: more noise has another source, a tolerance or a draw."""


def observe(
    evidence: tuple[Evidence, ...],
    unmoved: tuple[str, ...],
    layout: Layout,
    noise: Noise,
    baseline: Baseline,
    not_finite: int,
) -> tuple[str, ...]:
    """Notes on the cost and on parameters that stand out, the most telling first."""
    return (
        *_note_unmoved(evidence, unmoved),
        *_note_claimed_zero(evidence),
        *_note_on_stairs(evidence),
        *_note_kinks(evidence),
        *_note_noisy(noise, baseline),
        *_note_not_finite(not_finite),
        *note_unchecked(evidence, layout),
    )


def _note_unmoved(evidence: tuple[Evidence, ...], unmoved: tuple[str, ...]) -> tuple[str, ...]:
    claimed = [item.parameter.name for item in evidence if item.claimed.any()]
    if claimed and len(unmoved) == len(evidence):
        return note_ineffective(unmoved, len(evidence))
    return tuple(
        f"`{item.parameter.name}`: moving it does not change the cost, yet its claimed gradient is not zero"
        for item in evidence
        if item.parameter.name in unmoved and not _is_rounding(item)
    )


def _is_rounding(item: Evidence) -> bool:
    """Whether a claim is zero within its error bars, as a bias's before batch norm is."""
    return bool(np.all((np.abs(item.claimed) <= item.error) & np.isfinite(item.error) | (item.claimed == 0)))


def note_ineffective(unmoved: Sequence[str], checked: int) -> tuple[str, ...]:
    """A note where no parameter of those checked has any effect on the cost."""
    if len(unmoved) < checked:
        return ()
    return ("no perturbation changed the cost: does it use the params passed as its first argument?",)


def _note_claimed_zero(evidence: tuple[Evidence, ...]) -> tuple[str, ...]:
    return tuple(
        f"`{item.parameter.name}`: its claimed gradient is exactly zero, yet the cost depends on it; "
        "is it detached, or left out of the backward pass?"
        for item in evidence
        if not item.claimed.any() and np.any(np.abs(item.numeric) > item.error)
    )


def _note_on_stairs(evidence: tuple[Evidence, ...]) -> tuple[str, ...]:
    return tuple(
        f"`{item.parameter.name}`: the cost changes in steps of {item.derivatives.stair:.1e}. A claim of "
        "zero is right if they belong to it (floor, round, a count) and wrong if they are rounding: not decided"
        for item in evidence
        if item.derivatives.stair and bool(np.any((item.claimed == 0) & np.isinf(item.error)))
    )


def _note_kinks(evidence: tuple[Evidence, ...]) -> tuple[str, ...]:
    found = {item.parameter.name: item.derivatives.kinks for item in evidence if item.derivatives.kinks}
    listed = ", ".join(f"{say_count(count, 'entry', 'entries')} of `{name}`" for name, count in found.items())
    return (f"on a kink of the cost, where any slope between the two sides is right: {listed}",) if found else ()


def _note_noisy(noise: Noise, baseline: Baseline) -> tuple[str, ...]:
    relative = noise.level / abs(baseline.cost.value) if baseline.cost.value else 0.0
    if baseline.roundoff > roundoff_of("float64") or relative <= ROUNDINGS * roundoff_of("float64"):
        return ()
    # Long sums in float64 stay below; a cost that rounds to float32 inside is far above.
    is_of_float32 = roundoff_of("float32") / 8 < relative < _SUMMED * roundoff_of("float32")
    guess = " (as if computed in float32)" if is_of_float32 else ""
    return (f"the cost is noisy for float64: {noise.level:.1e}, or {relative:.1e} of its value{guess}",)


def _note_not_finite(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    thetas = say_count(count, "perturbed theta", "perturbed thetas")
    return (f"the cost was NaN or infinite at {thetas}; smaller steps were used there",)


def note_unchecked(evidence: Sequence[Evidence], layout: Layout) -> tuple[str, ...]:
    """A note on what of the params was not checked, and why."""
    checked = {item.parameter.name for item in evidence}
    listed = [f"`{parameter.name}` (left out)" for parameter in layout.parameters if parameter.name not in checked]
    listed += [f"`{leaf.name}` ({leaf.reason})" for leaf in layout.carried]
    return (f"not checked: {', '.join(listed)}",) if listed else ()
