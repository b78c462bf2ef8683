"""Complex parameters and outputs: each entry two numbers, gradients in the framework's own convention."""

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict
from gradcheck_core.protocol import Capability

Z = np.array([0.5 + 1.0j, -0.3 + 0.2j, 1.1 - 0.7j])
W = np.array([0.4, -0.9])


def cost_of(kit):
    """J = sum |sin z|**2 + sum sin w."""
    return lambda p: kit.sum(abs(kit.sin(p["z"])) ** 2) + kit.sum(kit.sin(p["w"]))


def params(kit, dtype="complex128"):
    return {"z": kit.array(Z, dtype), "w": kit.array(W, "float64" if dtype == "complex128" else "float32")}


def claim(kit, d_z, d_w=None):
    """From dJ/dx + i dJ/dy to the framework's convention."""
    return {"z": np.conj(d_z) if kit.name == "jax" else d_z, "w": np.cos(W) if d_w is None else d_w}


# of |f|**2 with f analytic: dJ/dx + i dJ/dy = 2 f conj(f')
RIGHT = 2 * np.sin(Z) * np.conj(np.cos(Z))


def check(kit, d_z, **options):
    return gc.check_gradients(cost_of(kit), params(kit), claim(kit, d_z), **options)


@pytest.mark.parametrize("part", ["real", "imag"])
def test_one_wrong_part_of_one_entry_is_named(kit, part):
    wrong = RIGHT.copy()
    wrong[1] = wrong[1].real * 1.5 + 1j * wrong[1].imag if part == "real" else wrong[1].real + 1.5j * wrong[1].imag

    report = check(kit, wrong)

    assert report.verdict is Verdict.BUG
    assert report.worst.worst_entry == f"z[1].{part}"
    assert report.worst.wrong == ((1, 2),)
    assert f"worst entry: z[1].{part}, claimed" in str(report)


def test_the_gradient_of_the_holomorphic_derivative_is_a_bug(kit):
    # the derivative of sin(z)**2, without the conjugate: right for a real z only
    assert check(kit, 2 * np.sin(Z) * np.cos(Z)).verdict is Verdict.BUG


def test_a_flat_vector_holds_both_parts(kit):
    flat = np.concatenate([np.cos(W), RIGHT.view(float)] if kit.name == "jax" else [RIGHT.view(float), np.cos(W)])

    assert gc.check_gradients(cost_of(kit), params(kit), flat).verdict is Verdict.CORRECT


def test_a_real_gradient_of_a_complex_parameter_has_no_imaginary_part(kit):
    assert check(kit, RIGHT.real).verdict is Verdict.BUG


def test_a_complex_gradient_of_a_real_parameter_is_refused(kit):
    with pytest.raises(gc.InvalidInputError, match=r"`grads\['w'\]` is .* of dtype complex128; pass real floating"):
        gc.check_gradients(cost_of(kit), params(kit), claim(kit, RIGHT, d_w=np.cos(W) + 0j))


def test_complex_outputs_take_part_with_both_parts(kit):
    if not kit.declares(Capability.AUTODIFF):
        pytest.skip(f"{kit.name} has no automatic differentiation")
    turn = kit.constant(np.array([1 + 2j, 0.5 - 1j, 3j]), "complex128")

    report = gc.check_gradients(lambda z: {"a": kit.sin(z) * turn, "b": abs(z)}, kit.array(Z, "complex128"))

    assert report.verdict is Verdict.CORRECT


def test_the_callers_complex_arrays_stay_as_they_are(kit):
    held = params(kit)

    gc.check_gradients(cost_of(kit), held, claim(kit, RIGHT))

    assert np.array_equal(np.asarray(held["z"]), Z)
