"""The laws of `Backend`: whose an object is, what its values are, and how it travels."""

import numpy as np
import pytest

from ..evaluate.parcel import pack, unpack
from ..protocol import registry
from .kit import Kit
from .needs import require_dtype


class Leaves:
    """The framework's tensors as the core meets them."""

    def test_the_backend_is_registered_under_its_frameworks_name(self, kit: Kit) -> None:
        """`backends()` lists it, available, and it loads by its name.

        If this fails: the entry point in the group ``gradcheck.backends``, the class attribute `name` and the
        framework's import name have to be one word; `gradcheck backends --load` says what is wrong.
        """
        listed = {info.name: info for info in registry.backends()}

        assert kit.name in listed
        assert listed[kit.name].available, listed[kit.name].reason
        assert kit.backend.name == kit.name

    def test_owns_its_own_leaves_only(self, kit: Kit) -> None:
        """`owns` is true of its framework's tensors, never raises, and is false of all else.

        If this fails: let `owns` be one `isinstance`. A backend whose tensors are another framework's owns none.
        """
        assert registry.owner_of(kit.array([1.0])) is not None, "no backend owns what `kit.array` makes"
        assert not any(kit.backend.owns(other) for other in (None, 1.0, 1, "a", object(), object, [1.0], {"a": 1.0}))

    def test_to_numpy_keeps_values_and_shape(self, kit: Kit) -> None:
        """`to_numpy` gives the same values, in the same shape and dtype.

        If this fails: look for a conversion to float32, or one that drops an axis of length 1.
        """
        for values in (np.array([[1.0, -2.5], [0.0, 1e300]]), np.array(0.1), np.zeros((0, 3)), np.array([[[7.5]]])):
            found = kit.backend.to_numpy(kit.array(values))
            assert np.array_equal(found, values)
            assert (found.shape, found.dtype.name) == (values.shape, "float64")

    @pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "complex64", "complex128"])
    def test_dtype_of_names_the_tensors_own_dtype(self, kit: Kit, dtype: str) -> None:
        """`dtype_of` is the dtype by NumPy's name for it, also where `to_numpy` has to give another.

        If this fails: override `dtype_of`; bfloat16 is unknown to NumPy.
        """
        require_dtype(kit, dtype)

        assert kit.backend.dtype_of(kit.array([1.0, 2.0], dtype)) == dtype

    @pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16", "complex64", "complex128"])
    def test_tensors_travel_to_other_processes(self, kit: Kit, dtype: str) -> None:
        """Pickled with the backend's `reducers`, a tensor arrives with its values and its dtype.

        If this fails: say in `reducers` how it travels. Only ``n_jobs`` needs it.
        """
        require_dtype(kit, dtype)
        sent = kit.array([[1.0 + 2.0**-40, -2.5]], dtype)

        _, arrived, _ = unpack(pack((len, sent, ()), kit.backend.reducers()))

        assert np.array_equal(kit.backend.to_numpy(arrived), kit.backend.to_numpy(sent))
        assert kit.backend.dtype_of(arrived) == dtype
