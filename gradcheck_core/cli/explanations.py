"""What each verdict means, where it comes from and what to do, beside what the diagnosis says of each mistake."""

from types import MappingProxyType

from ..diagnosis.kinds import EXPLANATIONS as MISTAKES
from ..diagnosis.kinds import Explanation
from ..report.verdict import Verdict

VERDICTS = MappingProxyType(
    {
        Verdict.CORRECT: Explanation(
            "The claimed gradient agrees with the differences to better than 1e-7, and their own error could not hide "
            "more than that.",
            "It is what a right gradient gets wherever the cost is smooth and computed in float64.",
            "Nothing. It holds at these parameters and this data: a branch that they do not reach was not checked.",
        ),
        Verdict.INSPECT: Explanation(
            "It passes: the difference is below 1e-5, or there is no evidence of a mistake but the resolution is "
            "coarser than 1e-7.",
            "The cost is noisy (float32, long sums, a large constant), bends sharply, or a parameter's gradient is "
            "so small beside the others that it was measured on their scale.",
            "Compare difference and resolution. Where the difference is the smaller one, only the resolution limits "
            "what is known: check a float64 copy, fewer examples, or the parameter by itself with `include=`. Where it "
            "is the larger one, something small is off: a constant rounded to float32, an epsilon left out.",
        ),
        Verdict.SUSPECT: Explanation(
            "The claimed gradient differs by more than its resolution, from 1e-5 to 1e-3: evidence of a mistake, but "
            "of a small one.",
            "An approximation in the backward pass (a polynomial for a function, an epsilon on one side only, a "
            "half-precision step), or one wrong entry among many right ones.",
            "Look at the worst entry first. Where it is one of many, the others tell what is special about it.",
        ),
        Verdict.BUG: Explanation(
            "The claimed gradient is wrong: it differs by 1e-3 or more, and the differences are surer than that; or it "
            "is not finite.",
            "A wrong rule, a factor, an index, a transpose; or a gradient that is no derivative on purpose, such as a "
            "straight-through estimator or a clipped one.",
            "Start with the parameter that the report names, and with the diagnosis where there is one. Leave out with "
            "`exclude=` what is no derivative on purpose. A mistake in one layer makes all layers before it wrong.",
        ),
        Verdict.INCONCLUSIVE: Explanation(
            "There is no evidence of a mistake, and none that there is none: the error of the differences could hide "
            "one of 1e-3 or more. It does not pass.",
            "The cost is as noisy as it changes, is constant or jumps, its evaluations ran out (`max_evaluations`, "
            "`max_seconds`), or the gradient vanishes, as at a fitted optimum.",
            "Lower the noise (float64, fewer terms, no large constant), move the parameters away from the optimum or "
            "the kink, or allow more evaluations.",
        ),
    }
)

EXPLANATIONS = MappingProxyType({**{verdict.value: text for verdict, text in VERDICTS.items()}, **MISTAKES})
"""By the verdict or the kind of mistake, as reports write it."""
