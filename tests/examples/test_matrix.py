"""The project of examples/matrix, as its own pytest runs it: it passes, and what changes in one framework is seen."""

import os
import re
import shutil
import subprocess
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


def outcomes(project, backend):
    """What pytest prints, and of each test whether it passed."""
    command = [sys.executable, "-m", "pytest", "-v", f"--gradcheck-backend={backend}"]
    done = subprocess.run(
        command, cwd=project, env={**os.environ, "COLUMNS": "100"}, capture_output=True, text=True, check=False
    )
    passed = dict(re.findall(r"::(\w+)\[\w+\] (PASSED|FAILED|ERROR|SKIPPED)", done.stdout))
    assert passed, done.stdout + done.stderr
    return done.stdout, passed


def test_a_wrong_gradient_in_one_framework_fails_both_tests(kit, project):
    change(project, f"{kit.name}_model.py", *WRONG_GRADIENTS[kit.name])

    output, results = outcomes(project, kit.name)

    assert results == {"test_gradient": "FAILED", "test_snapshot": "FAILED"}
    assert "BUG  The claimed gradient is wrong." in output
    assert "BUG  The costs agree, and the gradients differ." in output
    if kit.name == "jax":  # the one that the page shows
        (page,) = re.findall(r"```text\n(E .*?)```", (PROJECT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
        printed = {ANY_NUMBER.sub("#", line.rstrip()) for line in output.splitlines()}
        assert [line for line in page.splitlines() if ANY_NUMBER.sub("#", line.rstrip()) not in printed] == []


def test_another_function_with_a_right_gradient_fails_the_snapshot_alone(kit, project):
    change(project, "weights.py", "LABELS = np.array([0, 1, 1])", "LABELS = np.array([0, 1, 0])")

    output, results = outcomes(project, kit.name)

    assert results == {"test_gradient": "PASSED", "test_snapshot": "FAILED"}
    assert "The values agree, and the costs differ" in output


def test_the_project_passes_against_the_file_that_numpy_recorded(kit, project):
    _, results = outcomes(project, kit.name)

    assert results == {"test_gradient": "PASSED", "test_snapshot": "PASSED"}
