"""The pictures of a report as matplotlib figures, each with what it shows in words.

This module, and what imports it, needs the extra `report`, and is imported only where something is drawn.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from .canvas import Drawn, Palette
from .pictures import Curves, HeatMap, Kink, Picture, Scatter
from .records import ParameterReport
from .words import printable, safe, say_count

_SIZE = (5.2, 3.3)
"""Inches; two stand side by side on a page of usual width."""

_TINIEST = 1e-300
"""What a logarithmic axis shows for zero is cut off; below this it would be."""

_LONGEST_LABEL = 28


def draw(picture: Picture, parameter: ParameterReport, palette: Palette, titled: bool) -> Iterator[Drawn]:
    """Every figure of one parameter; call it within `canvas.use_style`.

    Parameters
    ----------
    picture : Picture
        What to draw.
    parameter : ParameterReport
        What was found out about the parameter.
    palette : Palette
        The colours.
    titled : bool
        Whether parameter and title stand in the figure itself; on a page they stand beside it.
    """
    for drawn in _draw_each(picture, parameter, palette):
        if titled:
            drawn.figure.suptitle(f"{safe(parameter.name, 2 * _LONGEST_LABEL)}\n{drawn.title}", fontsize=9)
            drawn.figure.subplots_adjust(top=0.84)
        yield drawn


def _draw_each(picture: Picture, parameter: ParameterReport, palette: Palette) -> Iterator[Drawn]:
    if picture.heat_map is not None:
        yield _heat_map(picture.heat_map, parameter, palette)
    if picture.scatter is not None:
        yield _scatter(picture.scatter, palette)
    if picture.curves is not None:
        on_a_kink = picture.curves.entry in {kink.entry for kink in picture.kinks}
        curves = replace(picture.curves, entry=printable(safe(picture.curves.entry, _LONGEST_LABEL)))
        yield _step_curve(curves, on_a_kink, palette)
        yield _one_sided(curves, palette)
        yield _remainders(curves, palette)
    if picture.kinks:
        yield _kinks(picture.kinks, parameter, palette)


def _axes(palette: Palette, x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE)
    axes = figure.add_subplot()
    figure.subplots_adjust(left=0.16, right=0.97, bottom=0.16, top=0.96)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(True, color=palette.faint, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _logarithmic(axes: Axes, *names: str) -> None:
    """Powers of ten as ``1e-08``; matplotlib's own labels are formulas, and names in a figure must not be."""
    for name in names:
        axis = axes.xaxis if name == "x" else axes.yaxis
        axes.set(**{f"{name}scale": "log"})
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}"))
        axis.set_minor_formatter(NullFormatter())


def _legend(axes: Axes) -> None:
    axes.legend(fontsize=7.5, framealpha=0.0, labelspacing=0.3, loc="best")


def _heat_map(heat: HeatMap, parameter: ParameterReport, palette: Palette) -> Drawn:
    cells = np.array(heat.cells)
    figure = Figure(figsize=_SIZE)
    axes = figure.add_subplot()
    figure.subplots_adjust(left=0.12, right=0.86, bottom=0.15, top=0.94)
    largest = float(np.max(cells[np.isfinite(cells)], initial=0.0))
    top = largest or 1.0
    colours = palette.colour_map()
    image = axes.imshow(
        np.where(np.isinf(cells), 2 * top, cells),  # infinity itself would be drawn as if it were not known
        cmap=colours,
        vmin=0.0,
        vmax=top,
        interpolation="none",
        extent=(-0.5, heat.width - 0.5, heat.height - 0.5, -0.5),
        aspect="auto" if _is_long(heat) else "equal",
    )
    figure.colorbar(image, ax=axes, label="|claimed - numeric|", fraction=0.05, pad=0.03, format="%.2g")
    row, column = heat.worst
    high, wide = heat.height / cells.shape[0], heat.width / cells.shape[1]
    at = ((column + 0.5) * wide - 0.5, (row + 0.5) * high - 0.5)
    axes.plot(*at, marker="o", markersize=11, markerfacecolor="none", markeredgecolor=palette.ring, markeredgewidth=2.4)
    axes.plot(*at, marker="o", markersize=11, markerfacecolor="none", markeredgecolor=palette.mark, markeredgewidth=1.0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(_of_axes(heat.columns, len(parameter.shape)))
    axes.set_ylabel(_of_axes(heat.rows, len(parameter.shape)))
    if not heat.rows:
        axes.set_yticks([])
    reduced = ""
    if cells.size < heat.height * heat.width:
        reduced = f" Each of {cells.shape[0]} x {cells.shape[1]} cells shows the largest of its entries."
    unknown = " Empty cells were not measured." if np.isnan(cells).any() else ""
    infinite = " Cells where the claim is not finite are red." if np.isinf(cells).any() else ""
    where = list(parameter.worst_index) or "the scalar"
    words = (
        f"Heat map of the discrepancy over the shape {tuple(parameter.shape)}: {_across(heat, len(parameter.shape))}. "
        f"The largest finite one is {largest:.2g}; the worst entry, at {where}, is ringed.{reduced}{unknown}{infinite}"
    )
    return Drawn("heat-map", "Where claimed and numeric differ", words, figure)


def _is_long(heat: HeatMap) -> bool:
    return max(heat.height, heat.width) > 4 * min(heat.height, heat.width)


def _of_axes(axes: Sequence[int], rank: int) -> str:
    if not axes:
        return ""
    if rank == 1:
        return "entry"
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))} folded"


