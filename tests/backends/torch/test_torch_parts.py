import pytest
import torch

from torch_parts import part_of

NAN = float("nan")
MATRIX = torch.arange(12, dtype=torch.float64).reshape(3, 4)
HOLES = torch.tensor([[1.0, NAN], [float("-inf"), 4.0]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("tensor", "count", "values"),
    [
        (MATRIX, None, MATRIX.tolist()),
        (MATRIX, 3, [0.0, 5.0, 11.0]),
        (MATRIX, 100, MATRIX.tolist()),
        (MATRIX.T, 2, [0.0, 11.0]),
        (HOLES, None, [1.0, 4.0]),
        (HOLES, 1, [1.0]),
    ],
    ids=["all", "spread", "fewer than asked for", "not contiguous", "finite", "spread over the finite"],
)
def test_a_part_is_put_back_where_it_was(tensor, count, values):
    part = part_of(tensor, count)

    assert part.values.tolist() == values
    torch.testing.assert_close(part.rebuilt(part.values), tensor, rtol=0, atol=0, equal_nan=True)
    changed = (part.rebuilt(part.values + 100) - tensor).nan_to_num()
    assert changed.sum() == 100 * part.values.numel()


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_a_sparse_tensor_is_rebuilt_from_its_stored_entries():
    dense = torch.tensor([[0.0, 2.0], [3.0, 0.0]], dtype=torch.float64)
    part = part_of(dense.to_sparse_csr())

    assert part.values.tolist() == [2.0, 3.0]
    assert part.rebuilt(part.values * 10).to_dense().tolist() == [[0.0, 20.0], [30.0, 0.0]]
