"""A second look, from scratch, at the coordinates where claimed and numeric derivative differ."""

import numpy as np

from ..evaluate.evaluator import Evaluator
from ..numerics.coordinates import Derivatives, ParameterCost
from ..numerics.remeasure import EVALUATIONS_EACH, remeasure
from ..protocol.layout import FloatVector
from .evidence import Claimed

_SECOND_LOOKS = 8
"""Coordinates measured again at a time; once this many are confirmed wrong, the verdict cannot change any more."""


def look_again(
    at: ParameterCost, evaluator: Evaluator, steps: FloatVector, swept: Derivatives, claimed: Claimed
) -> Derivatives:
    """Measure again, carefully, the coordinates that differ from the claim and those that could not be measured.

    The most suspicious come first; when as many as a look takes are confirmed to differ, the rest keep the sweep's
    values.
    """
    suspicion = claimed.excess(swept)
    waiting = np.flatnonzero(suspicion > 0)
    waiting = waiting[np.argsort(-suspicion[waiting], kind="stable")]
    found = swept
    confirmed = 0
    while waiting.size and confirmed < _SECOND_LOOKS:
        affordable = evaluator.left_beyond(1, EVALUATIONS_EACH * _SECOND_LOOKS) // EVALUATIONS_EACH
        if not affordable:
            break
        now, waiting = waiting[:affordable], waiting[affordable:]
        again = remeasure(at, now, steps)
        found = found.replaced(now, again)
        confirmed += int(np.sum(claimed.excess(found)[now] > 0))
    return found
