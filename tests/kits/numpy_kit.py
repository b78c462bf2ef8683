import numpy as np

from gradcheck_core.testing import Kit


def _array(values, dtype="float64"):
    return np.array(values, dtype=dtype)


def _overwrite(array, value):
    array[...] = value


KIT = Kit(
    name="numpy",
    array=_array,
    constant=_array,
    value=np.asarray,
    sum=np.sum,
    sin=np.sin,
    tanh=np.tanh,
    matmul=np.matmul,
    overwrite=_overwrite,
    dtypes=("float32", "float16", "complex64", "complex128"),
)
