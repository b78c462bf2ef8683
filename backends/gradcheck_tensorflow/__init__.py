"""TensorFlow: variables and tensors in any nesting, `tf.Module` and Keras models, with `tf.GradientTape`.

Variables are perturbed in place and given back, since a model's code and its `tf.function`s find them where they are;
plain tensors are replaced. Other variables of a model, its random state and TensorFlow's own are restored.

Models below float64 are evaluated in float64, in place too (`widening`). Meanwhile `tf.function`s run eagerly, and
operations that mix precisions are promoted (`promotion`). Not promoted is what refuses another dtype: a
`tf.TensorArray` or a loop's state made for float32, an assignment to a float32 variable that is not of the params, a
quantised layer, and a concrete function. Those costs are checked in their own precision.
"""

from .backend import TensorflowBackend as TensorflowBackend

__all__ = ["TensorflowBackend"]
