"""What of the caller's TensorFlow state a cost can change, besides the parameters."""

from collections.abc import Callable, Iterable
from typing import final

import numpy as np
import tensorflow as tf

# The global seed and its generator can be set but not read in public; without reading them they cannot be given back.
from tensorflow.python.eager import context as eager_context

_RANDOM_OPS = ("Random", "Multinomial", "TruncatedNormal", "ParameterizedTruncatedNormal", "StatefulRandom")
"""Beginnings of the names of the operations that draw from a kernel's own state."""


@final
class CallersState:
    """Saves the caller's state; sets it back before each evaluation, as far as the cost changes it, and at the end.

    Seeding TensorFlow throws its compiled kernels away, which makes the next evaluation twenty times slower. So a
    cost is seeded before every evaluation only if its first one drew random numbers, or a traced function might, or
    its second one, not seeded, gives something else.
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
        """Before an evaluation: the random state and the changing variables as they were at first."""
        if self.seeding:
            tf.random.set_seed(self._seed)
        for variable, saved in self._volatile:
            variable.assign(saved)

    def learn(self) -> None:
        """After the first evaluation: from now on, only what it changed is set back each time."""
        self._volatile = [(v, saved) for v, saved in self._saved if not np.array_equal(v.numpy(), saved)]
        self.seeding = self._drew() or _a_function_may_draw(self._context)
        self.undecided = not self.seeding

    def decide(self, *, repeats: bool) -> None:
        """After the second evaluation, which was not seeded: whether it gave the same as the first."""
        self.seeding = not repeats
        self.undecided = False

    def restore(self) -> None:
        """Everything as the caller had it."""
        for variable, saved in self._saved:
            variable.assign(saved)
        # `set_seed` puts a new generator in place of the caller's, which therefore still is where it was.
        self._context._seed = self._callers_seed
        self._context._rng = self._callers_generator

    def _drew(self) -> bool:
        before = self._context._rng.getstate()
        tf.random.set_seed(self._seed)
        return bool(before != self._context._rng.getstate())


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
    except RuntimeError:  # where operations have to be deterministic, there is none until the program makes it
        return None


def _a_function_may_draw(context: eager_context.Context) -> bool:
    """Whether any traced `tf.function` holds a random operation, whose state lives in its kernel unseen."""
    return any(
        node.op.startswith(_RANDOM_OPS)
        for name in context.list_function_names()
        for node in context.get_function_def(name).node_def
    )
