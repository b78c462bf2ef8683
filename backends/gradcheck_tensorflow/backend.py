"""The TensorFlow adapter."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any, final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gradcheck_core.errors import InvalidInputError
from gradcheck_core.protocol import Backend, Batch, Capability, FloatVector, Gradient, Problem, Weigh, trees
from gradcheck_core.protocol.compiled import CompiledCost
from gradcheck_core.protocol.host_theta import HostProblem, hold
from gradcheck_core.protocol.outputs import roundoff_of

from .batch import CostGraphs, TensorflowBatch
from .differentiation import forward_accumulator, inner_product, list_numbers, real_tensors, sum_weighted
from .promotion import promote_in_graphs, take_functions_apart, wider
from .standins import stand_in
from .state import VariableState, way_back_of_attributes
from .variables import (
    explain_carried,
    is_model,
    keras_parts,
    modules,
    named_parts,
    named_tensors,
    named_variables,
    require_built,
    variable_of,
)
from .widening import widen


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
        own = {
            item.leaf.name: item.leaf.value.dtype.name for leaf in trees.leaves(params) for item in named_tensors(leaf)
        }
        with ExitStack() as loans:
            tracing = take_functions_apart
            if precision != "native" and any(map(wider, own.values())):
                params, args = widen(loans, params, args)
                tracing = promote_in_graphs
            problem = _TensorflowProblem(cost, params, args, seed, own, tracing)
            problem.loans = loans.pop_all()  # given back when the problem closes
        return problem


@final
class _TensorflowProblem(HostProblem):
    def __init__(
        self,
        cost: Callable[..., object],
        params: object,
        args: tuple[object, ...],
        seed: int,
        dtypes: dict[str, str],
        tracing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.loans = ExitStack()
        self._cost = cost
        self._args = args
        self._tracing = tracing
        self._given = trees.leaves(params)
        parts = [(position, part) for position, leaf in enumerate(self._given) for part in named_parts(leaf)]
        reasons = explain_carried([part for _, part in parts], dtypes)
        if None not in reasons:
            require_built(self._given)
        leaves = [part.leaf for _, part in parts]
        theta = hold(leaves, reasons, lambda leaf: leaf.value.numpy(), lambda leaf: dtypes[leaf.name], "native")
        checked = [parts[i] for i in theta.positions]
        theta = replace(theta, positions=tuple(position for position, _ in checked))
        super().__init__(theta, self._given, trees.rebuilder(params))
        self._written.clear()  # the cost gets the caller's own tensors until they are written to
        self._variables = [None if isinstance(p.leaf.value, tf.Tensor) else p.leaf.value for _, p in checked]
        self._computed_in = [part.computed_in for _, part in checked]
        every = {id(item.leaf.value): item.leaf.value for leaf in self._given for item in named_variables(leaf)}
        self._known = frozenset(every)
        self._others = [v for key, v in every.items() if key not in set(map(id, self._variables))]
        self._first: list[npt.NDArray[Any]] | None = None
        self._state = VariableState(self._others, seed)
        self._graphs = CostGraphs(self._call_in_graph, self._host, self._state.prepare)
        self._compiled = CompiledCost(
            self._graphs.outputs,
            lambda returned: [output.numpy() for output in real_tensors(returned)],
            self._host,
            worthwhile=theta.layout.size >= TensorflowBatch.least,
        )

    def read(self, parameter: int) -> FloatVector:
        self._flush()
        variable = self._variables[parameter]
        values = self._host[parameter] if variable is None else np.ascontiguousarray(variable.numpy())
        return self._layout.parameters[parameter].numbers(values).astype(np.float64)

    def _place(self, parameter: int) -> None:
        variable, host = self._variables[parameter], self._host[parameter]
        if variable is None:
            self._leaves[self._positions[parameter]] = tf.constant(host)
        else:
            variable.assign(host)

    def evaluate(self) -> object:
        return self._compiled.evaluate(lambda: list(self._host), self._call)

    def _call(self) -> object:
        """What the cost itself returns, reading its own variables, as a tape needs it."""
        self._state.prepare()
        structure = self._hand()
        if self._first is None:
            returned = self._state.learn(lambda: self._cost(structure, *self._args))
            self._require_no_late_variables()
            self._first = list_numbers(returned)
            return returned
        returned = self._cost(structure, *self._args)
        if self._state.undecided:
            # An eager operation with a seed of its own shows only in its results that it is random.
            second = list_numbers(returned)
            same = len(second) == len(self._first) and all(map(np.array_equal, self._first, second))
            self._state.decide(repeats=same)
            if self._state.seeding:
                return self._call()
        return returned

    def _require_no_late_variables(self) -> None:
        named = [item for leaf in self._given for item in named_variables(leaf)]
        late = [item.leaf.name for item in named if id(item.leaf.value) not in self._known]
        if late:
            msg = (
                f"`cost` made variables in its first call ({', '.join(late)}), which would stay unchecked; "
                "build the model by calling it once on an input before the check"
            )
            raise InvalidInputError(msg)

    def batch(self, weigh: Weigh, memory: int) -> Batch:
        return TensorflowBatch(self._graphs, self._compiled, weigh, memory)

    def _call_in_graph(self, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """The real tensors that the cost returns in a graph, with these tensors in place of the parameters."""
        leaves = list(self._leaves)
        replaced = [(variable, variable.read_value()) for variable in self._others]
        for variable, position, tensor in zip(self._variables, self._positions, tensors, strict=True):
            if variable is None:
                leaves[position] = tensor
            else:
                replaced.append((variable, tensor))
        with ExitStack() as stack:
            for leaf in self._leaves:
                # A model may keep something of its last call, which now belongs to a graph.
                for owner in [*keras_parts(leaf)[0], *modules(leaf)]:
                    stack.callback(way_back_of_attributes(owner))
            stack.enter_context(stand_in(replaced))
            stack.enter_context(self._tracing())
            returned = self._cost(self._rebuild(iter(leaves)), *self._args)
            return [tf.convert_to_tensor(output) for output in real_tensors(returned)]

    def gradient(self, weigh: Weigh) -> Gradient:
        sources = self._sources()
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            total = sum_weighted(self._call(), weigh)
        return self._lay_out(tape.gradient(total, sources))

    def jvp(self, direction: FloatVector, weigh: Weigh) -> float:
        sources = self._sources()
        with forward_accumulator(sources, self._tangents(direction)) as accumulator:
            total = sum_weighted(self._call(), weigh)
        derivative = accumulator.jvp(total)
        return 0.0 if derivative is None else float(derivative)

    def hvp(self, direction: FloatVector, weigh: Weigh) -> Gradient:
        sources = self._sources()
        with tf.GradientTape(watch_accessed_variables=False) as outer:
            outer.watch(sources)
            with tf.GradientTape(watch_accessed_variables=False) as inner:
                inner.watch(sources)
                total = sum_weighted(self._call(), weigh)
            along = inner_product(inner.gradient(total, sources), self._tangents(direction))
        # None means that the gradient does not depend on the parameter: the second derivative is zero.
        return replace(self._lay_out(outer.gradient(along, sources)), notes=())

    def _sources(self) -> list[tf.Variable | tf.Tensor]:
        return [
            leaf if variable is None else variable
            for variable, leaf in zip(self._variables, self._checked_leaves(), strict=True)
        ]

    def _tangents(self, direction: FloatVector) -> list[tf.Tensor]:
        """A direction of theta as tensors like the sources."""
        values = self.layout.tensors(direction)
        return [tf.cast(tf.constant(value), host.dtype) for value, host in zip(values, self._host, strict=True)]

    def _lay_out(self, grads: list[Any]) -> Gradient:
        # IndexedSlices, e.g. of an embedding, become dense
        dense = (None if grad is None else tf.convert_to_tensor(grad) for grad in grads)
        pairs = (None if grad is None else (grad.numpy(), grad.dtype.name) for grad in dense)
        gradient = Gradient.of(self.layout, pairs)
        # Mixed precision casts the gradient back up, which does not make it any finer.
        dtypes = (max(pair, key=roundoff_of) for pair in zip(gradient.dtypes, self._computed_in, strict=True))
        return replace(gradient, dtypes=tuple(dtypes))

    def close(self) -> None:
        try:
            for variable, original in zip(self._variables, self._compiled.opening, strict=True):
                if variable is not None:
                    variable.assign(original)
            self._state.restore()
        finally:
            self.loans.close()
