"""The first look at a parameter: two evaluations a coordinate; truncation and roughness are measured at some."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self, final

import numpy as np

from .coordinates import Derivatives, Differences, Indices, ParameterCost, difference, theta_rounding
from .norms import FloatVector
from .steps import CONFIDENT, scales

_SAFETY = 2.0
"""On the measured truncation: it is the leading term of a series, and neighbours stand for coordinates not probed."""

_ROUGH = 0.3
"""How far, relatively, a second difference may be from growing with the square of the step, as that of smooth costs."""

_BLUR = 6.0 * CONFIDENT
"""Noise over the step that two second differences at h and 2 h, the one doubled, differ by: 5.1 deviations at most."""

_FAINT = 1e-7
"""Roughness, relative to the largest slope of the parameter, that no verdict is changed by."""


@final
@dataclass(frozen=True)  # without slots, in which nothing can be cached
class Sweep:
    """Differences along every coordinate of a parameter, and along some of them at another step as well.

    Attributes
    ----------
    at : ParameterCost
        The cost.
    steps : numpy.ndarray
        The steps asked for, absolute, float64, shape ``(k,)``.
    found : Differences
        At those steps, for all entries.
    probed : numpy.ndarray
        Entries taken at `factor` times the step too, int, shape ``(m,)``.
    other : Differences
        There, for the probed entries.
    factor : float
        2 usually; a half where the cost is not to be evaluated beyond the step.
    elsewhere : float
        What truncation is of the guess for a parameter without a probe, as probes of other parameters show it.
    """

    at: ParameterCost
    steps: FloatVector
    found: Differences
    probed: Indices
    other: Differences
    factor: float
    elsewhere: float = 1.0

    @classmethod
    def of(cls, at: ParameterCost, steps: FloatVector, factor: float = 2.0) -> Self:
        """Differentiate along every coordinate, two evaluations each; none probed yet."""
        none = np.arange(0)
        return cls(at, steps, difference(at, np.arange(at.theta.size), steps), none, Differences.none(), factor)

    def probing(self, entries: Indices) -> "Sweep":
        """With some more coordinates probed, two evaluations each."""
        other = self.other.followed_by(difference(self.at, entries, self.factor * self.steps))
        return replace(self, probed=np.concatenate([self.probed, entries]), other=other)

    def spread(self, count: int) -> Indices:
        """Entries to probe first: one half the most bent, the other evenly spread."""
        size = self.found.bend.size
        if count >= size:
            return np.arange(size)
        most_bent = self.most_bent(count // 2)
        evenly = np.linspace(0, size - 1, count - count // 2).astype(np.intp) if count else most_bent
        return np.unique(np.concatenate([most_bent, evenly]))

    def most_bent(self, count: int) -> Indices:
        """The entries not probed yet along which the cost bends most."""
        order = np.argsort(-np.nan_to_num(self.found.bend), kind="stable")
        return order[~np.isin(order, self.probed)][:count]

    @property
    def cost_size(self) -> float:
        """The size that the cost has over theta's own scale, going by the steeper of the sides of each coordinate."""
        steepest = np.abs(np.nan_to_num(self.found.slope)) + np.nan_to_num(self.found.bend) / 2
        return float(np.max(scales(self.at.theta) * steepest, initial=0.0))

    @property
    def _noise(self) -> FloatVector:
        # Away from a theta at which the cost is zero, it has the rounding of what it is there.
        change = self.found.step * (np.abs(self.found.slope) + self.found.bend / 2)
        return np.maximum(self.at.noise, self.at.roundoff * (abs(self.at.cost) + np.nan_to_num(change)))

    @property
    def rough(self) -> Indices:
        """Probed entries next to a kink or a jump.

        There the second difference does not grow with the square of the step, by more than noise and by enough to
        matter. The claimed gradient has no part in it.
        """
        return self.probed[self._is_rough]

    @cached_property
    def _is_rough(self) -> "np.typing.NDArray[np.bool_]":
        expected = self.factor * self.found.bend[self.probed]
        off = np.abs(self.other.bend - expected)
        blur = _BLUR * self.at.noise / np.minimum(self.found.step[self.probed], self.other.step)
        faint = _FAINT * np.max(np.abs(np.nan_to_num(self.found.slope)), initial=0.0)
        with np.errstate(invalid="ignore"):
            return np.asarray(off > _ROUGH * np.maximum(self.other.bend, expected) + blur + faint)

    def derivatives(self) -> Derivatives:
        """The slopes with their error bars: the noise, ``5 s / h``, and twice the truncation.

        Truncation is measured at the probed coordinates by a second difference, ``|D(f h) - D(h)| / |f**2 - 1|``. For
        the rest it is taken as that of the worst probes, in proportion to how much the cost bends along them. Where the
        second difference over the step does not grow with the step at all, both sides' slopes are given, as on a kink.
        """
        found = self.found
        noise = CONFIDENT * self._noise / found.step
        with np.errstate(invalid="ignore"):
            error = noise + _SAFETY * self._truncation()
        error += theta_rounding(self.at) * found.bend / found.step
        lower, upper = found.slope.copy(), found.slope.copy()
        on_kink = self.probed[self._is_kink]
        # Beyond the kink lies curvature: what of either side's slope changes with the step.
        change = np.abs(self.other.bend - found.bend[self.probed])[self._is_kink] / 2
        change += np.abs(self.other.slope - found.slope[self.probed])[self._is_kink]
        lower[on_kink] -= found.bend[on_kink] / 2
        upper[on_kink] += found.bend[on_kink] / 2
        error[on_kink] = 2 * noise[on_kink] + _SAFETY * change
        measured = np.isfinite(found.slope) & np.isfinite(error)
        lower, upper = np.where(measured, lower, 0.0), np.where(measured, upper, 0.0)
        return Derivatives(lower, upper, np.where(measured, error, np.inf))

    @property
    def _is_kink(self) -> "np.typing.NDArray[np.bool_]":
        with np.errstate(invalid="ignore"):
            alike = np.abs(self.other.bend - self.found.bend[self.probed]) <= _ROUGH * self.other.bend
        return np.asarray(self._is_rough & alike & (self.factor > 1))

    @property
    def _guess(self) -> FloatVector:
        # As if each derivative were the one before it over the entry's scale.
        relative = self.steps / scales(self.at.theta)
        return np.nan_to_num(relative * (self.found.bend + relative * np.abs(self.found.slope)))

    @property
    def of_the_guess(self) -> float:
        """The largest truncation that a smooth probe shows, relative to the guess that is made without probes."""
        smooth = self.probed[~self._is_rough]
        measured = np.abs(self.other.slope - self.found.slope[self.probed])[~self._is_rough] / abs(self.factor**2 - 1)
        guess = self._guess[smooth]
        known = np.isfinite(measured) & (guess > 0)
        return float(np.max(measured[known] / guess[known], initial=0.0))

    def _truncation(self) -> FloatVector:
        if not self.probed.size:
            return self.elsewhere * self._guess
        measured = np.abs(self.other.slope - self.found.slope[self.probed]) / abs(self.factor**2 - 1)
        rough = self._is_rough
        smooth = ~rough if not rough.all() else rough
        truncation = _carried_over(self.found, self.probed[smooth], measured[smooth])
        # A kink within the step puts the difference off by half of the bend at most.
        beside = self.probed[rough]
        truncation[beside] = np.maximum(np.nan_to_num(measured[rough]), np.nan_to_num(self.found.bend[beside]) / 2)
        return truncation