def _across(heat: HeatMap, rank: int) -> str:
    if not heat.rows:
        return "entries go across"
    return f"{_of_axes(heat.rows, rank)} goes down, {_of_axes(heat.columns, rank)} goes across"


def _scatter(scatter: Scatter, palette: Palette) -> Drawn:
    figure, axes = _axes(palette, "numeric derivative", "claimed derivative")
    claimed, numeric = np.array(scatter.claimed), np.array(scatter.numeric)
    low, high = min(claimed.min(), numeric.min()), max(claimed.max(), numeric.max())
    axes.plot([low, high], [low, high], color=palette.muted, linewidth=1, linestyle="--", label="equal")
    right, off = slice(scatter.apart, None), slice(0, scatter.apart)
    if scatter.apart < claimed.size:
        axes.plot(numeric[right], claimed[right], "o", color=palette.first, markersize=3, label="within the error bar")
    if scatter.apart:
        axes.plot(numeric[off], claimed[off], "x", color=palette.second, markersize=4.5, label="beyond the error bar")
    _legend(axes)
    shown = len(scatter.claimed)
    some = "" if shown == scatter.measured else f" of {scatter.measured}, the farthest apart among them"
    words = (
        f"Each point is one of {say_count(shown, 'entry', 'entries')}{some}. A correct gradient lies on the diagonal; "
        f"{scatter.apart} of these {'differs' if scatter.apart == 1 else 'differ'} by more than the error bar."
    )
    return Drawn("scatter", "Claimed against numeric", words, figure)


def _step_curve(curves: Curves, on_a_kink: bool, palette: Palette) -> Drawn:
    curve = curves.steps
    figure, axes = _axes(palette, "step h", "error of the difference at step h")
    step, central, floor = (np.array(row) for row in (curve.step, curve.central, curve.floor))
    _logarithmic(axes, "x", "y")
    axes.plot(step, floor, color=palette.muted, linestyle=":", label="noise floor")
    axes.plot(
        step, _visible(central - curves.numeric), "o-", color=palette.first, markersize=3, label="|D(h) - numeric|"
    )
    claim = _NOT_FINITE
    if math.isfinite(curves.claimed):
        away = np.abs(central - curves.claimed)
        axes.plot(step, _visible(away), "x-", color=palette.second, markersize=4, label="|D(h) - claimed|")
        claim = f"There the claimed derivative is {away[curve.best]:.1e} away."
    best = curve.step[curve.best]
    axes.axvline(best, color=palette.ink, linewidth=1, linestyle="--", label="least estimated error")
    _legend(axes)
    words = (
        f"Central differences D(h) of {curves.entry} over {len(step)} steps from {step[0]:.1e} to {step[-1]:.1e}. "
        f"{_A_V[on_a_kink]} "
        f"The estimated error is least at the step {best:.1e}, where it is {curve.error[curve.best]:.1e}. {claim}"
    )
    return Drawn("step-curve", "Error against step", words, figure)


_NOT_FINITE = "The claimed derivative is not finite, so it is not drawn."

_A_V = {
    False: "The left arm of the V comes from noise, the right one from curvature; a wrong claim stays high.",
    True: "On a kink there is no V: a central difference is the mean of two slopes; any value between them is right.",
}


