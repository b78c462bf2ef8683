"""The fixture that holds a gradient against a file beside the test, each in a run of pytest of its own."""

import pytest

pytest_plugins = ["pytester"]

SUITE = """
import numpy as np
import pytest

from gradcheck_core import GradientCase

W = np.array([0.3, -1.2, 0.7])
FACTOR = {factor}

def case(scale=1.0):
    return GradientCase(
        lambda w: float(scale * np.sum(np.sin(w))), W, lambda w: FACTOR * scale * np.cos(w)
    )

def test_one(gradient_snapshot):
    assert gradient_snapshot(case()).passed

@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.gradcheck_backends("numpy")
def test_several(gradient_snapshot, gradcheck_backend, scale):
    gradient_snapshot(case(scale))
    gradient_snapshot(case(3 * scale), name="tripled")
"""


def suite(pytester, factor):
    pytester.makepyfile(test_suite=SUITE.replace("{factor}", str(factor)))


def run(pytester, *arguments):
    # Hypothesis, which no suite here uses, would take a second of each run
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments)


@pytest.fixture
def recorded(pytester):
    suite(pytester, 1.0)
    run(pytester, "--gradcheck-record").assert_outcomes(passed=3)
    return pytester


def test_files_are_beside_the_test_and_hold(pytester):
    suite(pytester, 1.0)
    run(pytester, "--gradcheck-record", "-n", "2").assert_outcomes(passed=3)
    files = {path.name for path in (pytester.path / "gradient_snapshots" / "test_suite").iterdir()}

    assert len(files) == 5
    assert "test_one.safetensors" in files
    assert not any("numpy" in name for name in files)  # the same for every backend
    run(pytester).assert_outcomes(passed=3)


def test_a_gradient_that_changed_fails_with_the_report(recorded):
    suite(recorded, 1.01)
    output = run(recorded, "-k", "one", "--junit-xml=results.xml", "--gradcheck-seed=5")

    output.assert_outcomes(failed=1)
    output.stdout.fnmatch_lines(
        [
            "E *GradientCheckError: BUG *The costs agree, but the gradients differ.",
            "E *Contradicted: `test_one`*",
            "E *Replay: pytest test_suite.py::test_one --gradcheck-seed=5",
            "*1 check in 1 test: 1 BUG*",
        ]
    )
    assert 'name="gradcheck.verdict" value="BUG"' in (recorded.path / "results.xml").read_text()


def test_a_missing_file_says_how_to_make_it(pytester):
    suite(pytester, 1.0)
    output = run(pytester, "-k", "one")

    output.assert_outcomes(failed=1)
    output.stdout.fnmatch_lines(["*record it: pytest test_suite.py::test_one --gradcheck-record"])
    assert not (pytester.path / "gradient_snapshots").exists()


def test_a_wrong_gradient_is_not_recorded(pytester):
    suite(pytester, 2.0)
    output = run(pytester, "--gradcheck-record", "-k", "one")

    output.assert_outcomes(failed=1)
    output.stdout.fnmatch_lines(
        ["E *Replay: pytest test_suite.py::test_one --gradcheck-record --gradcheck-seed=0", "1 check in 1 test: 1 BUG"]
    )
    assert not list(pytester.path.rglob("*.safetensors"))


def test_a_second_snapshot_of_a_test_needs_a_name(pytester):
    pytester.makepyfile(
        """
        import numpy as np
        from gradcheck_core import GradientCase

        def test_twice(gradient_snapshot):
            case = GradientCase(lambda w: float(w @ w), np.ones(2), np.full(2, 2.0))
            gradient_snapshot(case)
            gradient_snapshot(case)
        """
    )

    run(pytester, "--gradcheck-record").stdout.fnmatch_lines(["*has used test_twice.safetensors already*"])


def test_pages_of_comparisons(recorded):
    run(recorded, "--gradcheck-html=pages", "-k", "one").assert_outcomes(passed=1)

    (page,) = (recorded.path / "pages").iterdir()
    assert "Values, costs and gradients agree." in page.read_text(encoding="utf-8")


def test_a_parameter_that_is_called_like_a_backend_keeps_its_own_file(pytester):
    pytester.makepyfile(
        """
        import numpy as np
        import pytest
        from gradcheck_core import GradientCase

        @pytest.mark.parametrize("other", ["numpy", "torch"])
        @pytest.mark.gradcheck_backends("numpy")
        def test_named(gradient_snapshot, gradcheck_backend, other):
            scale = len(other) + (other == "torch")
            gradient_snapshot(GradientCase(lambda w: scale * float(w @ w), np.ones(2), np.full(2, 2.0 * scale)))
        """
    )

    run(pytester, "--gradcheck-record").assert_outcomes(passed=2)
    assert len(list(pytester.path.rglob("*.safetensors"))) == 2
