import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.evaluate.preflight import Baseline
from gradcheck_core.measure.evidence import Claimed, Evidence
from gradcheck_core.measure.notes import observe
from gradcheck_core.numerics.coordinates import Derivatives
from gradcheck_core.numerics.noise import Noise
from gradcheck_core.protocol import Carried, Layout
from gradcheck_core.protocol.outputs import CostValue

ROUNDOFF = 2.0**-53
NOTHING_MOVED = "no perturbation changed the cost: does it use the params passed as its first argument?"


def observed(claimed, lower, upper=None, noise=ROUNDOFF, roundoff=ROUNDOFF, not_finite=0, carried=(), left_out=()):
    """Notes on a cost of 1 with one parameter of one entry for each claim: `p0`, `p1`, ..."""
    layout = Layout.of([(f"p{i}", (1,), "float64") for i in range(len(claimed) + len(left_out))], carried)
    slopes = zip(lower, upper or lower, strict=True)
    evidence = tuple(
        Evidence(parameter, Claimed(np.array([claim]), 0.0), Derivatives(*map(np.atleast_1d, pair), np.array([1e-9])))
        for parameter, claim, pair in zip(layout.parameters, claimed, slopes, strict=False)
    )
    baseline = Baseline(np.ones(layout.size), CostValue(1.0, roundoff, 1), roundoff)
    still = (item for item in evidence if not item.derivatives.lower.any() and not item.derivatives.upper.any())
    unmoved = tuple(item.parameter.name for item in still)
    return observe(evidence, unmoved, layout, Noise(noise, settled=True), baseline, not_finite)


def notes_of(cost, theta, grads, **options):
    return gc.check_gradients(cost, np.array(theta), np.array(grads), **options).notes


def test_an_ordinary_check_has_nothing_to_note():
    assert observed([1.0, -2.0], [1.0, -2.0]) == ()


def test_a_cost_that_nothing_moves():
    assert observed([1.0, 2.0], [0.0, 0.0]) == (NOTHING_MOVED,)


@pytest.mark.parametrize("factor", [-1, 1, 1000])
def test_what_a_constant_of_the_cost_hides_is_not_called_correct(factor):
    theta = np.array([0.3, -1.2, 2.0])

    report = gc.check_gradients(lambda theta: 1e10 + 1e-4 * np.sum(np.sin(theta)), theta, factor * 1e-4 * np.cos(theta))

    assert report.verdict is gc.Verdict.INSPECT
    assert NOTHING_MOVED in report.notes


def test_a_cost_that_nothing_moves_and_nothing_is_claimed_of():
    assert observed([0.0, 0.0], [0.0, 0.0]) == ()


def test_a_parameter_that_does_not_move_the_cost():
    assert observed([1.0, 2.0], [1.0, 0.0]) == (
        "`p1`: moving it does not change the cost, yet its claimed gradient is not zero",
    )


def test_a_claim_that_is_zero_within_rounding_is_not_noted():
    """The error bars are 1e-9."""
    assert observed([1.0, 5e-10], [1.0, 0.0]) == ()


def test_a_parameter_that_moves_nothing_and_is_claimed_to():
    assert observed([1.0, 0.0], [1.0, 0.0]) == ()


def test_a_cost_at_a_stationary_point_is_not_said_to_be_constant():
    # cos(h) and cos(-h) are the same number: the derivative is 0 to the last bit, the cost changes nevertheless
    assert NOTHING_MOVED not in notes_of(lambda w: float(np.cos(w[0])), [0.0], [1.0])


def test_a_stationary_parameter_is_said_to_be_moved():
    report = gc.check_gradients(
        lambda p: float(np.cos(p["a"][0]) + p["b"][0]), {"a": np.zeros(1), "b": np.ones(1)}, np.ones(2)
    )

    assert not any("moving it does not change the cost" in note for note in report.notes)


def test_of_parameters_that_no_evaluation_was_left_for_nothing_is_said():
    """Of 60 evaluations none reaches `b`."""
    params = {"a": np.ones(100), "b": np.ones(100)}

    report = gc.check_gradients(
        lambda p: float(np.sum(np.sin(p["a"])) + np.sum(np.cos(p["b"]))),
        params,
        {"a": np.cos(params["a"]), "b": -np.sin(params["b"])},
        method="exhaustive",
        max_evaluations=60,
    )

    assert any("stopped at" in note for note in report.notes)
    assert not any("moving it does not change the cost" in note for note in report.notes)


