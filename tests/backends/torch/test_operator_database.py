import warnings
from pathlib import Path

import pytest

from explanations import Explanations
from harness import sweep

SWEEPS = Path(__file__).parents[3] / "sweeps"

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the database warns of its own deprecated and experimental operators
    import torch_operators

# Inputs made symmetric by a wrapper, several scalar outputs, outputs without derivative, kinks, a complex output, an
# operator whose gradient PyTorch has wrong, one that is drawn at random.
CHOSEN = (
    "linalg.cholesky",
    "var_mean",
    "native_layer_norm",
    "nn.functional.relu",
    "fft.rfft",
    "as_strided_scatter",
    "normal",
)


@pytest.mark.parametrize("name", CHOSEN)
def test_every_case_of_an_operator_passes_or_is_explained(name):
    operators = [operator for operator in torch_operators.op_db if torch_operators.name_of(operator) == name]
    cases = [case for operator in operators for case in torch_operators.cases_of(operator)]
    explained = Explanations.load(SWEEPS / "exceptions" / "torch.toml")

    outcomes = list(sweep(cases, seconds_each=120))

    assert outcomes
    assert explained.complaints(outcomes, {name}) == []
