"""A parameter's numbers in theta: views, so that what is written there is in the array."""

import numpy as np
import pytest

from gradcheck_core.protocol.layout import Parameter


def test_a_complex_entry_is_two_numbers_over_the_same_memory():
    array = np.array([[1 + 2j, 3 + 4j]])
    numbers = Parameter("z", (1, 2), "complex128", 0).numbers(array)

    assert numbers.tolist() == [1, 2, 3, 4]
    numbers[3] = 9
    assert array[0, 1] == 3 + 9j


@pytest.mark.parametrize("held", ["float32", "complex128"])
def test_a_real_entry_is_one_number_even_where_it_is_held_as_complex(held):
    array = np.array([[1, 2], [3, 4]], held)
    numbers = Parameter("w", (2, 2), "float32", 0).numbers(array)

    assert numbers.tolist() == [1, 2, 3, 4]
    numbers[2] = 7
    assert array[1, 0] == 7
