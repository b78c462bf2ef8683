"""Each framework's models of the migration example, in an environment that may have no other framework."""

from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "migration"
CASES = {
    "numpy": ["numpy_model.py::case", "numpy_model.py::migrated"],
    "torch": ["torch_model.py::case"],
    "tensorflow": ["keras_model.py::case", "keras_model.py::migrated"],
    "jax": ["flax_model.py::case", "flax_model.py::migrated"],
}


def test_a_models_gradient_is_right(kit, gradcheck):
    for case in CASES[kit.name]:
        done = gradcheck("run", "-q", case, cwd=EXAMPLE)

        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(("CORRECT", "INSPECT"))
