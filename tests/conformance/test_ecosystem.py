"""Backends of other distributions are equal to ours: listed, inferred, run by the command and by the plugin."""

from pathlib import Path

import autograd.numpy as anp
import mlx.core as mx
import numpy as np
import pytest
from autograd.extend import defvjp, primitive
from mlx import nn

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.cli import main
from gradcheck_core.evaluate import pool

pytest_plugins = ["pytester"]

W = np.array([0.3, -1.2, 0.7])
SLOPE = 1 - np.tanh(W) ** 2


def mlx_params():
    return {"w": mx.array(W, dtype=mx.float64)}


@pytest.mark.parametrize("factor", [1, 2])
def test_mlx_is_inferred_from_its_arrays(factor):
    grads = {"w": factor * SLOPE}

    report = gc.check_gradients(lambda p: mx.sum(mx.tanh(p["w"])), mlx_params(), grads)

    assert report.backend == "mlx"
    assert report.verdict is (Verdict.CORRECT if factor == 1 else Verdict.BUG)


def test_autograd_is_asked_for_by_name_since_its_arrays_are_numpys():
    with pytest.raises(gc.InvalidInputError, match="`grads` is missing: numpy has no automatic differentiation"):
        gc.check_gradients(lambda w: anp.sum(anp.tanh(w)), W)

    report = gc.check_gradients(lambda w: anp.sum(anp.tanh(w)), W, backend="autograd")

    assert (report.backend, report.verdict) == ("autograd", Verdict.CORRECT)


def test_a_wrong_rule_of_autograd_is_found():
    @autograd_primitive_with_a_wrong_rule
    def square(x):
        return x * x

    report = gc.check_gradients(lambda w: anp.sum(square(w)), W, backend="autograd")

    assert report.verdict is Verdict.BUG


def autograd_primitive_with_a_wrong_rule(function):
    made = primitive(function)
    defvjp(made, lambda value, x: lambda g: g * x)  # of x * x; right is 2 x
    return made


@pytest.mark.parametrize(("factor", "verdict"), [(2, Verdict.BUG), (1, Verdict.CORRECT)])
def test_a_model_of_mlx_with_its_layers_is_checked_as_it_is(factor, verdict):
    mx.random.seed(0)
    x = mx.array(np.random.default_rng(0).normal(size=(5, 3)), dtype=mx.float32)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))

    def cost(model):
        return mx.sum(model(x) ** 2)

    def grads(model):
        found = nn.value_and_grad(model, cost)(model)[1]
        found["layers"][2]["bias"] = factor * found["layers"][2]["bias"]
        return found

    report = gc.check_gradients(cost, model, grads)

    assert report.verdict is verdict
    assert report.precision == "float64"
    assert verdict is Verdict.CORRECT or report.worst.name == "layers.2.bias"


def test_what_mlx_computes_below_float64_is_told_and_not_accused():
    # its exponential of float64 arrays is right to some seven digits
    report = gc.check_gradients(lambda p: mx.sum(mx.exp(p["w"])), mlx_params())

    assert report.passed
    assert report.resolution > 1e-7
    assert any("noisy for float64" in note for note in report.notes)


@pytest.mark.parametrize("name", ["autograd", "mlx"])
def test_a_backend_takes_at_most_120_lines_with_its_metadata_and_its_tests(name):
    files = (Path(__file__).parents[2] / "examples" / "backends" / name).glob("*.*")

    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files) <= 120


@pytest.mark.parametrize(("factor", "verdict"), [(1.5, Verdict.BUG), (1, Verdict.CORRECT)])
def test_mlx_evaluates_many_thetas_at_once(factor, verdict):
    theta = np.linspace(-1.5, 1.5, 60)
    slope = 1 - np.tanh(theta) ** 2
    slope[17] *= factor
    called = []

    def cost(p):
        called.append(p.shape)
        return mx.sum(mx.tanh(p))

    report = gc.check_gradients(cost, mx.array(theta, dtype=mx.float64), slope)

    assert report.verdict is verdict
    assert verdict is Verdict.CORRECT or report.worst.wrong == ((17, 18),)
    assert len(called) < report.evaluations  # one by one each evaluation is a call


@pytest.mark.parametrize("name", ["autograd", "mlx"])
def test_two_processes_find_what_one_does(name, monkeypatch):
    monkeypatch.setattr(pool, "_WORTH", 0.0)
    params = mlx_params() if name == "mlx" else {"w": W}

    def cost(p):
        return mx.sum(mx.tanh(p["w"])) if name == "mlx" else anp.sum(anp.tanh(p["w"]))

    report = gc.check_gradients(cost, params, {"w": SLOPE * [1, 1, 2]}, backend=name, n_jobs=2)

    assert report.worst.worst_entry == "w[2]"


def sides(factor=1):
    """One cost in both, the gradient in autograd by a multiple too large."""
    here = gc.GradientCase(lambda p: mx.sum(mx.tanh(p["w"])), mlx_params())
    there = gc.GradientCase(
        lambda p: anp.sum(anp.tanh(p["w"])),
        {"w": W},
        None if factor == 1 else lambda p: {"w": factor * (1 - np.tanh(p["w"]) ** 2)},
        options={"backend": "autograd"},
    )
    return {"mlx": here, "autograd": there}


def test_a_wrong_gradient_in_one_of_them_is_the_culprit_beside_the_other():
    report = gc.compare_gradients(sides(factor=2), reference="mlx")

    assert report.verdict is Verdict.BUG
    assert report.culprit == "autograd"


def test_one_model_in_both_compares_equal():
    report = gc.compare_gradients(sides(), reference="mlx")

    assert report.passed
    assert report.forward_agrees


def test_the_command_lists_them_and_loads_them(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    assert main(["backends", "--load"]) == 0

    rows = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert rows["autograd"][2:] == ["gradcheck-autograd", "0.1.0", "works"]
    assert rows["mlx"][2:] == ["gradcheck-mlx", "0.1.0", "works"]


@pytest.mark.parametrize(("name", "code"), [("right", 0), ("wrong", 1)])
def test_the_command_runs_their_cases(tmp_path, capsys, name, code):
    file = tmp_path / "cases.py"
    file.write_text(
        "import autograd.numpy as anp, numpy as np\n"
        "from gradcheck_core import GradientCase\n"
        "W = np.array([0.3, -1.2])\n"
        "def cost(w): return anp.sum(w * w)\n"
        "right = GradientCase(cost, W)\n"
        "wrong = GradientCase(cost, W, W)\n"
    )

    assert main(["run", f"{file}::{name}", "--backend", "autograd"]) == code
    assert "on autograd" in capsys.readouterr().out


def test_the_plugin_runs_a_marked_test_with_each(pytester):
    pytester.makepyfile(
        """
        import autograd.numpy as anp
        import mlx.core as mx
        import numpy as np
        import pytest

        @pytest.mark.gradcheck_backends("autograd", "mlx")
        def test_sum(gradcheck, gradcheck_backend):
            w = np.array([0.3, -1.2])
            if gradcheck_backend == "mlx":
                gradcheck(lambda p: mx.sum(p * p), mx.array(w, dtype=mx.float64))
            else:
                gradcheck(lambda p: anp.sum(p * p), w)
        """
    )

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-v")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_sum[[]autograd[]]*", "*test_sum[[]mlx[]]*"])
