"""One Keras model under each framework against one snapshot, recorded under TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def verify():
    def run(case):
        command = [sys.executable, "-m", "gradcheck_core", "verify", DATA / "snapshots" / "keras.safetensors"]
        return subprocess.run(
            [*command, f"{DATA / 'keras_model.py'}::{case}"],
            env={**os.environ, "COLUMNS": "80"},  # KERAS_BACKEND among them
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_model_is_another_function_where_an_activation_is_another(verify):
    done = verify("of_another_activation")

    assert done.returncode == 1, done.stdout + done.stderr
    assert "the models are different functions" in done.stdout


def test_the_model_verifies_as_finely_as_float64_shows(verify):
    done = verify("case")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("CORRECT  Values, costs and gradients agree.")
