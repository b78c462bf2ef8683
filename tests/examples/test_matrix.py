"""The project of examples/matrix, as its own pytest runs it: it passes, and what changes in one framework is seen.

In this process, where the framework is imported already.
"""

import contextlib
import importlib
import io
import re
import shutil
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2] / "examples" / "matrix"
WRONG_GRADIENTS = {
    "numpy": ("(1 - hidden**2)", "(1 - hidden)"),
    "torch": ("torch.tanh(self.hidden(x))", "torch.tanh(self.hidden(x)).detach()"),
    "tensorflow": ("activation=tf.tanh", "activation=lambda z: tf.stop_gradient(tf.tanh(z))"),
    "jax": (
        'jnp.tanh(x @ params["hidden"]["kernel"] + params["hidden"]["bias"])',
        'jnp.tanh(jax.lax.stop_gradient(x @ params["hidden"]["kernel"] + params["hidden"]["bias"]))',
    ),
}
ANY_NUMBER = re.compile(r"\d\.\d+e[-+]\d\d")


@pytest.fixture
def project(tmp_path):
    return shutil.copytree(PROJECT, tmp_path / "matrix", ignore=shutil.ignore_patterns(".*", "__pycache__"))


def change(project, file, right, wrong):
    path = project / "src" / file
    source = path.read_text(encoding="utf-8")
    assert source.count(right) == 1, f"{file}: {right}"
    path.write_text(source.replace(right, wrong), encoding="utf-8")


@pytest.fixture
def outcomes(kit, project, monkeypatch):
    """A function that runs pytest in the project: what it prints, and of each test whether it passed."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def outcomes():
        printed = io.StringIO()
        known = set(sys.modules)
        with precision_given_back(kit.name), contextlib.redirect_stdout(printed):
            pytest.main(["-v", "-s", "-p", "no:cacheprovider", f"--gradcheck-backend={kit.name}"])
        for name in set(sys.modules) - known:
            if str(project) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]  # the next copy of the project has modules of the same names
        passed = dict(re.findall(r"::(\w+)\[\w+\] (PASSED|FAILED|ERROR|SKIPPED)", printed.getvalue()))
        assert passed, printed.getvalue()
        return printed.getvalue(), passed

    return outcomes


@contextlib.contextmanager
def precision_given_back(name):
    """The project's models switch their framework to float64 for the whole process."""
    if name == "jax":
        config = importlib.import_module("jax").config
        before, give_back = config.jax_enable_x64, lambda before: config.update("jax_enable_x64", before)
    elif name == "tensorflow":
        config = importlib.import_module("keras").config
        before, give_back = config.floatx(), config.set_floatx
    else:
        before, give_back = None, lambda before: None
    try:
        yield
    finally:
        give_back(before)


def test_a_wrong_gradient_in_one_framework_fails_both_tests(kit, project, outcomes):
    change(project, f"{kit.name}_model.py", *WRONG_GRADIENTS[kit.name])

    output, results = outcomes()

    assert results == {"test_gradient": "FAILED", "test_snapshot": "FAILED"}
    assert "BUG  The claimed gradient is wrong." in output
    assert "BUG  The costs agree, but the gradients differ." in output
    if kit.name == "jax":  # the one that the page shows
        (page,) = re.findall(r"```text\n(E .*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
        printed = {ANY_NUMBER.sub("#", line.rstrip()) for line in output.splitlines()}
        assert [line for line in page.splitlines() if ANY_NUMBER.sub("#", line.rstrip()) not in printed] == []


def test_another_function_with_a_right_gradient_fails_the_snapshot_alone(project, outcomes):
    change(project, "weights.py", "LABELS = np.array([0, 1, 1])", "LABELS = np.array([0, 1, 0])")

    output, results = outcomes()

    assert results == {"test_gradient": "PASSED", "test_snapshot": "FAILED"}
    assert "The values agree, but the costs differ" in output


def test_the_project_passes_against_the_file_that_numpy_recorded(outcomes):
    _, results = outcomes()

    assert results == {"test_gradient": "PASSED", "test_snapshot": "PASSED"}
