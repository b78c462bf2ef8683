"""The conformance suite with HIPS autograd."""

import autograd.numpy as anp
import numpy as np
import pytest

from gradcheck_core.testing import BackendConformance, Kit


class TestAutograd(BackendConformance):
    @pytest.fixture
    def kit(self):
        return Kit(
            name="autograd",
            array=lambda values, dtype="float64": np.array(values, dtype=dtype),
            constant=lambda values, dtype="float64": np.array(values, dtype=dtype),
            value=np.asarray,
            sum=anp.sum,
            sin=anp.sin,
            tanh=anp.tanh,
            matmul=anp.matmul,
            overwrite=np.ndarray.fill,
            dtypes=("float32", "float16", "complex64", "complex128"),
        )
