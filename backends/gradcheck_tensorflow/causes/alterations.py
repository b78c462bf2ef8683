"""What migrations between frameworks get wrong, changed in what a TensorFlow or Keras cost calls."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import tensorflow as tf

from gradcheck_core.protocol import Alteration, Problem, causes, trees

from ..promotion import promote, promote_in_graphs, take_functions_apart, wider
from ..variables import keras_parts
from .calls import TensorflowCall, answer_calls, lend_attributes, look_up_activations
from .changes import move_pads, pad_alike, read_in_layout

Around = Callable[[], AbstractContextManager[object]]
"""What has to be entered so that a cost does one thing otherwise."""

Change = tuple[str, str, Around]
"""Kind and sentence of an alteration, and what is entered for it."""


def find_alterations(problem: Problem) -> Iterator[Alteration]:
    """The alterations that change something in a problem's cost, the likelier first."""
    layers = [layer for leaf in trees.leaves(problem.params()) for layer in keras_parts(leaf.value)[0]]
    norms = _batch_norms(layers)
    calls: list[TensorflowCall] = []
    modes: set[bool] = set()
    with (
        take_functions_apart(),
        look_up_activations(layers),
        answer_calls(calls.append),
        lend_attributes(norms, "call", partial(_note_mode, modes)),
    ):
        problem.evaluate()
    for kind, sentence, around in _find_changes(calls, modes, layers, norms):
        yield Alteration(kind, sentence, partial(_alter, around, layers))


def _alter(around: Around, layers: list[Any], cost: Callable[..., object]) -> Callable[..., object]:
    def call(*arguments: object) -> object:
        # a traced function would not look anything up anew
        with take_functions_apart(), look_up_activations(layers), around():
            return cost(*arguments)

    return call


def _note_mode(modes: set[bool], layer: Any) -> Callable[..., Any]:
    call = layer.call

    def note(inputs: Any, training: bool | None = None, **keywords: Any) -> Any:
        modes.add(bool(training))
        return call(inputs, training=training, **keywords)

    return note


def _find_changes(
    calls: list[TensorflowCall], modes: set[bool], layers: list[Any], norms: list[Any]
) -> Iterator[Change]:
    names = {call.name for call in calls}
    yield from _modes("dropout" in names, modes, norms)
    for approximate in sorted({bool(call["approximate"]) for call in calls if call.name == "gelu"}):
        yield "gelu", causes.describe_gelu(exact=not approximate), _set_argument("gelu", "approximate", not approximate)
    for chosen in causes.each_and_all(call.name for call in calls if pad_alike(call) is not None):
        yield "padding", causes.PADDING_AT_THE_END, partial(answer_calls, partial(_pad_some, chosen))
    for at_the_end, sentence in causes.PADDINGS:
        if any(move_pads(at_the_end, call) is not None for call in calls):
            yield "padding", sentence, partial(answer_calls, partial(move_pads, at_the_end))
    yield from _epsilons(calls, layers)
    slopes = [float(call["alpha"]) for call in calls if call.name == "leaky_relu"]
    for sentence, slope in causes.other_slopes(slopes):
        yield "slope", sentence, _set_argument("leaky_relu", "alpha", slope)
    if "convolution" in names:
        for layout in causes.LAYOUTS:
            yield "layout", causes.describe_layout(layout), partial(_read_first_in_layout, layout)
    lower = {tf.as_dtype(call["dtype"]).name for call in calls if call.name == "cast"}
    if any(wider(dtype) for dtype in lower):
        yield "dtype", causes.describe_dtypes([dtype for dtype in lower if wider(dtype)]), _promote


def _modes(dropping: bool, modes: set[bool], norms: list[Any]) -> Iterator[Change]:
    if dropping:
        yield "dropout", causes.DROPOUT, partial(answer_calls, _without_dropout)
    for now in sorted(modes, reverse=True):
        yield "mode", causes.describe_batch_norm(now), partial(_in_mode, norms, not now)
    if dropping and True in modes:
        yield "mode", causes.TRAINING, partial(_evaluate_model, norms)


def _epsilons(calls: list[TensorflowCall], layers: list[Any]) -> Iterator[Change]:
    holding = [layer for layer in layers if isinstance(vars(layer).get("epsilon"), float)]
    kinds: dict[str, list[Any]] = {}
    for layer in holding:
        kinds.setdefault(type(layer).__name__, []).append(layer)
    if len(kinds) > 1:
        kinds[" and ".join(kinds)] = holding
    places: list[tuple[str, set[float], Callable[[float], Around]]]
    places = [(name, {layer.epsilon for layer in some}, partial(_lend_epsilon, some)) for name, some in kinds.items()]
    added = {call["variance_epsilon"] for call in calls if call.name == "batch_normalization"}
    if added and not holding:
        name = "batch_normalization"
        places.append((f"tf.nn.{name}", added, partial(_set_argument, name, "variance_epsilon")))
    for sentence, change, epsilon in causes.other_epsilons(places):
        yield "epsilon", sentence, change(epsilon)


def _lend_epsilon(layers: list[Any], epsilon: float) -> Around:
    return partial(lend_attributes, layers, "epsilon", lambda layer: epsilon)


def _pad_some(names: frozenset[str], call: TensorflowCall) -> Any:
    return pad_alike(call) if call.name in names else None


def _set_argument(name: str, argument: str, value: object) -> Around:
    return partial(answer_calls, partial(_set_if_named, name, argument, value))


def _without_dropout(call: TensorflowCall) -> Any:
    return tf.identity(call.data) if call.name == "dropout" else None


def _set_if_named(name: str, argument: str, value: object, call: TensorflowCall) -> Any:
    return call.replace(**{argument: value})() if call.name == name else None


def _in_mode(norms: list[Any], training: bool) -> AbstractContextManager[None]:
    def force(layer: Any) -> Callable[..., Any]:
        call = layer.call
        return lambda inputs, **keywords: call(inputs, **{**keywords, "training": training})

    return lend_attributes(norms, "call", force)


@contextmanager
def _evaluate_model(norms: list[Any]) -> Iterator[None]:
    with answer_calls(_without_dropout), _in_mode(norms, training=False):
        yield


def _read_first_in_layout(layout: str) -> AbstractContextManager[None]:
    return answer_calls(causes.answer_once(partial(read_in_layout, layout)))


@contextmanager
def _promote() -> Iterator[None]:
    def keep(call: TensorflowCall) -> Any:
        # what is float64 stays so; what is not is promoted where it meets that
        lower = call.name == "cast" and wider(tf.as_dtype(call["dtype"]).name) is not None
        return tf.cast(call.data, tf.float64) if lower and tf.as_dtype(call.data.dtype).is_floating else None

    with promote(), promote_in_graphs(), answer_calls(keep):
        yield


def _batch_norms(layers: list[Any]) -> list[Any]:
    keras = sys.modules.get("keras")
    return [] if keras is None else [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
