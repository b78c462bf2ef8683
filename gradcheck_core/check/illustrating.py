"""From evidence to what the pictures of a report are drawn from."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..measure.evidence import Evidence
from ..numerics.curves import remainders, step_curve
from ..numerics.norms import row
from ..protocol.layout import FloatVector, Parameter
from ..report.pictures import Curves, HeatMap, Kink, Picture, Pictures, Scatter
from ..report.records import ParameterReport
from ..report.verdict import Verdict

_MOST_PICTURED = 5
"""Wrong parameters that have pictures: nobody looks at more."""

_MOST_CELLS = 64
"""Along an axis of a heat map: as many as can be told apart in a figure as wide as a column of text."""

_MOST_POINTS = 512
_MOST_APART = 256
"""Of a scatter: more would lie on each other. Those farthest apart come first, the rest are spread evenly."""

_MOST_KINKS = 24
"""Entries whose slopes can be told apart in one figure."""


def illustrate(pairs: Sequence[tuple[Evidence, ParameterReport]], first: str, replay: str) -> Pictures:
    """Say what is to be drawn of a check: of the wrong parameters, the one to look at first before the others."""
    wrong = [pair for pair in pairs if pair[1].verdict.is_evidence]

    def rank(pair: tuple[Evidence, ParameterReport]) -> tuple[bool, int, float]:
        report = pair[1]
        return report.name == first, report.verdict.severity, report.difference

    ranked = sorted(wrong or pairs, key=rank, reverse=True)
    shown = ranked[: _MOST_PICTURED if wrong else 1]
    return Pictures(tuple(_picture(*pair) for pair in shown), max(0, len(wrong) - len(shown)), replay)


def _picture(item: Evidence, report: ParameterReport) -> Picture:
    if not item.by_entries:
        return Picture(item.parameter.name)
    claimed, numeric = item.claimed, item.numeric
    measured = _find_measured(item)
    with np.errstate(invalid="ignore"):
        apart = np.abs(claimed - numeric)
    apart[~np.isfinite(claimed)] = np.inf
    apart[~measured] = np.nan
    return Picture(
        item.parameter.name,
        heat_map(item.parameter, apart, item.worst),
        _scatter(claimed, numeric, apart, item.error),
        _kinks(item),
        None if report.verdict.passed else _draw_curves(item, report.verdict),
    )


def _draw_curves(item: Evidence, verdict: Verdict) -> Curves | None:
    """Curves of the worst entry among those that were measured over growing steps; of a wrong claim, if it is wrong."""
    again = np.array(sorted(item.derivatives.ladders), dtype=np.intp)
    if verdict.is_evidence:
        again = again[item.away[again]]
    if not again.size:
        return None
    entry = int(again[np.argmax(item.beyond[again])])
    ladder, claimed, numeric = item.derivatives.ladders[entry], float(item.claimed[entry]), float(item.numeric[entry])
    steps = step_curve(ladder)
    if not np.isfinite(steps.error).any():
        return None
    return Curves(item.parameter.entry(entry), claimed, numeric, steps, remainders(ladder, claimed, numeric))


def _find_measured(item: Evidence) -> npt.NDArray[np.bool_]:
    """Which entries were measured one by one; where entries were only moved together, numeric is the claim's."""
    measured = np.isfinite(item.derivatives.error) | ~np.isfinite(item.claimed)
    if item.projected or item.located:
        measured &= item.derivatives.lower != item.claimed
    return np.asarray(measured)


def heat_map(parameter: Parameter, apart: FloatVector, worst: int) -> HeatMap | None:
    """A tensor's discrepancies in its own shape, folded to two axes and reduced to the largest of each cell.

    They are NaN where none is known, and `worst` is the position of the worst. A scalar has no map.

    Examples
    --------
    >>> found = heat_map(Parameter("w", (2, 3), "float64", 0), np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), 5)
    >>> found.cells, found.rows, found.columns, found.worst
    (((0.0, 1.0, 2.0), (3.0, 4.0, 5.0)), (0,), (1,), (1, 2))
    """
    shape = parameter.shape
    if not shape:
        return None
    if parameter.is_complex:
        apart = np.fmax(apart[::2], apart[1::2])
        worst //= 2
    split = _split(shape)
    height, width = int(np.prod(shape[:split])), int(np.prod(shape[split:]))
    cells = _largest(_largest(apart.reshape(height, width), 0), 1)
    down, across = divmod(worst, width)
    return HeatMap(
        tuple(map(row, cells)),
        tuple(range(split)),
        tuple(range(split, len(shape))),
        height,
        width,
        (_cell_of(down, height), _cell_of(across, width)),
    )


def _split(shape: tuple[int, ...]) -> int:
    """How many of the axes go down: as many as make the picture most nearly square; none of a vector's does."""
    if len(shape) == 1:
        return 0
    logs = np.cumsum(np.log(shape))
    return 1 + int(np.argmin(np.abs(2 * logs[:-1] - logs[-1])))


def _edges(length: int) -> npt.NDArray[np.intp]:
    cells = min(length, _MOST_CELLS)
    return np.arange(cells) * length // cells


def _cell_of(position: int, length: int) -> int:
    return int(np.searchsorted(_edges(length), position, side="right")) - 1


def _largest(values: npt.NDArray[np.float64], axis: int) -> npt.NDArray[np.float64]:
    """The largest of each cell along an axis; what is not known does not count."""
    length = values.shape[axis]
    return values if length <= _MOST_CELLS else np.fmax.reduceat(values, _edges(length), axis=axis)


def _scatter(claimed: FloatVector, numeric: FloatVector, apart: FloatVector, error: FloatVector) -> Scatter | None:
    known = np.flatnonzero(np.isfinite(apart))
    if known.size < 2:
        return None
    most = min(_MOST_APART, known.size)
    farthest = known[np.argpartition(-apart[known], most - 1)[:most]]
    farthest = farthest[np.argsort(-apart[farthest], kind="stable")]
    spread = known[np.linspace(0, known.size - 1, min(_MOST_POINTS - most, known.size)).astype(np.intp)]
    chosen = np.concatenate([farthest, np.setdiff1d(spread, farthest)])
    off = apart[chosen] > error[chosen]
    chosen = np.concatenate([chosen[off], chosen[~off]])
    return Scatter(row(claimed[chosen]), row(numeric[chosen]), int(off.sum()), int(known.size))


def _kinks(item: Evidence) -> tuple[Kink, ...]:
    """The kinks to draw, those whose claim lies outside the slopes first."""
    found = item.derivatives
    on_kinks = np.flatnonzero((found.lower < found.upper) & np.isfinite(found.error) & np.isfinite(item.claimed))
    outside = np.abs(item.claimed - item.numeric)[on_kinks]
    chosen = on_kinks[np.argsort(-outside, kind="stable")][:_MOST_KINKS]
    return tuple(
        Kink(
            item.parameter.entry(int(k)),
            float(item.claimed[k]),
            float(found.lower[k]),
            float(found.upper[k]),
            float(item.error[k]),
        )
        for k in chosen
    )
