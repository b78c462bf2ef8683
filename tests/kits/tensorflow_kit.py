import tensorflow as tf

from gradcheck_core.testing import Kit
from gradcheck_tensorflow.causes import find_alterations


def _array(values, dtype="float64"):
    return tf.Variable(tf.cast(values, dtype))


def _constant(values, dtype="float64"):
    return tf.cast(tf.constant(values), dtype)


KIT = Kit(
    name="tensorflow",
    array=_array,
    constant=_constant,
    value=lambda tensor: tf.cast(tensor, tf.float64).numpy(),
    sum=tf.reduce_sum,
    sin=tf.sin,
    tanh=tf.tanh,
    matmul=tf.matmul,
    overwrite=lambda variable, value: variable.assign(tf.fill(variable.shape, tf.cast(value, variable.dtype))),
    gelu=lambda tensor: tf.nn.gelu(tensor),  # an alteration exchanges the one that is called by this name
    draw=lambda: tf.random.uniform((), dtype=tf.float64),
    alterations=find_alterations,
)
