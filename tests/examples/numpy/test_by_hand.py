"""The example's backpropagation by hand: a mistake planted in it is found, and where it is."""

import shutil
from pathlib import Path

import pytest

import gradcheck_core as gc
from gradcheck_core.cli.loading import load_cases

EXAMPLE = Path(__file__).parents[3] / "examples" / "migration"
CONV = {"conv.kernel", "conv.bias"}
LSTM = {"lstm.kernel", "lstm.recurrent_kernel", "lstm.bias"}
DENSE = {"dense.kernel", "dense.bias"}


@pytest.fixture
def check(tmp_path):
    """A function that checks the NumPy model with one piece of its source replaced."""

    def check(right, wrong):
        source = (EXAMPLE / "numpy_model.py").read_text(encoding="utf-8")
        assert source.count(right) == 1, right
        (tmp_path / "numpy_model.py").write_text(source.replace(right, wrong), encoding="utf-8")
        shutil.copy(EXAMPLE / "task.py", tmp_path)
        (case,) = load_cases(f"{tmp_path / 'numpy_model.py'}::case")
        return gc.check_gradients(case.cost, case.params, case.grads, args=case.args)

    return check


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ("sum(axis=(0, 1))}", "mean(axis=(0, 1))}", {"conv.bias"}),
        ("(1 - features**2)", "(1 - features)", CONV),
        ('d_params["bias"] += d_z', 'd_params["bias"] = d_z', {"lstm.bias"}),
        (
            'd_params["recurrent_kernel"] += step.h.T',
            'd_params["recurrent_kernel"] = step.h.T',
            {"lstm.recurrent_kernel"},
        ),
        ("np.stack(d_x[::-1], axis=1)", "np.stack(d_x, axis=1)", CONV),
        ("(1 - step.g**2)", "(1 - step.g)", LSTM | CONV),
        ("d_c * step.f\n", "d_c\n", LSTM | CONV),
        ("[d_i, d_f, d_o, d_g]", "[d_i, d_f, d_g, d_o]", LSTM | CONV),
        ("[labels]) / len(x)", "[labels])", DENSE | LSTM | CONV),
    ],
)
def test_a_planted_mistake_is_found_in_its_parameters_and_no_others(check, right, wrong, named):
    report = check(right, wrong)

    assert named == {name for name, found in report.parameters.items() if not found.verdict.passed}
    assert report.verdict is gc.Verdict.BUG


def test_as_it_is_every_parameter_is_correct(check):
    assert check("def gradient", "def gradient").verdict is gc.Verdict.CORRECT
