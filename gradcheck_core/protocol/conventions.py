"""Conventions on which frameworks differ: the values that are in use, and how a report says which one it is.

In every sentence ``{side}`` is the side that was altered and ``{other}`` the one that it then agrees with.
"""

from collections.abc import Collection, Iterable

EPSILONS = (1e-3, 1e-5, 1e-6, 1e-8, 1e-12, 1e-7, 1e-4, 1e-2, 1e-10, 0.0)
"""Of Keras' batch and layer norm; PyTorch's; Flax'; what BERT and others have; what people write."""

SLOPES = (0.01, 0.2, 0.3, 0.1)
"""Of leaky ReLU: PyTorch's and JAX's; TensorFlow's; Keras' layer of old; what people write."""

LARGEST_EPSILON = 1e-2
"""A larger number that is added is part of the model."""

DROPOUT = "dropout is active in `{side}` and not in `{other}`"
TRAINING = "`{side}` is in training mode and `{other}` in evaluation mode: dropout and batch norm"
PADDING = "windows are padded alike on both sides in `{side}`, and more at the end in `{other}`, as by SAME"
PADDING_AT_THE_END = "windows are padded more at the end in `{side}`, as by SAME, and alike on both sides in `{other}`"
AVERAGES = "averages over windows count the padding in one of `{side}` and `{other}` only"


def padded_otherwise(low: int, high: int, at_the_end: bool) -> tuple[int, int]:
    """Padding before and after an axis, with one less before where it is alike, or alike where it is not.

    Examples
    --------
    >>> padded_otherwise(1, 1, at_the_end=True), padded_otherwise(0, 1, at_the_end=False)
    ((0, 1), (1, 1))
    """
    if at_the_end:
        return (low - 1, high) if low == high and low > 0 else (low, high)
    return max(low, high), max(low, high)


def each_and_all(names: Iterable[str]) -> list[frozenset[str]]:
    """Kinds of what a cost calls: all of them, then, where there are several, each alone.

    Examples
    --------
    >>> [sorted(some) for some in each_and_all(["pool", "conv"])]
    [['conv', 'pool'], ['conv'], ['pool']]
    """
    known = sorted(set(names))
    alone = [frozenset([name]) for name in known]
    return [frozenset(known), *alone] if len(known) > 1 else alone


def of_batch_norm(training: bool) -> str:
    """Of batch norms that now are in training mode, or not."""
    mine, theirs = ("the batch", "running averages") if training else ("running averages", "the batch")
    return f"the batch norms of `{{side}}` use the statistics of {mine}, those of `{{other}}` those of {theirs}"


def of_gelu(exact: bool) -> str:
    """Of GELU that now is exact, or not."""
    mine, theirs = ("exact", "by its tanh approximation") if exact else ("by its tanh approximation", "exact")
    return f"GELU is {mine} in `{{side}}` and {theirs} in `{{other}}`"


def of_epsilon(where: str, present: Collection[float | None], epsilon: float) -> str:
    """Of an epsilon that is another now; without a place, of a small number that is added; None: a default."""
    now = ", ".join(sorted(f"{one:g}" for one in present if one is not None)) or "the default"
    what = f"the epsilon of {where}" if where else "the epsilon that is added"
    return f"{what} is {now} in `{{side}}`, and `{{other}}` computes as with {epsilon:g}"


def of_slope(present: Collection[float], slope: float) -> str:
    """Of a leaky ReLU that has another slope now."""
    now = ", ".join(f"{one:g}" for one in sorted(present))
    return f"the slope of leaky ReLU is {now} in `{{side}}` and {slope:g} in `{{other}}`"


def of_layout(how: str) -> str:
    """Of an input that is laid out in another way."""
    return f"the input of the first convolution of `{{side}}` is not laid out as that of `{{other}}`: {how}"


def of_dtypes(dtypes: Collection[str]) -> str:
    """Of parts that are computed in lower precision."""
    return f"`{{side}}` computes in {', '.join(sorted(dtypes))} what `{{other}}` computes in higher precision"