def _one_sided(curves: Curves, palette: Palette) -> Drawn:
    curve = curves.steps
    figure, axes = _axes(palette, "step h", "slope")
    trusted = [k for k, _ in enumerate(curve.step) if curve.floor[k] <= _readable(curves)] or [curve.best]
    step = [curve.step[k] for k in trusted]
    _logarithmic(axes, "x")
    axes.plot(step, [curve.right[k] for k in trusted], ">-", color=palette.first, markersize=4, label="to the right")
    axes.plot(step, [curve.left[k] for k in trusted], "<-", color=palette.third, markersize=4, label="to the left")
    if math.isfinite(curves.claimed):
        axes.axhline(curves.claimed, color=palette.second, linestyle="--", linewidth=1.2, label="claimed")
    _legend(axes)
    first = trusted[0]
    words = (
        f"Slopes of {curves.entry} by step: at {curve.step[first]:.1e} they are {curve.right[first]:.6g} to the right "
        f"and {curve.left[first]:.6g} to the left; claimed is {curves.claimed:.6g}. If they stay apart as the step "
        "shrinks, there is a kink, and any value between them is right; if they meet, there is one derivative."
    )
    return Drawn("one-sided-slopes", "One-sided slopes", words, figure)


_READABLE = 0.05
"""Part of what there is to be seen that noise may make of a slope that is drawn: beyond that it hides the rest."""


def _readable(curves: Curves) -> float:
    curve, best = curves.steps, curves.steps.best
    sizes = (curve.central[best], curve.right[best] - curve.left[best], curves.claimed - curve.central[best])
    return _READABLE * max([abs(size) for size in sizes if math.isfinite(size)], default=math.inf)


def _remainders(curves: Curves, palette: Palette) -> Drawn:
    found = curves.remainders
    figure, axes = _axes(palette, "t", "Taylor remainder")
    t, claimed = np.array(found.t), np.array(found.claimed)
    _logarithmic(axes, "x", "y")
    axes.plot(
        t,
        _visible(np.array(found.numeric)),
        "o-",
        color=palette.first,
        markersize=3,
        label="with the numeric derivative",
    )
    finite = bool(np.isfinite(claimed).any())
    if finite:
        axes.plot(t, _visible(claimed), "x-", color=palette.second, markersize=4, label="with the claimed derivative")
    known = claimed[np.isfinite(claimed) & (claimed > 0)]
    if known.size:
        for power, style in ((1, "-."), (2, "--")):
            guide = known[-1] * (t / t[-1]) ** power
            axes.plot(t, guide, color=palette.muted, linewidth=0.9, linestyle=style, label=f"slope {power}")
    if found.floor > 0:
        axes.axhline(max(found.floor, _TINIEST), color=palette.muted, linestyle=":", label="noise floor")
    _legend(axes)
    of_claim = f"With the claimed derivative the slope is {_slope(found.claimed_slope)}." if finite else _NOT_FINITE
    words = (
        f"|J(theta + t e) - J(theta) - t g| as t shrinks, where e moves {curves.entry} alone and g is its derivative. "
        f"{of_claim} With the numeric derivative it is {_slope(found.numeric_slope)}. For a smooth cost it is 2 "
        "if the derivative is right and 1 if it is wrong."
    )
    return Drawn("taylor-remainder", "Taylor remainder", words, figure)


def _slope(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.2f}"


def _kinks(kinks: Sequence[Kink], parameter: ParameterReport, palette: Palette) -> Drawn:
    figure, axes = _axes(palette, "entry on a kink", "slopes")
    places = np.arange(len(kinks))
    lower, upper = (np.array([getattr(kink, side) for kink in kinks]) for side in ("lower", "upper"))
    axes.vlines(places, lower, upper, color=palette.first, linewidth=3, label="between the one-sided slopes")
    axes.plot(places, [kink.claimed for kink in kinks], "x", color=palette.second, label="claimed")
    labels = [safe(kink.entry.removeprefix(parameter.name), _LONGEST_LABEL // 2) for kink in kinks]
    axes.set_xticks(places, labels, rotation=60 if len(kinks) > 6 else 0, fontsize=7)
    figure.subplots_adjust(bottom=0.27 if len(kinks) > 6 else 0.16)
    _legend(axes)
    outside = sum(not k.lower - k.error <= k.claimed <= k.upper + k.error for k in kinks)
    words = (
        f"One-sided slopes of {len(kinks)} of {say_count(parameter.kinks, 'entry', 'entries')} on a kink: every value "
        f"between the two is a subgradient and right. Claims outside: {outside}."
    )
    return Drawn("kinks", "Slopes at kinks", words, figure)


def _visible(values: "np.typing.NDArray[np.float64]") -> "np.typing.NDArray[np.float64]":
    """Sizes as a logarithmic axis can have them: nothing where they are zero or not finite."""
    size = np.abs(values)
    return np.where(np.isfinite(size) & (size > _TINIEST), size, np.nan)
