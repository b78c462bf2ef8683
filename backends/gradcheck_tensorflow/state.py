"""The caller's TensorFlow state that a cost can change, besides the parameters."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import tensorflow as tf

# The global seed and its generator can be set but not read in public; without reading them they cannot be given back.
from tensorflow.python.eager import context as eager_context

# Nor is there a public way to see which operations run.
from tensorflow.python.framework import op_callbacks

_RANDOM_OPS = ("Random", "Multinomial", "TruncatedNormal", "ParameterizedTruncatedNormal", "StatefulRandom")
"""Beginnings of the names of the operations that draw from a kernel's own state."""


@final
class VariableState:
    """Saves the caller's state; sets it back before each evaluation, as far as the cost changes it, and at the end.

    Seeding TensorFlow throws its compiled kernels away, which makes the next evaluation twenty times slower. So a
    cost is seeded before every evaluation only if the first one ran a random operation, also inside a function, or
    if the second one, without a seed, gives something else.
    """

    def __init__(self, variables: Iterable[tf.Variable], seed: int) -> None:
        generator = _global_generator()
        states = [] if generator is None else [generator.state]
        self._saved = [(variable, variable.numpy()) for variable in [*variables, *states]]
        self._volatile = self._saved
        self._seed = seed
        self._context = eager_context.context()
        self._callers_seed = eager_context.global_seed()
        self._callers_generator = vars(self._context).get("_rng")  # made when a program first sets a seed
        self.seeding = True
        self.undecided = False

    def prepare(self) -> None:
        """Before an evaluation, set the random state and the changing variables to what they were at first."""
        if self.seeding:
            tf.random.set_seed(self._seed)
        for variable, saved in self._volatile:
            variable.assign(saved)

    def learn(self, call: Callable[[], object]) -> object:
        """Make the first evaluation, and note what it changes: only that is set back from then on."""
        with _note_operations() as names:
            returned = call()
        self._volatile = [(v, saved) for v, saved in self._saved if not np.array_equal(v.numpy(), saved)]
        self.seeding = _draws(self._context, names)
        self.undecided = not self.seeding
        return returned

    def decide(self, *, repeats: bool) -> None:
        """After the second evaluation, which was not seeded, say whether it gave the same as the first."""
        self.seeding = not repeats
        self.undecided = False

    def restore(self) -> None:
        """Give everything back as the caller had it."""
        for variable, saved in self._saved:
            variable.assign(saved)
        # `set_seed` made a new generator, so the caller's own is still in its old state.
        self._context._seed = self._callers_seed
        self._context._rng = self._callers_generator


def way_back_of_attributes(owner: object) -> Callable[[], None]:
    """A function that rebinds an object's attributes, and refills their lists and dicts, as they are now.

    For what a model keeps of its last call, e.g. a table of positions or its layers' losses.
    """
    attributes = vars(owner)
    bound = dict(attributes)
    # TensorFlow's own containers are left out: they note every change, and could not be checkpointed after one.
    containers = [
        value
        for value in bound.values()
        if isinstance(value, list | dict) and not isinstance(value, tf.__internal__.tracking.Trackable)
    ]
    contents = [list(value) if isinstance(value, list) else dict(value) for value in containers]

    def give_back() -> None:
        attributes.clear()
        attributes.update(bound)
        for container, content in zip(containers, contents, strict=True):
            # past Keras' containers' own methods, which would take each element for a new weight or layer
            if isinstance(container, list):
                list.__setitem__(container, slice(None), content)
            else:
                dict.clear(container)
                dict.update(container, content)

    return give_back


def _global_generator() -> tf.random.Generator | None:
    try:
        return tf.random.get_global_generator()
    except RuntimeError:  # if operations have to be deterministic, the program has to make it first
        return None


@contextmanager
def _note_operations() -> Iterator[set[str]]:
    """Note the names of the operations and functions that this thread runs or puts into a graph."""
    names: set[str] = set()

    def note(op_type: str | bytes, *_: Any, **__: Any) -> None:
        names.add(tf.compat.as_str(op_type))

    op_callbacks.add_op_callback(note)
    try:
        yield names
    finally:
        op_callbacks.remove_op_callback(note)


def _draws(context: eager_context.Context, names: Iterable[str]) -> bool:
    """Whether an operation of these is random, or one in a function among them, whose state lives in its kernel."""
    left, seen = set(names), set()
    while left:
        name = left.pop()
        seen.add(name)
        if name.startswith(_RANDOM_OPS):
            return True
        if context.has_function(name):
            nodes = context.get_function_def(name).node_def
            attributes = [attr for node in nodes for attr in node.attr.values()]
            called = {func.name for attr in attributes for func in (attr.func, *attr.list.func)}
            left |= ({node.op for node in nodes} | called) - seen
    return False
