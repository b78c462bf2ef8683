"""A TensorFlow cost at many thetas at once: a graph of it, vectorised over what is perturbed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast, final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gradcheck_core.protocol import Batch, FloatVector, Weigh, chunks
from gradcheck_core.protocol.compiled import CompiledCost

_MOST_AT_ONCE = 512
"""With more thetas, the millisecond that a call takes hardly counts."""

_HARMLESS = ("ReadVariableOp", "ResourceGather", "ResourceGatherNd")
"""Operations with a state that they do not change."""

Array = npt.NDArray[Any]


@final
class CostGraphs:
    """Graphs of an open problem's cost.

    `call` takes the parameters' tensors, and gives the real tensors that the cost returns in a graph. `host` has the
    parameters' present values. `prepare` gives the cost's other variables their values before an evaluation.
    """

    def __init__(
        self, call: Callable[[Sequence[tf.Tensor]], list[tf.Tensor]], host: Sequence[Array], prepare: Callable[[], None]
    ) -> None:
        self.host = host
        self.prepare = prepare
        self._call = call
        self._specs = [tf.TensorSpec(array.shape, array.dtype) for array in host]
        self._alone: Callable[..., Sequence[tf.Tensor]] | None = None
        self._groups: dict[tuple[int, ...], _Perturbation] = {}

    def outputs(self, values: Sequence[Array]) -> list[Array]:
        """What the cost returns of some values of the parameters."""
        if self._alone is None:
            self._alone = _trace(lambda *tensors: self._graph(tensors)[0], *self._specs)
        self.prepare()
        return [output.numpy() for output in self._alone(*map(tf.constant, values))]

    def group(self, parameter: int) -> "_Perturbation":
        """The function that perturbs a parameter."""
        positions = next(group for group in chunks.group_small(self.host) if parameter in group)
        if positions not in self._groups:
            self._groups[positions] = self._perturb(positions)
        return self._groups[positions]

    def _perturb(self, positions: tuple[int, ...]) -> "_Perturbation":
        bytes_each: list[int] = []
        shapes = [self._specs[position].shape for position in positions]

        def outputs(flat: tf.Tensor, indices: tf.Tensor, values: tf.Tensor, *tensors: tf.Tensor) -> Sequence[tf.Tensor]:
            places = tf.range(tf.size(flat))

            def one(moved: tuple[tf.Tensor, tf.Tensor]) -> list[tf.Tensor]:
                index, value = moved
                parts = tf.split(tf.where(tf.equal(places, index), value, flat), [s.num_elements() for s in shapes])
                replaced = list(tensors)
                for position, part, shape in zip(positions, parts, shapes, strict=True):
                    replaced[position] = tf.reshape(part, shape)
                found, operations = self._graph(replaced)
                bytes_each.append(sum(map(_bytes_of, operations)) + 2 * _bytes_of(flat.op))
                return found

            return tf.vectorized_map(one, (indices, values), warn=False)

        dtype = self._specs[positions[0]].dtype
        moved = (tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], dtype))
        size = sum(shape.num_elements() for shape in shapes)
        concrete = _trace(outputs, tf.TensorSpec([size], dtype), *moved, *self._specs)
        return _Perturbation(positions, concrete, max(1, bytes_each[0]))

    def _graph(self, tensors: Sequence[tf.Tensor]) -> tuple[list[tf.Tensor], Sequence[tf.Operation]]:
        """The cost's outputs in the present graph, and the operations that they take."""
        graph = tf.compat.v1.get_default_graph()
        before = len(graph.get_operations())
        outputs = self._call(tensors)
        operations = graph.get_operations()[before:]
        for operation in operations:
            if operation.op_def.is_stateful and operation.type not in _HARMLESS:
                msg = f"the cost holds the operation {operation.type}, which has a state of its own"
                raise TypeError(msg)
        return outputs, operations


@final
@dataclass(frozen=True, slots=True)
class _Perturbation:
    """A function that perturbs the parameters at some positions.

    `outputs` takes these parameters laid end to end, indices into that, shape ``(k,)``, values, shape ``(k,)``, and all
    parameters; it gives what the cost returns with one number replaced, ``k`` times. `bytes_each` is what one theta
    takes with all that is computed of it.
    """

    positions: tuple[int, ...]
    outputs: Callable[..., Sequence[tf.Tensor]]
    bytes_each: int


@final
@dataclass(frozen=True)
class TensorflowBatch(Batch):
    """Thetas in chunks; the cost is traced once for every group of parameters."""

    # Tracing and vectorising take as long as some hundred eager calls.
    least: ClassVar[int] = 128

    graphs: CostGraphs
    compiled: CompiledCost
    weigh: Weigh
    memory: int

    def costs_at(self, parameter: int, entries: npt.NDArray[np.intp], values: FloatVector) -> FloatVector:
        host, group = self.graphs.host, self.graphs.group(parameter)
        length = chunks.choose_length(group.bytes_each, self.memory, _MOST_AT_ONCE)
        flat = tf.constant(np.concatenate([host[i].reshape(-1) for i in group.positions]))
        tensors = [tf.constant(array) for array in host]

        def compute(indices: npt.NDArray[np.int32], moved: Array) -> list[Array]:
            outputs = group.outputs(flat, tf.constant(indices), tf.constant(moved), *tensors)
            return [output.numpy() for output in outputs]

        self.graphs.prepare()
        positions = group.positions
        costs = chunks.evaluate_group(host, positions, parameter, entries, values, length, compute, self.weigh)
        self.compiled.call_next()
        return costs


def _trace(outputs: Callable[..., Sequence[tf.Tensor]], *specs: tf.TensorSpec) -> Callable[..., Sequence[tf.Tensor]]:
    return cast(Callable[..., Sequence[tf.Tensor]], tf.function(outputs, autograph=False).get_concrete_function(*specs))


def _bytes_of(operation: tf.Operation) -> int:
    known = [output for output in operation.outputs if output.shape.is_fully_defined() and output.dtype.size]
    return sum(output.shape.num_elements() * output.dtype.size for output in known)
