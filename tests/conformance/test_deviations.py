"""What a backend does otherwise than the suite says needs a reason, and what does not apply says so."""

import pytest
from gradcheck_autograd import AutogradBackend

pytest_plugins = ["pytester"]

GUARD = "test_every_deviation_from_the_suite_has_a_reason"
WRONG = "test_a_wrong_gradient_is_a_bug_and_named"
SHAPE = "test_to_numpy_keeps_values_and_shape"


@pytest.fixture
def run(pytester):
    def ran(body, *selected):
        """Outcomes of some tests of a suite with this in its body."""
        pytester.makepyfile(
            f"""
import pytest
from reference import KIT
from gradcheck_core.testing import BackendConformance

class TestReference(BackendConformance):
    @pytest.fixture
    def kit(self):
        return KIT

{body}
"""
        )
        chosen = " or ".join(selected)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-rA", "-k", chosen)

    return ran


@pytest.mark.parametrize(
    "body", [f"    def {SHAPE}(self, kit): pass", f"    {SHAPE} = None", f"    {SHAPE} = staticmethod(lambda: None)"]
)
def test_an_override_without_a_reason_fails(run, body):
    result = run(body, GUARD)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"E *overridden without a reason in `deviations`: {SHAPE}*"])


def test_an_override_with_a_reason_runs_in_place_of_the_standard_test(run):
    body = f"    deviations = {{{SHAPE!r}: 'its scalars are arrays'}}\n    def {SHAPE}(self, kit): assert kit"

    run(body, GUARD, SHAPE).assert_outcomes(passed=2)


def test_a_test_that_is_named_with_a_reason_has_to_fail(run):
    run(f"    deviations = {{{SHAPE!r}: 'out of date'}}", GUARD, SHAPE).assert_outcomes(passed=1, failed=1)


def test_a_failure_that_is_named_is_expected_and_shows_its_reason(run, monkeypatch):
    monkeypatch.setattr(AutogradBackend, "to_numpy", lambda self, leaf: leaf.astype("float16"))

    result = run(f"    deviations = {{{SHAPE!r}: 'half precision only'}}", GUARD, SHAPE)

    result.assert_outcomes(passed=1, xfailed=1)
    result.stdout.fnmatch_lines([f"XFAIL *{SHAPE} - half precision only*"])


def test_one_case_of_a_test_can_be_named(run):
    result = run(f"    deviations = {{'{WRONG}[zero]': 'of one case'}}", WRONG)

    result.assert_outcomes(passed=5, failed=1)  # the case passes, and was expected to fail
    result.stdout.fnmatch_lines([f"*{WRONG}[[]zero]*", "*XPASS(strict)* of one case*"])


@pytest.mark.parametrize(
    ("deviations", "message"),
    [
        ({"test_of_nothing": "why"}, "`deviations` names what is not a standard test: test_of_nothing"),
        ({SHAPE: " "}, f"`deviations` gives no reason for {SHAPE}"),
    ],
)
def test_reasons_that_explain_nothing_fail(run, deviations, message):
    result = run(f"    deviations = {deviations}", GUARD)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"E *{message}*"])


def test_undeclared_capabilities_are_skipped_with_the_reason(run, monkeypatch):
    monkeypatch.setattr(AutogradBackend, "capabilities", frozenset())

    result = run("", "gradient_has_thetas_order", "jvp", "hvp", "held_as_complex", "float64_evaluation")

    result.assert_outcomes(skipped=7)
    for capability in ("autodiff", "forward", "hessian", "complex step", "float64"):
        result.stdout.fnmatch_lines([f"SKIPPED * autograd does not declare {capability}"])


def test_a_suite_without_its_fixture_says_what_to_define(pytester):
    pytester.makepyfile(
        """
        from gradcheck_core.testing import BackendConformance

        class TestForgetful(BackendConformance):
            pass
        """
    )

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "owns")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E *TestForgetful has no fixture `kit`: define one that returns a gradcheck_core.te*"])
