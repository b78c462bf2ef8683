"""What migrations between frameworks get wrong, done otherwise in what a PyTorch cost calls."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, final

import torch
from torch.overrides import TorchFunctionMode

from gradcheck_core.protocol import Alteration, conventions
from gradcheck_core.protocol.conventions import EPSILONS, SLOPES

from .calls import Call, call_of
from .conventions import LAYOUTS, padded_at_the_end, padded_the_other_way, pads_moved, relaid
from .widening import TO_FLOAT64, promoting

Rule = Callable[[Call], Callable[[], Any] | None]
"""From a call to what is called in its place; None where it stays as it is."""


def alterations(run: Callable[[], object]) -> Iterator[Alteration]:
    """The alterations that change something in what this does, the likelier first.

    Parameters
    ----------
    run : callable
        Calls the cost once.
    """
    seen = _Seen()
    with seen:
        run()
    for kind, sentence, rule, first_only in _rules(seen):
        yield Alteration(kind, sentence, _altering(rule, first_only))
    if seen.lower:
        sentence = conventions.of_dtypes([str(dtype).removeprefix("torch.") for dtype in seen.lower])
        yield Alteration("dtype", sentence, lambda cost: promoting(cost, TO_FLOAT64))


def _altering(rule: Rule, first_only: bool) -> Callable[[Callable[..., object]], Callable[..., object]]:
    def altered(cost: Callable[..., object]) -> Callable[..., object]:
        def called(*arguments: object) -> object:
            with _Altering(rule, first_only):
                return cost(*arguments)

        return called

    return altered


@final
class _Seen(TorchFunctionMode):
    """Takes note of the calls that conventions differ on."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
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
    def __init__(self, rule: Rule, first_only: bool) -> None:
        super().__init__()
        self._rule = rule
        self._once = first_only
        self._done = False

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        call = None if self._once and self._done else call_of(function, args, kwargs)
        replaced = None if call is None else self._rule(call)
        if replaced is None:
            return function(*args, **kwargs)
        self._done = True
        return replaced()


def _rules(seen: _Seen) -> Iterator[tuple[str, str, Rule, bool]]:
    """Kind, sentence and rule of everything that would change one of the calls that were seen.

    The last is whether it changes the first call only.
    """
    yield from _modes(seen.calls)
    yield from _gelus([call["approximate"] for call in seen.calls if call.name == "gelu"])
    yield from _paddings(seen.calls)
    yield from _epsilons(seen.calls)
    yield from _slopes([call["negative_slope"] for call in seen.calls if call.name == "leaky_relu"])
    if any(call.name.startswith("conv") for call in seen.calls):
        for layout in LAYOUTS:
            yield "layout", conventions.of_layout(layout), partial(relaid, layout=layout), True


def _modes(calls: list[Call]) -> Iterator[tuple[str, str, Rule, bool]]:
    dropping = [call for call in calls if call.drops_out]
    training = {call.trains for call in calls if call.name == "batch_norm"}
    if dropping:
        yield "dropout", conventions.DROPOUT, Call.without_dropout, False
    for now in sorted(training, reverse=True):
        yield "mode", conventions.of_batch_norm(now), partial(Call.training, training=not now), False
    if dropping and True in training:
        yield "mode", conventions.TRAINING, lambda call: call.without_dropout() or call.training(False), False


def _gelus(present: list[str]) -> Iterator[tuple[str, str, Rule, bool]]:
    for now in sorted(set(present)):
        other = "tanh" if now == "none" else "none"
        yield "gelu", conventions.of_gelu(now == "none"), partial(_setting, "gelu", "approximate", other), False


def _paddings(calls: list[Call]) -> Iterator[tuple[str, str, Rule, bool]]:
    for chosen in conventions.each_and_all(call.name for call in calls if padded_at_the_end(call) is not None):
        yield "padding", conventions.PADDING, partial(_padded, chosen), False
    for at_the_end, sentence in ((True, conventions.PADDING), (False, conventions.PADDING_AT_THE_END)):
        if any(pads_moved(call, at_the_end=at_the_end) is not None for call in calls):
            yield "padding", sentence, partial(pads_moved, at_the_end=at_the_end), False
    if any(padded_the_other_way(call) is not None and call["padding"] not in (0, (0, 0)) for call in calls):
        yield "padding", conventions.AVERAGES, padded_the_other_way, False


def _padded(names: frozenset[str], call: Call) -> Callable[[], Any] | None:
    return padded_at_the_end(call) if call.name in names else None


def _epsilons(calls: list[Call]) -> Iterator[tuple[str, str, Rule, bool]]:
    present: dict[str, set[float | None]] = {}
    for call in calls:
        if "eps" in call:
            present.setdefault(call.name, set()).add(call["eps"])
    for epsilon in EPSILONS:
        for name, now in present.items():
            if now != {epsilon}:
                sentence = conventions.of_epsilon(name, now, epsilon)
                yield "epsilon", sentence, partial(_setting, name, "eps", epsilon), False
        if len(present) > 1:
            sentence = conventions.of_epsilon(" and ".join(present), set().union(*present.values()), epsilon)
            yield "epsilon", sentence, partial(_setting, None, "eps", epsilon), False
        for added in sorted({call.added for call in calls if call.added is not None}):
            if added != epsilon:
                sentence = conventions.of_epsilon("", {added}, epsilon)
                yield "epsilon", sentence, partial(_adding, added, epsilon), False


def _slopes(present: list[float]) -> Iterator[tuple[str, str, Rule, bool]]:
    for slope in SLOPES if present else ():
        if set(present) != {slope}:
            sentence = conventions.of_slope(set(present), slope)
            yield "slope", sentence, partial(_setting, "leaky_relu", "negative_slope", slope), False


def _setting(name: str | None, argument: str, value: object, call: Call) -> Call | None:
    """The call with an argument set, if it is one of that name, or of any where that is None."""
    return call.replacing(**{argument: value}) if argument in call and name in (None, call.name) else None


def _adding(added: float, epsilon: float, call: Call) -> Call | None:
    return call.replacing(other=epsilon) if call.added == added else None
