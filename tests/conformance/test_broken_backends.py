"""The suite itself: a backend that keeps every law passes, and one that breaks a law fails the tests of that law."""

import broken_backends as broken
import numpy as np
import pytest
import reference
from gradcheck_autograd import AutogradBackend

pytest_plugins = ["pytester"]

SUITE = """
import pytest
from reference import KIT
from gradcheck_core.testing import BackendConformance

class TestReference(BackendConformance):
    @pytest.fixture
    def kit(self):
        return KIT
"""


@pytest.fixture
def run(pytester, monkeypatch):
    pytester.makepyfile(test_suite=SUITE)

    def failing(problem, **attributes):
        """The names of the tests that fail with a backend of these problems."""
        monkeypatch.setattr(AutogradBackend, "open", lambda backend, *arguments: problem(backend, *arguments))
        for name, value in attributes.items():
            monkeypatch.setattr(AutogradBackend, name, value)
        result = pytester.inline_run("-p", "no:cacheprovider", "-W", "error", "-q")
        passed, _, failed = result.listoutcomes()
        assert passed
        return {report.nodeid.split("::")[-1].partition("[")[0].removeprefix("test_") for report in failed}

    return failing


def test_the_reference_passes(run):
    assert run(reference.Reference) == set()


OWN_GRADIENT = {"the_frameworks_own_gradient_is_correct", "the_frameworks_own_gradient_of_a_float32_model_passes"}
OWN_PRODUCT = "the_frameworks_own_product_is_correct"
COMPLEX = "complex_parameters_are_checked_in_both_parts"

LAWS = {
    broken.ReadGivesItsOwnMemory: {"reading_changes_nothing", "a_cost_that_overwrites_its_params_is_refused"},
    broken.LaysOutInAnyOrder: {"layout_is_the_same_for_the_same_structure"},
    broken.ForgetsWhatItCarries: {
        "what_is_not_checked_is_carried_with_a_reason",
        "empty_and_integer_leaves_are_carried",
    },
    broken.NamesOnlyTheLastKey: {"the_cost_receives_the_users_own_structure"},
    broken.SortsTheEntries: {"write_replaces_just_the_entries_named"},
    broken.WritesTheWholeParameter: {"several_threads_may_write_different_entries"},
    broken.HoldsEverythingInFloat64: {"native_values_are_rounded_to_the_dtype"},
    broken.NeverWidens: {"float64_evaluation_of_float32_parameters", "a_float32_model_is_checked_in_float64"},
    broken.LeavesTheRandomState: {
        "the_callers_random_state_is_given_back",
        "alterations_give_the_callers_random_state_back",
    },
    broken.FixesNoRandomState: {
        "the_random_state_is_the_same_before_every_call",
        "a_cost_that_draws_from_the_frameworks_generator_is_checked",
    },
    broken.LosesTheArguments: {"the_cost_receives_the_users_own_structure"},
    broken.GivesTheCallersParams: {"params_is_the_structure_that_theta_means", "a_wrong_product_is_a_bug"},
    broken.SeesNothingRebound: {"what_the_cost_rebinds_is_named", "a_cost_that_rebinds_its_params_is_refused"},
    broken.WorksInTheCallersMemory: {"closing_gives_the_params_back", "closing_is_safe_at_any_time"},
    broken.ClosesOnlyOnce: {"closing_is_safe_at_any_time"},
    broken.WrapsErrors: {"a_cost_that_raises_keeps_its_error", "a_cost_that_raises_near_theta_says_where"},
    broken.GradientIsBackwards: {
        "the_gradient_has_thetas_order",
        "the_gradient_is_that_at_the_present_theta",
        "the_gradient_is_weighted",
        "a_parameter_that_does_not_reach_the_cost_has_gradient_zero",
        "a_complex_gradient_is_by_both_parts",
        "an_altered_cost_can_be_differentiated",
        *OWN_GRADIENT,
        OWN_PRODUCT,
        COMPLEX,
    },
    broken.GradientAddsUp: {
        "the_gradient_has_thetas_order",
        "the_gradient_is_that_at_the_present_theta",
        OWN_PRODUCT,
    },
    broken.GradientIsKept: {"the_gradient_is_that_at_the_present_theta", OWN_PRODUCT},
    broken.GradientIsUnweighted: {"the_gradient_is_weighted"},
    broken.GradientNeedsEveryParameter: {"a_parameter_that_does_not_reach_the_cost_has_gradient_zero"},
    broken.GradientMovesTheta: {
        "the_gradient_has_thetas_order",
        "the_gradient_is_that_at_the_present_theta",
        *OWN_GRADIENT,
        OWN_PRODUCT,
        COMPLEX,
    },
    broken.GradientIsConjugated: {"a_complex_gradient_is_by_both_parts", COMPLEX},
    broken.ForwardModeHasAnotherOrder: {
        "jvp_is_the_gradient_along_a_direction_and_linear",
        "forward_mode_is_correct",
    },
    broken.ProductHasNoCrossTerms: {"hvp_is_symmetric", "hvp_is_the_hessian_along_a_direction", OWN_PRODUCT},
    broken.ProductOfALinearCostIsAnError: {"hvp_of_a_linear_cost_is_zero"},
    broken.ComplexEntriesAreOneNumber: {"complex_parameters_are_two_numbers_an_entry", COMPLEX},
    broken.WritesTheRealPartOnly: {"real_parameters_can_be_held_as_complex", "complex_steps_resolve_to_rounding"},
    broken.BatchIsOffByOne: {"batched_equals_one_by_one"},
    broken.GivesNoAlterations: {
        "an_altered_cost_does_one_thing_otherwise",
        "an_altered_cost_can_be_differentiated",
    },
    broken.AltersNothing: {"an_altered_cost_does_one_thing_otherwise", "only_what_changes_something_is_given"},
    broken.GivesAlterationsUnseen: {"only_what_changes_something_is_given"},
    broken.AltersForGood: {"the_cost_is_itself_after_an_altered_call"},
    broken.AltersForGoodAfterAnError: {"the_cost_is_itself_after_an_altered_call"},
    broken.AltersTheArguments: {"alterations_leave_theta_and_the_callers_data"},
    broken.AskingForAlterationsMovesTheta: {
        "alterations_leave_theta_and_the_callers_data",
        "the_cost_is_itself_after_an_altered_call",
    },
    broken.AskingForAlterationsDraws: {"alterations_give_the_callers_random_state_back"},
    broken.GivesAlterationsInAnyOrder: {"alterations_come_in_the_same_order"},
    broken.SaysNothingOfTheOther: {"an_alteration_says_what_both_sides_do"},
    broken.AltersOutsideOfTheFramework: {"an_altered_cost_can_be_differentiated"},
}


