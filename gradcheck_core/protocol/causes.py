"""What migrations between frameworks get wrong: alterations of a cost, and how a report describes them.

A backend may register a function that returns them for an open problem, as an entry point in `registry.CAUSES_GROUP`.
In every sentence ``{side}`` is the altered side, and ``{other}`` the side that it then agrees with.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import ParamSpec, TypeVar, final

T = TypeVar("T")
P = ParamSpec("P")


@final
@dataclass(frozen=True, slots=True)
class Alteration:
    """A cost in which one thing is changed that a migration may have got wrong.

    Laws for a function that returns them: it returns only those that change something in this cost, the likelier
    first, always in the same order; an altered cost differs only while it is called, and can be opened and
    differentiated as the original can; theta, the random state and everything else of the caller's stay as they were,
    also when an altered call raises.

    Attributes
    ----------
    kind : str
        Which of the known mistakes: ``epsilon``, ``gelu``, ``padding``, ``layout``, ``mode``, ``dropout``, ...
    sentence : str
        What ``{side}``, which is altered, and ``{other}`` do if the altered cost is the other's: "GELU is exact in
        `{side}` and by its tanh approximation in `{other}`".
    altered : callable
        From the cost to the altered one, which takes the same arguments.
    """

    kind: str
    sentence: str
    altered: Callable[[Callable[..., object]], Callable[..., object]]


EPSILONS = (1e-3, 1e-5, 1e-6, 1e-8, 1e-12, 1e-7, 1e-4, 1e-2, 1e-10, 0.0)
"""Of Keras' batch and layer norm; PyTorch's; Flax'; what BERT and others have; what people write."""

SLOPES = (0.01, 0.2, 0.3, 0.1)
"""Of leaky ReLU: PyTorch's and JAX's; TensorFlow's; that of Keras' old layer; what people write."""

LARGEST_EPSILON = 1e-2
"""A larger number that is added is part of the model."""

DROPOUT = "dropout is active in `{side}` and not in `{other}`"
TRAINING = "`{side}` is in training mode and `{other}` in evaluation mode: dropout and batch norm"
PADDING = "windows are padded alike on both sides in `{side}`, and more at the end in `{other}`, as by SAME"
PADDING_AT_THE_END = "windows are padded more at the end in `{side}`, as by SAME, and alike on both sides in `{other}`"
PADDINGS = ((True, PADDING), (False, PADDING_AT_THE_END))
"""Whether the altered windows are padded more at the end, and the sentence for it."""

CHANNELS_LAST, CHANNELS_FIRST = "channels last, reshaped", "channels first, reshaped"
LAYOUTS = (CHANNELS_LAST, CHANNELS_FIRST, "height and width swapped")
"""How an input can have come into its shape; `find_axes` undoes it."""

AVERAGES = "averages over windows count the padding in one of `{side}` and `{other}` only"


def pad_differently(low: int, high: int, at_the_end: bool) -> tuple[int, int]:
    """Padding before and after an axis: one less before if both are equal, or both equal if they are not.

    Examples
    --------
    >>> pad_differently(1, 1, at_the_end=True), pad_differently(0, 1, at_the_end=False)
    ((0, 1), (1, 1))
    """
    if at_the_end:
        return (low - 1, high) if low == high and low > 0 else (low, high)
    return max(low, high), max(low, high)


