"""The first look at a parameter: a difference at every coordinate, and a second one at some to see truncation."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self, final

import numpy as np

from .coordinates import Derivatives, Differences, Indices, ParameterCost, difference, theta_rounding
from .norms import FloatVector
from .steps import CONFIDENT, scales

_SAFETY = 2.0
"""Measured truncation counts twice: it is the leading term of a series, and probed coordinates stand for the others."""

_ROUGH = 0.3
"""The second difference of a smooth cost grows with the square of the step, and is off by at most this share."""

_BLUR = 6.0 * CONFIDENT
"""Twice a second difference at h and one at 2 h, both over the step, differ by at most this much noise over the step:
their difference has 5.1 deviations."""

_FAINT = 1e-7
"""Less roughness than this, relative to the largest slope of the parameter, changes no verdict."""

_FINE = 1e-6
"""Below this error, relative to a parameter's gradient, a smaller one cannot improve the verdict."""

_LOPSIDED = 8.0
"""Truncation over noise beyond which a parameter is swept again at shorter steps, if the budget allows it."""

_MOST_SHORTENED = 64.0
"""How much shorter a second sweep's steps are at most; beyond that the cost jumps, which no step mends."""


@final
@dataclass(frozen=True)  # no slots: a cached property needs a __dict__
class Sweep:
    """Differences along every coordinate of a parameter, and along some of them at a second step.

    Attributes
    ----------
    at : ParameterCost
        The cost.
    steps : numpy.ndarray
        The steps, absolute, float64, shape ``(k,)``; those taken differ by rounding.
    found : Differences
        The differences at those steps, of all entries.
    probed : numpy.ndarray
        Entries that were also moved by `factor` times the step, int, shape ``(m,)``.
    other : Differences
        The differences there, of the probed entries.
    factor : float
        2 usually; 1/2 if the cost may not be evaluated beyond the step.
    elsewhere : float
        Truncation relative to the guess for a parameter without probes, as the probes of other parameters show it.
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
        """Differentiate along every coordinate, two evaluations each, without probes."""
        none = np.arange(0)
        return cls(at, steps, difference(at, np.arange(at.theta.size), steps), none, Differences.none(), factor)

    def probing(self, entries: Indices) -> "Sweep":
        """Probe more coordinates, two evaluations each."""
        other = self.other.followed_by(difference(self.at, entries, self.factor * self.steps))
        return replace(self, probed=np.concatenate([self.probed, entries]), other=other)

    def spread(self, count: int) -> Indices:
        """Entries to probe first: half of them those along which the cost bends most, the others evenly spread."""
        size = self.found.bend.size
        if count >= size:
            return np.arange(size)
        most_bent = self.most_bent(count // 2)
        evenly = np.linspace(0, size - 1, count - count // 2).astype(np.intp) if count else most_bent
        return np.unique(np.concatenate([most_bent, evenly]))

    def most_bent(self, count: int) -> Indices:
        """Of the entries not probed yet, those along which the cost bends most."""
        order = np.argsort(-np.nan_to_num(self.found.bend), kind="stable")
        return order[~np.isin(order, self.probed)][:count]

    @property
    def cost_size(self) -> float:
        """The size that the cost has over the scale of theta, by the steeper of the two sides of each coordinate."""
        steepest = np.abs(np.nan_to_num(self.found.slope)) + np.nan_to_num(self.found.bend) / 2
        return float(np.max(scales(self.at.theta) * steepest, initial=0.0))

    @property
    def _noise(self) -> FloatVector:
        # A cost that is zero at theta rounds like its values a step away.
        change = self.found.step * (np.abs(self.found.slope) + self.found.bend / 2)
        return np.maximum(self.at.noise, self.at.roundoff * (abs(self.at.cost) + np.nan_to_num(change)))

    @property
    def rough(self) -> Indices:
        """Probed entries near a kink or a jump.

        There the second difference does not grow with the square of the step, by more than noise and by enough to
        matter. The claimed gradient plays no part.
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

        Truncation is measured at the probed coordinates by a second step, ``|D(f h) - D(h)| / |f**2 - 1|``. For the
        rest it is that of the worst probes, in proportion to how much the cost bends. If the second difference over the
        step does not grow with the step at all, theta is taken to be on a kink, and both one-sided slopes are given.
        """
        found = self.found
        noise = CONFIDENT * self._noise / found.step
        with np.errstate(invalid="ignore"):
            error = noise + _SAFETY * self._truncation()
        error += theta_rounding(self.at) * found.bend / found.step
        lower, upper = found.slope.copy(), found.slope.copy()
        on_kink = self.probed[self._is_kink]
        # The change of a one-sided slope with the step is curvature beyond the kink.
        change = np.abs(self.other.bend - found.bend[self.probed])[self._is_kink] / 2
        change += np.abs(self.other.slope - found.slope[self.probed])[self._is_kink]
        lower[on_kink] -= found.bend[on_kink] / 2
        upper[on_kink] += found.bend[on_kink] / 2
        error[on_kink] = 2 * noise[on_kink] + _SAFETY * change
        measured = np.isfinite(found.slope) & np.isfinite(error)
        lower, upper = np.where(measured, lower, 0.0), np.where(measured, upper, 0.0)
        largest = float(np.fmax(found.change, self.other.change))
        return Derivatives(lower, upper, np.where(measured, error, np.inf), change=largest)

    @property
    def _is_kink(self) -> "np.typing.NDArray[np.bool_]":
        with np.errstate(invalid="ignore"):
            alike = np.abs(self.other.bend - self.found.bend[self.probed]) <= _ROUGH * self.other.bend
        return np.asarray(self._is_rough & alike & (self.factor > 1))

    @property
    def _guess(self) -> FloatVector:
        # As if each derivative were the one before it divided by the scale of the entry.
        relative = self.steps / scales(self.at.theta)
        return np.nan_to_num(relative * (self.found.bend + relative * np.abs(self.found.slope)))

    @property
    def of_the_guess(self) -> float:
        """The largest truncation of a smooth probe, relative to the guess that is made without probes."""
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
        truncation = _extend_truncation(self.found, self.probed[smooth], measured[smooth])
        # A kink within the step puts the difference off by at most half of the bend.
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
        Number of coordinates at which truncation is measured, two evaluations each.
    factor : float
        The step there over the usual one: 2 by default, 1/2 if the cost may not be evaluated beyond the step.
    """
    found = Sweep.of(at, steps, factor)
    return found.probing(found.spread(probes))


