"""TensorFlow: variables and tensors in any nesting, `tf.Module` and Keras models, with `tf.GradientTape`.

Variables are perturbed in place and given back, since a model's code and its `tf.function`s find them where they are;
plain tensors are replaced. Other variables of a model, its random state and TensorFlow's own are restored.
"""

from .backend import TensorflowBackend as TensorflowBackend

__all__ = ["TensorflowBackend"]