@pytest.mark.parametrize("problem", LAWS, ids=lambda problem: problem.__name__)
def test_a_problem_that_breaks_a_law_fails_its_tests_and_no_others(run, problem):
    assert run(problem) == LAWS[problem]


EVERYTHING_RESTS_ON = {
    broken.WritesInFloat32: {"write_then_read_round_trips", "float64_evaluation_of_float32_parameters"},
    broken.AnswersFromMemory: {
        "the_cost_is_evaluated_at_the_present_theta",
        "a_cost_with_a_generator_of_its_own_is_refused",
        "a_cost_that_drifts_is_refused",
    },
    broken.AddsUpOverCalls: {"the_same_theta_gives_the_same_cost", "the_random_state_is_the_same_before_every_call"},
}


@pytest.mark.parametrize("problem", EVERYTHING_RESTS_ON, ids=lambda problem: problem.__name__)
def test_a_problem_that_breaks_a_law_on_which_all_rests_fails_its_tests_and_the_checks(run, problem):
    failed = run(problem)

    assert EVERYTHING_RESTS_ON[problem] | {"a_right_gradient_by_hand_is_correct"} <= failed
    assert not failed & {"owns_its_own_leaves_only", "layout_names_shapes_and_dtypes", "closing_gives_the_params_back"}


@pytest.mark.parametrize("owns", [lambda self, leaf: True, lambda self, leaf: leaf.is_array], ids=["all", "raises"])
def test_a_backend_that_owns_too_much_or_raises_fails_the_test_of_ownership(run, owns):
    assert run(reference.Reference, owns=owns) == {"owns_its_own_leaves_only"}


def test_a_backend_whose_tensors_lose_precision_on_their_way_fails_the_test_of_travelling(run):
    def reducers(self):
        return {np.ndarray: lambda array: (np.float32, (array.tolist(),))}

    assert run(reference.Reference, reducers=reducers) == {"tensors_travel_to_other_processes"}


def test_a_backend_with_the_other_convention_of_complex_gradients_fails_their_tests(run):
    assert run(reference.Reference, conjugates=False) == {"a_complex_gradient_is_by_both_parts", COMPLEX}


def test_a_backend_that_names_every_dtype_float64_fails_the_tests_of_dtypes(run):
    failed = run(reference.Reference, dtype_of=lambda self, leaf: "float64")

    assert {"dtype_of_names_the_tensors_own_dtype", "native_values_are_rounded_to_the_dtype"} <= failed
    assert "a_right_gradient_by_hand_is_correct" not in failed


def test_a_backend_that_makes_scalars_arrays_of_one_entry_fails_the_tests_of_shapes(run):
    failed = run(reference.Reference, to_numpy=lambda self, leaf: np.atleast_1d(np.asarray(leaf)))

    assert "to_numpy_keeps_values_and_shape" in failed
    assert "write_then_read_round_trips" not in failed
