"""Each framework's model of the migration example, in an environment that may have no other framework."""

from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "migration"
FILES = {"numpy": "numpy_model.py", "torch": "torch_model.py", "tensorflow": "keras_model.py", "jax": "flax_model.py"}
AS_RECORDED = {**dict.fromkeys(FILES, "migrated"), "torch": "case"}


@pytest.fixture
def prints(gradcheck):
    """A function that runs the command in the example's folder, and gives what it printed."""

    def prints(*arguments):
        done = gradcheck(*arguments, cwd=EXAMPLE)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return prints


def test_a_models_gradient_is_right(kit, prints):
    assert prints("run", "-q", f"{FILES[kit.name]}::case").startswith("CORRECT ")


def test_a_model_is_the_one_of_the_snapshot(kit, prints):
    case = f"{FILES[kit.name]}::{AS_RECORDED[kit.name]}"

    assert prints("verify", "-q", "original.safetensors", case).startswith("CORRECT ")
