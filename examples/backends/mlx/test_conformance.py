"""The conformance suite with MLX."""

import mlx.core as mx
import numpy as np
import pytest

from gradcheck_core.testing import BackendConformance, Kit

mx.set_default_device(mx.cpu)  # float64 exists there only


def array(values, dtype="float64"):
    return mx.array(np.asarray(values), dtype=getattr(mx, dtype))


def overwrite(tensor, number):
    tensor[...] = number


class TestMlx(BackendConformance):
    @pytest.fixture
    def kit(self):
        return Kit(
            name="mlx",
            array=array,
            constant=array,
            value=lambda tensor: np.array(tensor.astype(mx.float64)),
            sum=mx.sum,
            sin=mx.sin,
            tanh=mx.tanh,
            matmul=mx.matmul,
            overwrite=overwrite,
            draw=mx.random.uniform,
            dtypes=("float32", "float16", "bfloat16", "complex64"),
        )
