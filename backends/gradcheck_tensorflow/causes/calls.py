"""Calls of TensorFlow's functions on which frameworks' conventions differ; Keras calls the same ones."""

import inspect
import operator
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Self, final

import tensorflow as tf

_PLACES: tuple[tuple[str, str], ...] = (
    ("nn.gelu", "gelu"),
    ("nn.leaky_relu", "leaky_relu"),
    ("nn.batch_normalization", "batch_normalization"),
    *((f"nn.{name}", "convolution") for name in ("convolution", "conv1d", "conv2d", "conv3d")),
    *((f"nn.{name}", "max_pool") for name in ("max_pool", "max_pool1d", "max_pool2d", "max_pool3d")),
    *((f"nn.{name}", "avg_pool") for name in ("avg_pool", "avg_pool1d", "avg_pool2d", "avg_pool3d")),
    *((f"nn.{name}", "dropout") for name in ("dropout", "experimental.stateless_dropout")),
    ("nn.experimental.general_dropout", "dropout"),
    ("pad", "pad"),
    ("cast", "cast"),
)
"""Where TensorFlow has a function, and what it is called here. Keras looks each up when it calls it."""


@final
@dataclass(frozen=True, slots=True)
class TensorflowCall:
    """A function with its arguments by name; calling it calls the function."""

    name: str
    function: Callable[..., Any]
    arguments: Mapping[str, Any]

    def __call__(self) -> Any:
        return self.function(**self.arguments)

    def __getitem__(self, argument: str) -> Any:
        return self.arguments[argument]

    def replace(self, **arguments: object) -> Self:
        """The same call with some arguments replaced."""
        return type(self)(self.name, self.function, {**self.arguments, **arguments})

    @property
    def data(self) -> Any:
        """The tensor that it works on."""
        return next(iter(self.arguments.values()))

    def on(self, data: object) -> Self:
        """The same call on other data."""
        return self.replace(**{next(iter(self.arguments)): data})


Answer = Callable[[TensorflowCall], Any]
"""What a call gives; None if it is made as it is."""


@contextmanager
def answer_calls(answer: Answer) -> Iterator[None]:
    """Let another function answer the calls, in this thread and as long as this lasts."""
    thread = threading.get_ident()
    inside = False

    def replace(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        signature = inspect.signature(function)

        def stand_in(*args: Any, **kwargs: Any) -> Any:
            nonlocal inside
            if inside or threading.get_ident() != thread:
                return function(*args, **kwargs)
            inside = True
            try:
                bound = signature.bind(*args, **kwargs)
                bound.apply_defaults()
                found = answer(TensorflowCall(name, function, bound.arguments))
                return function(*args, **kwargs) if found is None else found
            finally:
                inside = False

        return stand_in

    with ExitStack() as stack:
        for module, attribute, name in _places():
            function = getattr(module, attribute)
            stack.callback(setattr, module, attribute, function)
            setattr(module, attribute, replace(function, name))
        yield


def look_up_activations(layers: list[Any]) -> AbstractContextManager[None]:
    """Let layers that were given one of the functions itself as their activation look it up when they call it."""
    places = {getattr(module, attribute): (module, attribute) for module, attribute, _ in _places()}

    def look_up(layer: Any) -> Callable[..., Any]:
        place = places[layer.activation]
        return lambda *args, **kwargs: getattr(*place)(*args, **kwargs)

    own = [(layer, vars(layer).get("activation")) for layer in layers]
    holding = [layer for layer, activation in own if inspect.isfunction(activation) and activation in places]
    return lend_attributes(holding, "activation", look_up)


def _places() -> Iterator[tuple[Any, str, str]]:
    """Module, the function's name there, and what it is called here: `import tensorflow.nn` exchanges `tf.nn`."""
    for place, name in _PLACES:
        *path, attribute = place.split(".")
        yield (operator.attrgetter(".".join(path))(tf) if path else tf), attribute, name


@contextmanager
def lend_attributes(owners: list[Any], attribute: str, value: Callable[[Any], object]) -> Iterator[None]:
    """Objects with another value of an attribute, past their own ways of setting it, as long as this lasts."""
    with ExitStack() as stack:
        for owner in owners:
            attributes = vars(owner)
            if attribute in attributes:
                stack.callback(attributes.__setitem__, attribute, attributes[attribute])
            else:
                stack.callback(attributes.pop, attribute)
            attributes[attribute] = value(owner)
        yield
