"""The meaning, origin and cure of every verdict and, from the diagnosis, of every kind of mistake."""

from types import MappingProxyType

from ..diagnosis.kinds import EXPLANATIONS as MISTAKES
from ..diagnosis.kinds import Explanation
from ..report.verdict import Verdict

VERDICTS = MappingProxyType(
    {
        Verdict.CORRECT: Explanation(
            "The claimed gradient agrees with finite differences to better than 1e-7, and their own error could not "
            "hide more than that.",
            "A correct gradient gets this verdict where the cost is smooth and computed in float64.",
            "Nothing. It holds for these parameters and this data: a branch they do not reach was not checked.",
        ),
        Verdict.INSPECT: Explanation(
            "It passes: the difference is below 1e-5, or there is no evidence of a mistake but the resolution is "
            "coarser than 1e-7.",
            "The cost is noisy (float32, long sums, a large constant), bends sharply, or a parameter's gradient is "
            "so small beside the others that it was judged relative to them.",
            "Compare difference and resolution. If the difference is smaller than the resolution, nothing is wrong as "
            "far as can be measured; to measure more closely, check a float64 copy, fewer examples, or that parameter "
            "alone with `include=`. If it is larger, something small is wrong: a constant rounded to float32, an "
            "epsilon left out.",
        ),
        Verdict.SUSPECT: Explanation(
            "The claimed gradient differs by more than its resolution, from 1e-5 to 1e-3: evidence of a mistake, but "
            "of a small one.",
            "An approximation in the backward pass (a polynomial for a function, an epsilon on one side only, a "
            "half-precision step), or one wrong entry among many right ones.",
            "Look at the worst entry first. If only that one is wrong, ask what sets it apart from the others.",
        ),
        Verdict.BUG: Explanation(
            "The claimed gradient is wrong: it differs by 1e-3 or more, which is more than the error of the finite "
            "differences, or it is not finite.",
            "A wrong rule, a factor, an index, a transpose; or a gradient that is deliberately not the derivative, "
            "such as a straight-through estimator or a clipped one.",
            "Start with the parameter that the report names, and with the diagnosis if there is one. Use `exclude=` "
            "for gradients that are deliberately not derivatives. A mistake in a layer makes every earlier one wrong.",
        ),
        Verdict.INCONCLUSIVE: Explanation(
            "Nothing is proved either way: there is no evidence of a mistake, but the error of the differences could "
            "hide one of 1e-3 or more. It does not pass.",
            "The cost's noise is as large as its changes, the cost is constant or jumps, the evaluations ran out "
            "(`max_evaluations`, `max_seconds`), or the gradient vanishes, as at a fitted optimum.",
            "Lower the noise (float64, fewer terms, no large constant), move the parameters away from the optimum or "
            "the kink, or allow more evaluations.",
        ),
    }
)

EXPLANATIONS = MappingProxyType({**{verdict.value: text for verdict, text in VERDICTS.items()}, **MISTAKES})
"""Each explanation by its verdict or kind of mistake, spelt as in reports."""
