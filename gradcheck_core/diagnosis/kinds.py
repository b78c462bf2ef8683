"""What each kind of mistake means, where it comes from and what to do.

This is the only place with these texts; `docs/diagnosis.md` is written from it.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Explanation:
    """What is so, how it comes about and what to do, a paragraph each."""

    means: str
    cause: str
    cure: str


EXPLANATIONS = MappingProxyType(
    {
        "not_finite": Explanation(
            "Entries of the claimed gradient are NaN or infinite, though the cost is finite.",
            "The backward pass divides by zero, takes the logarithm or the root of zero, or lets an exponential "
            "overflow. Often this happens in a branch that the forward pass does not use: the derivative of "
            "`where(x > 0, sqrt(x), 0)` at x = 0 is 0 times infinity.",
            "Keep the argument away from the singular point before the operation, not after it: "
            "`sqrt(where(x > 0, x, 1))` inside the `where`. Use stable forms such as log-sum-exp and softplus.",
        ),
        "zero": Explanation(
            "The claimed gradient is exactly zero, but the cost depends on the parameter.",
            "The parameter is detached from the cost (`detach`, `stop_gradient`, a conversion to NumPy and back), its "
            "gradient is never computed or is overwritten, or the forward pass used a frozen copy.",
            "Follow the parameter through the forward pass to the place where the graph ends. If the gradient is zero "
            "on purpose, leave the parameter out with `exclude=`.",
        ),
        "sign_flipped": Explanation(
            "Every entry of the claimed gradient is the negative of the numeric one.",
            "The error signal was computed as target - prediction, a minus sign of the loss is missing, or something "
            "is maximised and the gradient is that of its negative.",
            "If all parameters have it, look at the derivative of the loss; if only one has it, at its own derivative.",
        ),
        "scaled": Explanation(
            "The claimed gradient is the numeric one times a constant, the same for every entry.",
            "A factor of 2 or 1/2 usually belongs to a square. A whole number or its inverse is usually a batch size "
            "or a length: a mean was differentiated as a sum, a sum as a mean, or a mean was taken twice. Other "
            "factors are temperatures, dropout rates, or scales of attention scores or of a loss.",
            "If all parameters share the factor, it belongs to the derivative of the loss. Otherwise write down the "
            "derivative of this one parameter, constants included, and compare.",
        ),
        "single_entry": Explanation(
            "One entry of the claimed gradient is wrong and all others are right, or the parameter has only one entry.",
            "An index at a boundary, a padding token, an entry to which several terms contribute and one overwrites "
            "the others, or a value at a kink that is not a subgradient.",
            "Find out what is special about the entry that the report names. Replace `g[i] = d` by `g[i] += d` "
            "if an index can occur twice.",
        ),
        "partial": Explanation(
            "Only some rows, columns, channels or steps, a diagonal or a triangle are wrong; the rest is right.",
            "A mask that the backward pass does not apply, a slice that is too short by one, a gate or a head that is "
            "left out, repeated rows of an embedding that are overwritten instead of added, a first or last time step.",
            "Ask what the named slices have in common in the forward pass. The sentence says whether the entries there "
            "are zero, of the wrong sign, or off by a factor. If the imaginary parts of a complex parameter have the "
            "wrong sign, the claim is the conjugate: the conventions of the frameworks differ.",
        ),
        "transposed": Explanation(
            "The claimed gradient is the transpose of the numeric one, or has its entries in the order of the "
            "transpose.",
            "`d.T @ x` instead of `x.T @ d`, a kernel with input and output channels exchanged, or an array that is "
            "read in Fortran order and written in C order.",
            "Add the missing `.T` or put the axes in order. Only in square matrices do the shapes hide it: check with "
            "sizes that all differ.",
        ),
        "reversed": Explanation(
            "The claimed gradient is the numeric one, backwards along one or several axes.",
            "The kernel of a convolution is flipped, that of a correlation is not, and one was taken for the other; or "
            "the steps of a recurrent net were collected from the last to the first.",
            "Flip the kernel once, along its own axes and not along its channels. Reverse the collected steps.",
        ),
        "shifted": Explanation(
            "The claimed gradient is the numeric one moved some places along an axis. What leaves at one end comes in "
            "at the other, or zeros do.",
            "An index that is off by one: the states before and after a step were confused, padding was cut off at one "
            "end only, or labels were shifted for the next token.",
            "Write the indices of the forward pass next to those of the backward pass, for the first and the last "
            "place.",
        ),
        "permuted": Explanation(
            "The claimed gradient has the right rows, columns or entries in another order.",
            "A sort, a shuffle or a gather whose inverse is not applied, heads or gates that are laid out in another "
            "order, or a reshape that should have been a transpose.",
            "Apply the inverse permutation (`argsort` of the order) to what comes back. Compare the order of gates or "
            "heads in both passes.",
        ),
        "swapped": Explanation(
            "The claimed gradient is that of another parameter, as it is or transposed.",
            "Gradients are returned in another order than the parameters, or one name stands for two arrays.",
            "Return gradients by name, or compare the order in which they are returned with that of `params`.",
        ),
        "reduction": Explanation(
            "Every slice of the claimed gradient is the mean or the sum of all slices along an axis.",
            "The backward pass takes a mean or a sum over an axis that the forward pass does not reduce, and "
            "broadcasts it back; or the sum over a broadcast axis is missing, or is taken over the wrong axis. (A mean "
            "instead of the sum over a batch is a factor and is called `scaled`.)",
            "The gradient of something that was broadcast is the sum over exactly the axes along which it was "
            "broadcast.",
        ),
        "weight_decay": Explanation(
            "The claimed gradient has an extra multiple of the parameter itself, or lacks one.",
            "An L2 penalty is in the gradient but not in the cost, or the other way round; or the decoupled weight "
            "decay of an optimiser was added to the gradient.",
            "Put the penalty into both or into neither. The number in the sentence is its rate r: the penalty is "
            "`r / 2 * sum(w**2)`.",
        ),
        "l1": Explanation(
            "The claimed gradient has an extra multiple of the signs of the parameter, or lacks one.",
            "An L1 penalty is in the gradient but not in the cost, or the other way round.",
            "Put the penalty into both or into neither.",
        ),
        "offset": Explanation(
            "The claimed gradient is off by a constant: one for all entries, or one for each row, column or channel.",
            "The path through a mean is missing, as in layer normalisation, batch normalisation or the normaliser of a "
            "softmax; or a broadcast term is added where it does not belong.",
            "Differentiate the mean too: what is subtracted from every entry depends on every entry.",
        ),
    }
)
"""By `Diagnosis.kind`."""
