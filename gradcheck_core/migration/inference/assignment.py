"""Which of several is which of several others, so that all together fit best.

SciPy solves the assignment; this module is imported only if there is one to solve.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

_TIE = 1e-9
"""Scores closer than this are equal: they are sums of quotients of small whole numbers."""


def find_best_pairs(scores: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """The clear pairs of the assignment of rows to columns with the largest sum of scores.

    A pair is not clear if another assignment is as good: with two pairs crossed over, or with a row or column in its
    place that is in no pair.

    Parameters
    ----------
    scores : numpy.ndarray
        Shape ``(rows, columns)``; minus infinity for what cannot be a pair.
    """
    possible = np.isfinite(scores)
    # an impossible pair is taken only if nothing else is left
    never = -(1.0 + float(np.abs(scores[possible]).sum())) if possible.any() else -1.0
    filled = np.where(possible, scores, never)
    rows, columns = linear_sum_assignment(filled, maximize=True)
    chosen = filled[rows, columns]
    crossed = filled[np.ix_(rows, columns)]
    gain = chosen[:, None] + chosen[None, :] - crossed - crossed.T
    np.fill_diagonal(gain, np.inf)
    as_good = (gain <= _TIE).any(axis=1)
    spare_rows = np.delete(filled, rows, axis=0)[:, columns]
    spare_columns = np.delete(filled, columns, axis=1)[rows]
    for spare in (spare_rows.T, spare_columns):
        if spare.shape[1]:
            as_good |= spare.max(axis=1) >= chosen - _TIE
    clear = possible[rows, columns] & ~as_good
    return [(int(row), int(column)) for row, column in zip(rows[clear], columns[clear], strict=True)]