def sweep(at: ParameterCost, steps: FloatVector, probes: int, factor: float = 2.0) -> Sweep:
    """Differentiate along every coordinate and probe some.

    Parameters
    ----------
    at : ParameterCost
        The cost.
    steps : numpy.ndarray
        Absolute steps, float64, shape ``(k,)``.
    probes : int
        At how many coordinates truncation is measured, two evaluations each.
    factor : float
        Of the step there; 2 by default, a half where the cost is not to be evaluated beyond the step.
    """
    found = Sweep.of(at, steps, factor)
    return found.probing(found.spread(probes))


def _carried_over(found: Differences, probed: Indices, measured: FloatVector) -> FloatVector:
    usable = np.isfinite(measured)
    if not usable.any():
        return np.zeros_like(found.slope)
    bend = np.nan_to_num(found.bend)
    typical = float(np.median(bend))
    proportion = bend + typical
    truncation = np.full_like(found.slope, np.quantile(measured[usable], 0.9))
    if typical > 0:
        worst = float(np.max((measured / proportion[probed])[usable]))
        truncation = np.maximum(truncation, proportion * worst)
    # A probe can be small by chance, where two terms of the series cancel; the usual proportion says what is plausible.
    bent = usable & (bend[probed] > 0)
    usual = float(np.median(measured[bent] / bend[probed[bent]])) if bent.any() else 0.0
    truncation[probed[usable]] = np.maximum(measured, usual * bend[probed] / 8)[usable]
    return truncation
