"""What migrations between frameworks get wrong, changed in what a PyTorch cost calls."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, final

import torch
from torch.overrides import TorchFunctionMode

from gradcheck_core.protocol import Alteration, Problem, causes

from ..widening import TO_FLOAT64, promote
from .calls import TorchCall, call_of
from .changes import count_padding_otherwise, move_pads, pad_as_same, read_in_layout

Rule = Callable[[TorchCall], Callable[[], Any] | None]
"""From a call to what is called in its place; None where it stays as it is."""

Change = tuple[str, str, Rule]
"""Kind and sentence of an alteration, and its rule."""


def find_alterations(problem: Problem) -> Iterator[Alteration]:
    """The alterations that change something in a problem's cost, the likelier first."""
    seen = _Recording()
    with seen:
        problem.evaluate()
    for kind, sentence, rule in _find_changes(seen.calls):
        yield Alteration(kind, sentence, partial(_alter, rule, kind == "layout"))
    if seen.lower:
        sentence = causes.describe_dtypes([str(dtype).removeprefix("torch.") for dtype in seen.lower])
        yield Alteration("dtype", sentence, lambda cost: promote(cost, TO_FLOAT64))


def _alter(rule: Rule, first_only: bool, cost: Callable[..., object]) -> Callable[..., object]:
    def call(*arguments: object) -> object:
        with _Altering(causes.answer_once(rule) if first_only else rule):
            return cost(*arguments)

    return call


@final
class _Recording(TorchFunctionMode):
    """Records the calls on which conventions differ."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[TorchCall] = []
        self.lower: set[torch.dtype] = set()

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        call = call_of(function, args, kwargs or {})
        if call is not None:
            self.calls.append(call)
        returned = function(*args, **(kwargs or {}))
        if isinstance(returned, torch.Tensor) and returned.dtype in TO_FLOAT64:
            self.lower.add(returned.dtype)
        return returned


@final
class _Altering(TorchFunctionMode):
    """Makes other calls, as a rule says."""

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self._rule = rule

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        call = call_of(function, args, kwargs)
        replaced = None if call is None else self._rule(call)
        return function(*args, **kwargs) if replaced is None else replaced()


def _find_changes(calls: list[TorchCall]) -> Iterator[Change]:
    """Everything that would change one of these calls."""
    yield from _modes(calls)
    for now in sorted({call["approximate"] for call in calls if call.name == "gelu"}):
        other = "tanh" if now == "none" else "none"
        yield "gelu", causes.describe_gelu(now == "none"), partial(_set, "gelu", "approximate", other)
    yield from _paddings(calls)
    yield from _epsilons(calls)
    for sentence, slope in causes.other_slopes([call["negative_slope"] for call in calls if call.name == "leaky_relu"]):
        yield "slope", sentence, partial(_set, "leaky_relu", "negative_slope", slope)
    if any(call.name.startswith("conv") for call in calls):
        for layout in causes.LAYOUTS:
            yield "layout", causes.describe_layout(layout), partial(read_in_layout, layout)


def _modes(calls: list[TorchCall]) -> Iterator[Change]:
    dropping = any(call.without_dropout() is not None for call in calls)
    training = {bool(call["training"]) for call in calls if call.name == "batch_norm"}
    if dropping:
        yield "dropout", causes.DROPOUT, TorchCall.without_dropout
    for now in sorted(training, reverse=True):
        yield "mode", causes.describe_batch_norm(now), partial(TorchCall.in_mode, training=not now)
    if dropping and True in training:
        yield "mode", causes.TRAINING, lambda call: call.without_dropout() or call.in_mode(training=False)


def _paddings(calls: list[TorchCall]) -> Iterator[Change]:
    for chosen in causes.each_and_all(call.name for call in calls if pad_as_same(call) is not None):
        yield "padding", causes.PADDING, partial(_pad_some, chosen)
    for at_the_end, sentence in causes.PADDINGS:
        if any(move_pads(at_the_end, call) is not None for call in calls):
            yield "padding", sentence, partial(move_pads, at_the_end)
    if any(count_padding_otherwise(call) is not None and call["padding"] not in (0, (0, 0)) for call in calls):
        yield "padding", causes.AVERAGES, count_padding_otherwise


def _pad_some(names: frozenset[str], call: TorchCall) -> Callable[[], Any] | None:
    return pad_as_same(call) if call.name in names else None


def _epsilons(calls: list[TorchCall]) -> Iterator[Change]:
    present: dict[str, set[float | None]] = {}
    for call in calls:
        if "eps" in call:
            present.setdefault(call.name, set()).add(call["eps"])
    places: list[tuple[str, set[float | None], Callable[[float, TorchCall], TorchCall | None]]]
    places = [(name, now, partial(_set, name, "eps")) for name, now in present.items()]
    if len(present) > 1:
        places.append((" and ".join(present), set().union(*present.values()), partial(_set, None, "eps")))
    added = sorted({call.added for call in calls if call.added is not None})
    places += [("", {number}, partial(_add, number)) for number in added]
    for sentence, change, epsilon in causes.other_epsilons(places):
        yield "epsilon", sentence, partial(change, epsilon)


def _set(name: str | None, argument: str, value: object, call: TorchCall) -> TorchCall | None:
    """The call with an argument set if it has that name, or any name if that is None."""
    return call.replace(**{argument: value}) if argument in call and name in (None, call.name) else None


def _add(added: float, epsilon: float, call: TorchCall) -> TorchCall | None:
    return call.replace(other=epsilon) if call.added == added else None