def _extend_truncation(found: Differences, probed: Indices, measured: FloatVector) -> FloatVector:
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
    # A probe is small by chance if two terms of the series cancel; the median proportion says what is plausible.
    bent = usable & (bend[probed] > 0)
    usual = float(np.median(measured[bent] / bend[probed[bent]])) if bent.any() else 0.0
    truncation[probed[usable]] = np.maximum(measured, usual * bend[probed] / 8)[usable]
    return truncation


def coarse_coordinates(found: Sweep, bars: Derivatives, most: int) -> Indices:
    """The few coordinates with by far the largest bars, where these come from truncation and leave much to be seen."""
    by_size = np.argsort(-np.nan_to_num(bars.error, posinf=0.0), kind="stable")
    worst = by_size[~np.isin(by_size, found.rough)][:most]
    noise = CONFIDENT * found.at.noise / found.steps
    seen = float(np.linalg.norm(bars.lower)) * _FINE
    return worst[(bars.error[worst] > _LOPSIDED * noise[worst]) & (bars.error[worst] > seen)]


def shorter_steps(found: Sweep, swept: Derivatives) -> FloatVector | None:
    """Steps that balance what the sweep found of truncation with the noise, where truncation was far larger."""
    noise = CONFIDENT * found.at.noise / found.steps
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = float(np.median((swept.error - noise) / noise))
    return found.steps / min(float(np.cbrt(excess)), _MOST_SHORTENED) if _LOPSIDED < excess < np.inf else None
