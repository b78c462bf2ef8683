import numpy as np
import pytest

from gradcheck_core.protocol import chunks


def test_small_parameters_of_a_dtype_are_perturbed_together_and_large_ones_alone():
    host = [np.zeros(5000), np.zeros(10), np.zeros(20, np.float32), np.zeros(4000), np.zeros(30)]

    assert sorted(map(sorted, chunks.group_small(host))) == [[0], [1, 3, 4], [2]]


def test_groups_end_where_they_grow_too_large():
    assert [len(group) for group in chunks.group_small([np.zeros(1500)] * 5)] == [2, 2, 1]


def test_values_are_rounded_to_the_parameters_dtype():
    elements, moved = chunks.round_entries(np.zeros(3, np.float32), np.array([2, 0]), np.array([0.1, 0.2]))

    assert elements.tolist() == [2, 0]
    assert moved.tolist() == [float(np.float32(0.1)), float(np.float32(0.2))]


def test_entries_of_a_complex_parameter_are_its_real_and_imaginary_parts():
    host = np.array([[1 + 2j], [3 + 4j]])

    elements, moved = chunks.round_entries(host, np.array([0, 1, 2, 3]), np.array([5.0, 6.0, 7.0, 8.0]))

    assert elements.tolist() == [0, 0, 1, 1]
    assert moved.tolist() == [5 + 2j, 1 + 6j, 7 + 4j, 3 + 8j]
    assert host.tolist() == [[1 + 2j], [3 + 4j]]


@pytest.mark.parametrize(
    ("bytes_each", "memory", "most", "expected"),
    [
        (10, 2**30, 64, 64),  # as many as are of use
        (10, 2**30, 40, 64),  # a power of two
        (10, 479, 64, 32),  # 47 have room, and 32 are the power of two below
        (10, 5, 64, 1),  # less than one has room: one by one
        (2**22, 2**30, 64, 16),  # four would fill the cache, 16 are taken even so
        (2**22, 2**23, 64, 2),  # unless the memory has no room for them
    ],
)
def test_the_length_of_a_chunk(bytes_each, memory, most, expected):
    assert chunks.choose_length(bytes_each, memory, most) == expected


def test_outputs_are_contracted_in_float64():
    outputs = [np.array([[1, 2], [3, 4]], np.float32), np.array([1j, 2 + 3j])]

    def weigh(shapes):
        assert shapes == [(2,), (2,)]
        return [np.array([10.0, 100.0]), np.array([1000.0, 10000.0])]

    # 10 * 1 + 100 * 2 + 10000 * 1 and 10 * 3 + 100 * 4 + 1000 * 2 + 10000 * 3
    assert chunks.contract(outputs, weigh).tolist() == [10210.0, 32430.0]
