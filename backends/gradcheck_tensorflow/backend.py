"""The TensorFlow adapter."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any, final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gradcheck_core.errors import InvalidInputError
from gradcheck_core.protocol import (
    Backend,
    Batch,
    Capability,
    Carried,
    Entries,
    FloatVector,
    Gradient,
    Layout,
    Problem,
    Weigh,
    trees,
)
from gradcheck_core.protocol.compiled import CompiledCost
from gradcheck_core.protocol.outputs import roundoff_of

from .batch import TensorflowBatch, Tracing
from .differentiation import forward_accumulator, inner_product, weighted_total
from .promotion import functions_taken_apart, promoting_in_graphs, wider
from .returned import numbers, real_tensors, same
from .standins import standing_in
from .state import CallersState, way_back_of_attributes
from .variables import (
    is_model,
    keras_parts,
    modules,
    named_leaf,
    named_variables,
    require_built,
    variable_of,
    why_carried,
)
from .widening import Widened


@final
class TensorflowBackend(Backend):
    """Variables, tensors, modules and Keras models."""

    name = "tensorflow"
    capabilities = frozenset({Capability.AUTODIFF, Capability.FLOAT64, Capability.FORWARD, Capability.HESSIAN})

    def owns(self, leaf: object) -> bool:
        return isinstance(leaf, tf.Tensor | tf.IndexedSlices) or variable_of(leaf) is not None or is_model(leaf)

    def to_numpy(self, leaf: object) -> npt.NDArray[np.generic]:
        variable = variable_of(leaf)
        return np.asarray(tf.convert_to_tensor(leaf if variable is None else variable).numpy())

    def reducers(self) -> Mapping[type, Callable[[Any], tuple[Any, ...]]]:
        # A tf.function that was traced holds graphs; another process traces it anew.
        return {type(tf.function(lambda: None)): lambda traced: (tf.function, (traced.python_function,))}

    def open(
        self, cost: Callable[..., object], params: object, args: tuple[object, ...], precision: str, seed: int
    ) -> Problem:
        own = {item.name: item.variable.dtype.name for leaf in trees.leaves(params) for item in named_leaf(leaf)}
        if precision == "native" or not any(map(wider, own.values())):
            return _TensorflowProblem(cost, params, args, seed, own, functions_taken_apart, lambda: None)
        widened = Widened(params, args)
        try:
            return _TensorflowProblem(cost, widened.params, widened.args, seed, own, promoting_in_graphs, widened.close)
        except BaseException:
            widened.close()
            raise


@final
class _TensorflowProblem(Problem):
    def __init__(
        self,
        cost: Callable[..., object],
        params: object,
        args: tuple[object, ...],
        seed: int,
        dtypes: dict[str, str],
        tracing: Callable[[], AbstractContextManager[None]],
        on_close: Callable[[], None],
    ) -> None:
        self._cost = cost
        self._args = args
        self._tracing = tracing
        self._on_close = on_close
        self._leaves = trees.leaves(params)  # first, since it refuses a structure that contains itself
        self._rebuild = trees.rebuilder(params)
        # Theta lives in host arrays, one a parameter; only those written since the last evaluation go to the device.
        self._host: list[npt.NDArray[Any]] = []
        self._variables: list[tf.Variable | None] = []
        self._positions: list[int] = []
        self._computed_in: list[str] = []
        tensors: list[tuple[str, tuple[int, ...], str]] = []
        carried: list[Carried] = []
        seen: dict[int, str] = {}
        for position, leaf in enumerate(self._leaves):
            is_tensor = isinstance(leaf.value, tf.Tensor)
            named = named_leaf(leaf)
            if not named and not is_model(leaf.value):
                carried.append(Carried(leaf.name, type(leaf.value).__name__))
            for item in named:
                reason = why_carried(item, dtypes[item.name], seen)
                if reason is not None:
                    carried.append(Carried(item.name, reason))
                    continue
                self._host.append(np.array(item.variable.numpy(), order="C"))
                self._variables.append(None if is_tensor else item.variable)
                self._positions.append(position)
                self._computed_in.append(item.computed_in)
                tensors.append((item.name, tuple(item.variable.shape), dtypes[item.name]))
        if not tensors:
            require_built(self._leaves)
        self._layout = Layout.of(tensors, carried)
        self._written: set[int] = set()
        self._handed: tuple[list[trees.Leaf], object] = ([], None)
        every = {id(item.variable): item.variable for leaf in self._leaves for item in named_variables(leaf)}
        self._known = frozenset(every)
        self._first: list[npt.NDArray[Any]] | None = None
        checked = {id(variable) for variable in self._variables}
        self._opening = [host.copy() for host in self._host]
        self._originals = [(v, host) for v, host in zip(self._variables, self._opening, strict=True) if v is not None]
        self._others = [v for key, v in every.items() if key not in checked]
        self._state = CallersState(self._others, seed)
        self._traced = Tracing(self._call, self._host, self._state.prepare)
        self._compiled = CompiledCost(
            self._traced.outputs,
            lambda returned: [output.numpy() for output in real_tensors(returned)],
            worthwhile=self._layout.size >= TensorflowBatch.least,
        )

    @property
    def layout(self) -> Layout:
        return self._layout

    def read(self, parameter: int) -> FloatVector:
        self._flush()
        variable = self._variables[parameter]
        values = self._host[parameter] if variable is None else np.ascontiguousarray(variable.numpy())
        return self._layout.parameters[parameter].numbers(values).astype(np.float64)

    def write(self, parameter: int, entries: Entries, values: FloatVector | float) -> None:
        self._layout.parameters[parameter].numbers(self._host[parameter])[entries] = values
        self._written.add(parameter)

    def params(self) -> object:
        self._flush()
        return self._rebuild(leaf.value for leaf in self._leaves)

    def evaluate(self) -> object:
        opening = all(map(np.array_equal, self._host, self._opening))
        return self._compiled.evaluate(lambda: self._host, self._called, opening=opening)

    def _called(self) -> object:
        """What the cost itself returns, from its own variables, as automatic differentiation needs it."""
        self._state.prepare()
        structure = self.params()
        self._handed = ([self._leaves[position] for position in self._positions], structure)
        if self._first is None:
            returned = self._state.learn(lambda: self._cost(structure, *self._args))
            self._require_no_late_variables()
            self._first = numbers(returned)
            return returned
        returned = self._cost(structure, *self._args)
        if self._state.undecided:
            # An eager operation with a seed of its own is seen to be random only by what it gives.
            self._state.decide(repeats=same(self._first, numbers(returned)))
            if self._state.seeding:
                return self._called()
        return returned

    def _require_no_late_variables(self) -> None:
        named = [item for leaf in self._leaves for item in named_variables(leaf)]
        late = [item.name for item in named if id(item.variable) not in self._known]
        if late:
            msg = (
                f"`cost` made variables in its first call ({', '.join(late)}), which would stay unchecked; "
                "build the model by calling it once on an input before the check"
            )
            raise InvalidInputError(msg)

    def batch(self, weigh: Weigh, memory: int) -> Batch:
        return TensorflowBatch(self._traced, self._compiled, weigh, memory)

    def _call(self, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """The real tensors that the cost returns with tensors in the place of the parameters; in a graph."""
        leaves = [leaf.value for leaf in self._leaves]
        checked: list[tuple[tf.Variable, tf.Tensor]] = []
        for variable, position, tensor in zip(self._variables, self._positions, tensors, strict=True):
            if variable is None:
                leaves[position] = tensor
            else:
                checked.append((variable, tensor))
        others = [(variable, variable.read_value()) for variable in self._others]
        with ExitStack() as stack:
            for leaf in self._leaves:
                # A model may keep something of its last call, which now belongs to a graph.
                for owner in [*keras_parts(leaf.value)[0], *modules(leaf.value)]:
                    stack.callback(way_back_of_attributes(owner))
            stack.enter_context(standing_in([*checked, *others]))
            stack.enter_context(self._tracing())
            returned = self._cost(self._rebuild(iter(leaves)), *self._args)
            return [tf.convert_to_tensor(output) for output in real_tensors(returned)]

    def gradient(self, weigh: Weigh) -> Gradient:
        sources = self._sources()
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for source in sources:
                tape.watch(source)
            total = weighted_total(self._called(), weigh)
        return self._laid_out(tape.gradient(total, sources))

    def jvp(self, direction: FloatVector, weigh: Weigh) -> float:
        sources = self._sources()
        with forward_accumulator(sources, self._tangents(direction)) as accumulator:
            total = weighted_total(self._called(), weigh)
        derivative = accumulator.jvp(total)
        return 0.0 if derivative is None else float(derivative)

    def hvp(self, direction: FloatVector, weigh: Weigh) -> Gradient:
        sources = self._sources()
        with tf.GradientTape(watch_accessed_variables=False) as outer:
            for source in sources:
                outer.watch(source)
            with tf.GradientTape(watch_accessed_variables=False) as inner:
                for source in sources:
                    inner.watch(source)
                total = weighted_total(self._called(), weigh)
            along = inner_product(inner.gradient(total, sources), self._tangents(direction))
        # None, a gradient that does not depend on the parameter, is a second derivative of zero.
        return replace(self._laid_out(outer.gradient(along, sources)), notes=())

    def _sources(self) -> list[tf.Variable | tf.Tensor]:
        self._flush()
        return [
            self._leaves[position].value if variable is None else variable
            for variable, position in zip(self._variables, self._positions, strict=True)
        ]

    def _tangents(self, direction: FloatVector) -> list[tf.Tensor]:
        """A direction of theta as tensors like the sources."""
        return [
            tf.cast(tf.constant(parameter.tensor(direction[parameter.range])), host.dtype)
            for parameter, host in zip(self._layout.parameters, self._host, strict=True)
        ]

    def _laid_out(self, grads: list[Any]) -> Gradient:
        d_theta = np.zeros(self._layout.size)
        dtypes, notes = [], []
        for parameter, grad, computed_in in zip(self._layout.parameters, grads, self._computed_in, strict=True):
            # Mixed precision casts the gradient back up, which does not make it any finer.
            dtypes.append(max(parameter.dtype if grad is None else grad.dtype.name, computed_in, key=roundoff_of))
            if grad is None:
                notes.append(f"`{parameter.name}`: the cost does not reach it; the tape's None counts as zero")
                continue
            dense = tf.convert_to_tensor(grad)  # IndexedSlices, e.g. of an embedding, become dense
            d_theta[parameter.range] = parameter.numbers(np.ascontiguousarray(dense.numpy())).astype(np.float64)
        return Gradient(d_theta, tuple(dtypes), tuple(notes))

    def changed_structure(self) -> str | None:
        leaves, structure = self._handed
        return trees.rebound(leaves, trees.leaves(structure))

    def close(self) -> None:
        try:
            for variable, original in self._originals:
                variable.assign(original)
            self._state.restore()
        finally:
            self._on_close()

    def _flush(self) -> None:
        for parameter in self._written:
            variable = self._variables[parameter]
            if variable is not None:
                variable.assign(self._host[parameter])
                continue
            position = self._positions[parameter]
            leaf = self._leaves[position]
            self._leaves[position] = trees.Leaf(leaf.path, tf.constant(self._host[parameter]))
        self._written.clear()