def test_a_claim_of_zero_where_the_cost_changes():
    (note,) = observed([0.0, 2.0], [1.0, 2.0])

    assert note == (
        "`p0`: its claimed gradient is exactly zero, yet the cost depends on it; "
        "is it detached, or left out of the backward pass?"
    )


@pytest.mark.parametrize("lower", [0.0, 1e-9, -1e-9])
def test_a_claim_of_zero_where_the_cost_may_be_constant(lower):
    assert observed([0.0, 2.0], [lower, 2.0]) == ()


def test_a_claim_of_zero_on_a_kink_is_no_missing_gradient():
    (note,) = observed([0.0, 2.0], [-1.0, 2.0], upper=[1.0, 2.0])

    assert note.startswith("on a kink")


def test_kinks_are_listed_with_their_number():
    assert observed([0.5, 2.0, 0.5], [0.0, 2.0, -1.0], upper=[1.0, 2.0, 1.0]) == (
        "on a kink of the cost, where any slope between the two sides is right: 1 entry of `p0`, 1 entry of `p2`",
    )


def test_a_noisy_cost():
    assert observed([1.0], [1.0], noise=1e-12) == ("the cost is noisy for float64: 1.0e-12, or 1.0e-12 of its value",)


def test_a_cost_with_the_noise_of_float32():
    (note,) = observed([1.0], [1.0], noise=2.0**-25)

    assert note.endswith("3.0e-08 of its value (as if computed in float32)")


@pytest.mark.parametrize("noise", [2.0**-28, 1.3e-4], ids=["less", "more"])
def test_noise_of_another_size_than_float32s_is_not_said_to_be_its(noise):
    (note,) = observed([1.0], [1.0], noise=noise)

    assert note.endswith("of its value")


@pytest.mark.parametrize(("noise", "roundoff"), [(64 * ROUNDOFF, ROUNDOFF), (1e-6, 2.0**-24)])
def test_noise_as_of_the_precision_is_not_noted(noise, roundoff):
    assert observed([1.0], [1.0], noise=noise, roundoff=roundoff) == ()


def test_thetas_at_which_the_cost_was_not_finite():
    assert observed([1.0], [1.0], not_finite=3) == (
        "the cost was NaN or infinite at 3 perturbed thetas; smaller steps were used there",
    )


def test_parameters_not_checked_and_why():
    assert observed([1.0], [1.0], left_out=["p1"], carried=[Carried("steps", "int64")]) == (
        "not checked: `p1` (left out), `steps` (int64)",
    )


def test_the_most_telling_come_first():
    found = observed([1.0, 0.0, 0.5], [0.0, 3.0, 0.0], upper=[0.0, 3.0, 1.0], noise=1e-9, not_finite=1, left_out=["p3"])
    kinds = ["moving it does not", "exactly zero", "on a kink", "noisy", "NaN or infinite", "not checked"]

    assert [kind for kind, note in zip(kinds, found, strict=True) if kind in note] == kinds


def test_a_check_notes_float32_inside():
    notes = notes_of(lambda w: float(np.sum(np.sin(w.astype(np.float32)))), [0.3, 1.1], np.cos([0.3, 1.1]))

    assert any("noisy for float64" in note and "as if computed in float32" in note for note in notes)


def test_a_check_notes_the_thetas_beyond_the_domain():
    with np.errstate(all="ignore"):
        notes = notes_of(lambda w: float(np.sum(np.log(w))), [1e-9, 1.0], [1e9, 1.0])

    assert any("NaN or infinite at" in note for note in notes)


def test_a_step_that_rounds_to_nothing_moves_nothing_and_says_so():
    w = {"a": np.array([1e12, 2e12]), "b": np.ones(2)}
    grads = {"a": np.full(2, 1e-12), "b": np.ones(2)}

    report = gc.check_gradients(lambda p: float(p["b"].sum() + p["a"].sum() * 1e-12), w, grads, epsilon=1e-5)

    assert report.parameters["a"].verdict is gc.Verdict.INCONCLUSIVE
    assert any(note.startswith("`a`: moving it does not change the cost") for note in report.notes)
