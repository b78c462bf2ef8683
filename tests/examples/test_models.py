"""Each framework's model of the migration example, by itself."""

from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "migration"
FILES = {"numpy": "numpy_model.py", "torch": "torch_model.py", "tensorflow": "keras_model.py", "jax": "flax_model.py"}


def test_a_models_gradient_is_right(kit, gradcheck):
    done = gradcheck("run", "-q", f"{FILES[kit.name]}::case", cwd=EXAMPLE)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(("CORRECT", "INSPECT"))