def pad_window(
    length: int, window: tuple[int, int, int], at_the_end: bool, present: tuple[int, int] | None = None
) -> tuple[int, int]:
    """Padding of an axis of a window as SAME has it, more at the end, or equal on both sides.

    Where the output would then have another length, the padding stays as it is.

    Parameters
    ----------
    length : int
        Of the axis.
    window : (int, int, int)
        Its size, stride and dilation along the axis.
    at_the_end : bool
        Whether SAME's padding is wanted.
    present : (int, int), optional
        The padding as it is; None (default) is SAME's.

    Examples
    --------
    >>> pad_window(8, (3, 2, 1), True, (1, 1)), pad_window(8, (3, 2, 1), False)
    ((0, 1), (1, 1))
    """
    size, stride, dilation = window
    reach = dilation * (size - 1) + 1
    outputs = -(-length // stride)
    total = max((outputs - 1) * stride + reach - length, 0)
    same = (total // 2, total - total // 2)
    present = same if present is None else present
    wanted = same if at_the_end else (-(-total // 2),) * 2
    fits = all((length + sum(padding) - reach) // stride + 1 == outputs for padding in (present, wanted))
    return wanted if fits else present


def find_axes(layout: str, shape: tuple[int, ...], channels: int) -> tuple[tuple[int, ...], ...]:
    """The shape in which to see an input that came in a layout, the order of its axes then, and its shape after that.

    In its present `shape` the axis `channels` has the channels, and the first axis the batch.

    Examples
    --------
    >>> find_axes("channels last, reshaped", (8, 3, 4, 5), channels=1)
    ((8, 4, 5, 3), (0, 3, 1, 2), (8, 3, 4, 5))
    """
    places = [axis for axis in range(1, len(shape)) if axis != channels]
    lengths = tuple(shape[axis] for axis in places)
    if layout == CHANNELS_LAST:
        return (shape[0], *lengths, shape[channels]), (0, len(shape) - 1, *range(1, len(shape) - 1)), shape
    if layout == CHANNELS_FIRST:
        return (shape[0], shape[channels], *lengths), (0, *range(2, len(shape)), 1), shape
    swapped = dict(zip(places[-2:], reversed(places[-2:]), strict=True))
    axes = tuple(swapped.get(axis, axis) for axis in range(len(shape)))
    return shape, axes, tuple(shape[axis] for axis in axes)


def answer_once(answer: Callable[P, T | None]) -> Callable[P, T | None]:
    """A rule for calls of a cost that answers the first call for which it has an answer, and no other."""
    answered = False

    def answer_first(*args: P.args, **kwargs: P.kwargs) -> T | None:
        nonlocal answered
        found = None if answered else answer(*args, **kwargs)
        answered = answered or found is not None
        return found

    return answer_first


def each_and_all(names: Iterable[str]) -> list[frozenset[str]]:
    """Kinds of what a cost calls: all of them, then, if there are several, each alone.

    Examples
    --------
    >>> [sorted(some) for some in each_and_all(["pool", "conv"])]
    [['conv', 'pool'], ['conv'], ['pool']]
    """
    known = sorted(set(names))
    alone = [frozenset([name]) for name in known]
    return [frozenset(known), *alone] if len(known) > 1 else alone


def other_epsilons(places: Collection[tuple[str, Collection[float | None], T]]) -> Iterator[tuple[str, T, float]]:
    """A sentence, the place and an epsilon, for every epsilon in use that a place does not have.

    Parameters
    ----------
    places : collection of (str, collection of float or None, object)
        The name of a place, or nothing for a small number that is added; its epsilons, None for a default; and whatever
        says there what to change.
    """
    for epsilon in EPSILONS:
        for name, present, place in places:
            if set(present) != {epsilon}:
                now = ", ".join(sorted(f"{one:g}" for one in present if one is not None)) or "the default"
                what = f"the epsilon of {name}" if name else "the epsilon that is added"
                yield f"{what} is {now} in `{{side}}`, and `{{other}}` computes as with {epsilon:g}", place, epsilon


def other_slopes(present: Collection[float]) -> Iterator[tuple[str, float]]:
    """A sentence and a slope, for every slope of leaky ReLU in use that is not the present one."""
    now = ", ".join(f"{one:g}" for one in sorted(set(present)))
    for slope in SLOPES if present else ():
        if set(present) != {slope}:
            yield f"the slope of leaky ReLU is {now} in `{{side}}` and {slope:g} in `{{other}}`", slope


def describe_batch_norm(training: bool) -> str:
    """A sentence about batch norms whose mode differs between the sides; `training` is the mode of this side."""
    mine, theirs = ("the batch", "running averages") if training else ("running averages", "the batch")
    return f"the batch norms of `{{side}}` use the statistics of {mine}, those of `{{other}}` those of {theirs}"


def describe_gelu(exact: bool) -> str:
    """A sentence about a GELU that is exact on one side only: on this one, or on the other."""
    mine, theirs = ("exact", "by its tanh approximation") if exact else ("by its tanh approximation", "exact")
    return f"GELU is {mine} in `{{side}}` and {theirs} in `{{other}}`"


def describe_layout(how: str) -> str:
    """A sentence about an input that is laid out in another way."""
    return f"the input of the first convolution of `{{side}}` is not laid out as that of `{{other}}`: {how}"


def describe_dtypes(dtypes: Collection[str]) -> str:
    """A sentence about parts that are computed in lower precision, in these dtypes."""
    return f"`{{side}}` computes in {', '.join(sorted(dtypes))} what `{{other}}` computes in higher precision"
