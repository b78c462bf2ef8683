"""What migrations between frameworks get wrong, done otherwise in what a TensorFlow or Keras cost calls."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any, final

import tensorflow as tf

from gradcheck_core.protocol import Alteration, conventions
from gradcheck_core.protocol.conventions import EPSILONS, SLOPES

from .calls import Call, activations_looked_up, answered, attributes_lent
from .conventions import LAYOUTS, padded_alike, pads_moved, relaid
from .promotion import functions_taken_apart, promoting, promoting_in_graphs, wider

Around = Callable[[], AbstractContextManager[object]]
"""What has to be entered for a cost to do one thing otherwise."""


def alterations(run: Callable[[], object], layers: list[Any]) -> Iterator[Alteration]:
    """The alterations that change something in what this does, the likelier first.

    Parameters
    ----------
    run : callable
        Calls the cost once.
    layers : list
        The Keras layers that it may call.
    """
    seen = _Seen()
    norms = _batch_norms(layers)
    with (
        functions_taken_apart(),
        activations_looked_up(layers),
        answered(seen.note),
        attributes_lent(norms, "call", seen.noting_mode),
    ):
        run()
    for kind, sentence, around in _everything(seen, layers, norms):
        yield Alteration(kind, sentence, partial(_altered, around, layers))


def _altered(around: Around, layers: list[Any], cost: Callable[..., object]) -> Callable[..., object]:
    def called(*arguments: object) -> object:
        # a traced function would not look anything up anew
        with functions_taken_apart(), activations_looked_up(layers), around():
            return cost(*arguments)

    return called


@final
class _Seen:
    """Takes note of the calls that conventions differ on, and of the mode of batch norms."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.modes: set[bool] = set()

    def note(self, call: Call) -> None:
        self.calls.append(call)

    def noting_mode(self, layer: Any) -> Callable[..., Any]:
        call = layer.call

        def noted(inputs: Any, training: bool | None = None, **keywords: Any) -> Any:
            self.modes.add(bool(training))
            return call(inputs, training=training, **keywords)

        return noted


def _everything(seen: _Seen, layers: list[Any], norms: list[Any]) -> Iterator[tuple[str, str, Around]]:
    names = {call.name for call in seen.calls}
    if "dropout" in names:
        yield "dropout", conventions.DROPOUT, partial(answered, _without_dropout)
    for now in sorted(seen.modes, reverse=True):
        yield "mode", conventions.of_batch_norm(now), partial(_in_mode, norms, not now)
    if "dropout" in names and True in seen.modes:
        yield "mode", conventions.TRAINING, partial(_evaluating, norms)
    for approximate in sorted({bool(call["approximate"]) for call in seen.calls if call.name == "gelu"}):
        answer = partial(_with, "gelu", "approximate", not approximate)
        yield "gelu", conventions.of_gelu(exact=not approximate), partial(answered, answer)
    padded = {call.name for call in seen.calls if padded_alike(call) is not None}
    for chosen in conventions.each_and_all(padded):
        yield "padding", conventions.PADDING_AT_THE_END, partial(answered, partial(_padded_alike, chosen))
    for at_the_end, sentence in ((True, conventions.PADDING), (False, conventions.PADDING_AT_THE_END)):
        if any(pads_moved(call, at_the_end=at_the_end) is not None for call in seen.calls):
            yield "padding", sentence, partial(answered, partial(pads_moved, at_the_end=at_the_end))
    added = {call["variance_epsilon"] for call in seen.calls if call.name == "batch_normalization"}
    yield from _epsilons(layers, added)
    slopes = {float(call["alpha"]) for call in seen.calls if call.name == "leaky_relu"}
    for slope in SLOPES if slopes else ():
        if slopes != {slope}:
            answer = partial(_with, "leaky_relu", "alpha", slope)
            yield "slope", conventions.of_slope(slopes, slope), partial(answered, answer)
    if "convolution" in names:
        for layout in LAYOUTS:
            yield "layout", conventions.of_layout(layout), partial(_relaying, layout)
    lower = {tf.as_dtype(call["dtype"]).name for call in seen.calls if call.name == "cast"}
    if any(wider(dtype) for dtype in lower):
        yield "dtype", conventions.of_dtypes([dtype for dtype in lower if wider(dtype)]), _promoted


def _epsilons(layers: list[Any], in_batch_norms: set[float]) -> Iterator[tuple[str, str, Around]]:
    holding = [layer for layer in layers if isinstance(vars(layer).get("epsilon"), float)]
    kinds: dict[str, list[Any]] = {}
    for layer in holding:
        kinds.setdefault(type(layer).__name__, []).append(layer)
    chosen = list(kinds.items())
    if len(kinds) > 1:
        chosen.append((" and ".join(kinds), holding))
    for epsilon in EPSILONS:
        for kind, some in chosen:
            present = {layer.epsilon for layer in some}
            if present != {epsilon}:
                around = partial(attributes_lent, some, "epsilon", partial(_always, epsilon))
                yield "epsilon", conventions.of_epsilon(kind, present, epsilon), around
        if in_batch_norms and not holding and in_batch_norms != {epsilon}:
            sentence = conventions.of_epsilon("tf.nn.batch_normalization", in_batch_norms, epsilon)
            answer = partial(_with, "batch_normalization", "variance_epsilon", epsilon)
            yield "epsilon", sentence, partial(answered, answer)


def _always(value: object, owner: object) -> object:
    return value


def _padded_alike(names: frozenset[str], call: Call) -> Any:
    return padded_alike(call) if call.name in names else None


def _without_dropout(call: Call) -> Any:
    return tf.identity(call.data) if call.name == "dropout" else None


def _with(name: str, argument: str, value: object, call: Call) -> Any:
    return call.replacing(**{argument: value})() if call.name == name else None


@contextmanager
def _in_mode(norms: list[Any], training: bool) -> Iterator[None]:
    def forced(layer: Any) -> Callable[..., Any]:
        call = layer.call

        def in_mode(inputs: Any, **keywords: Any) -> Any:
            return call(inputs, **{**keywords, "training": training})

        return in_mode

    with attributes_lent(norms, "call", forced):
        yield


@contextmanager
def _evaluating(norms: list[Any]) -> Iterator[None]:
    with answered(_without_dropout), _in_mode(norms, training=False):
        yield


@contextmanager
def _relaying(layout: str) -> Iterator[None]:
    first = True

    def answer(call: Call) -> Any:
        nonlocal first
        if not first or call.name != "convolution":
            return None
        first = False
        return relaid(call, layout)

    with answered(answer):
        yield


@contextmanager
def _promoted() -> Iterator[None]:
    def kept(call: Call) -> Any:
        # what is float64 stays so; what is not is promoted where it meets that
        lower = call.name == "cast" and wider(tf.as_dtype(call["dtype"]).name) is not None
        return tf.cast(call.data, tf.float64) if lower and tf.as_dtype(call.data.dtype).is_floating else None

    with ExitStack() as stack:
        stack.enter_context(promoting())
        stack.enter_context(promoting_in_graphs())
        stack.enter_context(answered(kept))
        yield


def _batch_norms(layers: list[Any]) -> list[Any]:
    keras = sys.modules.get("keras")
    return [] if keras is None else [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
