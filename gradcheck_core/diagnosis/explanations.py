"""What each kind of mistake means, where it comes from and what to do: the text for people, kept in this one place.

`docs/diagnosis.md` is written from it.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Explanation:
    """About one kind: what is so, how it comes about, and what to do; each a paragraph."""

    means: str
    cause: str
    cure: str


EXPLANATIONS = MappingProxyType(
    {
        "not_finite": Explanation(
            "Entries of the claimed gradient are NaN or infinite, though the cost is finite.",
            "The backward pass divides by zero, takes the logarithm or the root of zero, or lets an exponential "
            "overflow, often in a branch that the forward pass does not use: `where(x > 0, sqrt(x), 0)` has the "
            "derivative 0 times infinity at x = 0.",
            "Keep the argument away from the singular point before the operation, not after it: "
            "`sqrt(where(x > 0, x, 1))` inside the `where`. Use stable forms such as log-sum-exp and softplus.",
        ),
        "zero": Explanation(
            "The claimed gradient is exactly zero, and the cost depends on the parameter.",
            "The parameter is detached from the cost (`detach`, `stop_gradient`, a conversion to NumPy and back), its "
            "gradient is never computed or is overwritten, or a frozen copy was used in the forward pass.",
            "Follow the parameter through the forward pass to the place where the graph ends. Where the "
            "gradient is zero on "
            "purpose, leave the parameter out with `exclude=`.",
        ),
        "sign_flipped": Explanation(
            "Every entry of the claimed gradient is the negative of the numeric one.",
            "The error signal was taken as target - prediction, a minus of the loss is missing, or the gradient of "
            "something that is maximised was returned for its negative.",
            "Where all parameters have it, look at the derivative of the loss; where one has it, at its own rule.",
        ),
        "scaled": Explanation(
            "The claimed gradient is the numeric one times a constant, the same for every entry.",
            "A factor of 2 or 1/2 is mostly that of a square. A whole number or its inverse is mostly a batch size or "
            "a length: a mean differentiated as a sum, a sum as a mean, or a mean taken twice. Others are "
            "temperatures, "
            "dropout rates, scales of attention scores or of a loss.",
            "Where all parameters share the factor, it belongs to the derivative of the loss. Else write down the rule "
            "of this one parameter, constants included, and compare.",
        ),
        "single_entry": Explanation(
            "One entry of the claimed gradient is wrong, and all others are right; or the parameter has only one.",
            "An index at a boundary, a padding token, an entry that several terms write to and one overwrites, or a "
            "subgradient at a kink that is none.",
            "Find out what is special about the entry that the report names. Replace `g[i] = d` by `g[i] += d` "
            "where an index may come twice.",
        ),
        "partial": Explanation(
            "Only some rows, columns, channels or steps, a diagonal or a triangle are wrong; the rest is right.",
            "A mask that is not applied in the backward pass, a slice that is one too short, a gate or a head that is "
            "left out, repeated rows of an embedding that are overwritten and not added, a first or last time step.",
            "Ask what the named slices have in common in the forward pass. The sentence says if the entries there are "
            "zero, of the wrong sign, or off by a factor. Of a complex parameter, wrong imaginary parts of "
            "the wrong sign "
            "mean the conjugate: the frameworks' conventions differ.",
        ),
        "transposed": Explanation(
            "The claimed gradient is the transpose of the numeric one, or has its entries in the transpose's order.",
            "`d.T @ x` in place of `x.T @ d`, a kernel with input and output channels exchanged, or an array read in "
            "Fortran order and written in C order.",
            "Add the missing `.T` or put the axes in order. Shapes hide it in square matrices only: check with sizes "
            "that all differ.",
        ),
        "reversed": Explanation(
            "The claimed gradient is the numeric one backwards along one axis or several.",
            "A convolution's kernel is flipped where a correlation's is not, or the other way round; or a recurrent "
            "net's steps were collected from the last to the first.",
            "Flip the kernel once: by the kernel's own axes, not its channels. Reverse the collected steps.",
        ),
        "shifted": Explanation(
            "The claimed gradient is the numeric one some places further along an axis, round the end or with zeros "
            "coming in.",
            "An index that is off by one: states before and after a step confused, a padding that is cut "
            "off on one side "
            "only, labels shifted for the next token.",
            "Write the forward pass's indices beside those of the backward pass, at the first and at the last place.",
        ),
        "permuted": Explanation(
            "The claimed gradient has the right rows, columns or entries in another order.",
            "A sort, a shuffle or a gather whose inverse is not applied, heads or gates that are laid out in another "
            "order, a reshape that should have been a transpose.",
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
            "A mean or sum over an axis that the forward pass does not reduce, broadcast back over it; or a sum over a "
            "broadcast axis that is missing, or is made over the wrong one. (A mean for the sum over a "
            "batch is a factor, "
            "and named `scaled`.)",
            "The gradient by something that was broadcast is the sum over the axes along which it was: "
            "those, and no other.",
        ),
        "weight_decay": Explanation(
            "The claimed gradient has a multiple of the parameter itself too much or too little.",
            "An L2 penalty that is in the gradient and not in the cost, or the other way round; an optimiser's "
            "decoupled weight decay that was added to the gradient.",
            "Put the penalty into both or neither. The number in the sentence is its rate: of a penalty "
            "`rate / 2 * sum(w**2)`, or twice that of `rate * sum(w**2)`.",
        ),
        "l1": Explanation(
            "The claimed gradient has a multiple of the parameter's signs too much or too little.",
            "An L1 penalty that is in the gradient and not in the cost, or the other way round.",
            "Put the penalty into both or neither.",
        ),
        "offset": Explanation(
            "The claimed gradient is off by a constant: one for all entries, or one for each row, column or channel.",
            "The path through a mean is missing, as of layer normalisation, batch normalisation or the normaliser of a "
            "softmax; or a term that was broadcast is added where it does not belong.",
            "Differentiate the mean too: what is subtracted from every entry depends on every entry.",
        ),
    }
)  # fmt: skip
"""By `Diagnosis.kind`."""
