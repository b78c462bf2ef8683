"""The plugin as a suite meets it: every test here is a run of pytest in a folder of its own."""

import xml.etree.ElementTree as ElementTree

import pytest

pytest_plugins = ["pytester"]

SUITE = """
import numpy as np
import pytest

W = np.array([0.3, -1.2, 0.7])

def cost(w):
    return float(np.sum(np.sin(w)))

def test_right(gradcheck):
    assert gradcheck(cost, W, np.cos(W)).passed

def test_wrong(gradcheck):
    gradcheck(cost, W, np.cos(W) * [1, 1, 2])

def test_without_a_gradient():
    pass
"""


@pytest.fixture
def suite(pytester):
    pytester.makepyfile(test_suite=SUITE)
    return pytester


def run(pytester, *arguments):
    # Hypothesis, which no suite here uses, would take a second of each run
    unused = ("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:hypothesispytest")
    return pytester.runpytest_subprocess(*unused, *arguments)


def test_a_right_gradient_passes_and_a_wrong_one_fails(suite):
    run(suite).assert_outcomes(passed=2, failed=1)


def test_the_failure_is_the_report_and_how_to_repeat_it(suite):
    output = run(suite)

    output.stdout.fnmatch_lines(
        [
            "E *GradientCheckError: BUG *",
            "E *worst entry: theta[[]2[]]*",
            "E *theta *BUG *single_entry",
            "E *Replay: pytest test_suite.py::test_wrong --gradcheck-seed=0",
        ]
    )
    assert "check_gradients(" not in output.stdout.str()  # nor does the traceback lead through the checker


def test_what_replay_says_runs_that_check_again(suite):
    suite.makepyfile(
        test_seeds="""
        import numpy as np

        def test_seed(gradcheck):
            gradcheck(lambda w: float(w @ w), np.ones(3), np.ones(3), seed=7)
        """
    )
    replay = next(line for line in run(suite, "test_seeds.py").outlines if "Replay" in line)
    test, seed = replay.split("Replay: pytest ")[1].split()

    again = run(suite, test, seed)

    assert seed == "--gradcheck-seed=7"
    again.assert_outcomes(failed=1)


def test_the_seed_of_the_command_line_is_for_checks_that_name_none(pytester):
    pytester.makepyfile(
        """
        import numpy as np

        def seed_of(gradcheck, **options):
            w = np.linspace(0.1, 1, 50)
            return gradcheck(lambda w: float(np.sum(np.sin(w))), w, np.cos(w), method="projected", **options)

        def test_seed(gradcheck):
            assert seed_of(gradcheck).certificate.seed == 5
            assert seed_of(gradcheck, seed=3).certificate.seed == 3
        """
    )

    run(pytester, "--gradcheck-seed=5").assert_outcomes(passed=1)


@pytest.mark.parametrize("processes", [[], ["-n", "2"]], ids=["one process", "xdist"])
def test_the_summary_has_the_checks_of_all_processes(suite, processes):
    run(suite, *processes).stdout.fnmatch_lines(
        [
            "*= gradient checks =*",
            "2 checks in 2 tests: 1 BUG, 1 CORRECT",
            "*evaluations in * s",
            "worst difference *(BUG): test_suite.py::test_wrong",
            "slowest * s, * evaluations: test_suite.py::test_*",
        ]
    )


def test_a_suite_without_checks_has_no_summary(suite):
    assert "gradient checks" not in run(suite, "-k", "without").stdout.str()


@pytest.mark.parametrize("processes", [[], ["-n", "2"]], ids=["one process", "xdist"])
def test_junit_has_verdict_difference_and_resolution(suite, processes):
    run(suite, "--junit-xml=results.xml", *processes)
    cases = {case.get("name"): case for case in ElementTree.parse(suite.path / "results.xml").iter("testcase")}
    properties = {
        name: {entry.get("name"): entry.get("value") for entry in case.iter("property")} for name, case in cases.items()
    }

    assert properties["test_wrong"]["gradcheck.verdict"] == "BUG"
    assert properties["test_right"]["gradcheck.verdict"] == "CORRECT"
    assert float(properties["test_wrong"]["gradcheck.difference"]) > 0.1
    assert 0 < float(properties["test_right"]["gradcheck.resolution"]) < 1e-6
    assert properties["test_without_a_gradient"] == {}


def test_several_checks_of_one_test_are_all_recorded(pytester):
    pytester.makepyfile(
        """
        import numpy as np

        def test_both(gradcheck):
            gradcheck(lambda w: float(w @ w), np.ones(2), np.full(2, 2.0))
            gradcheck(lambda w: 3 * float(w @ w), np.ones(2), np.full(2, 6.0))
        """
    )
    output = run(pytester, "--junit-xml=results.xml")
    names = {entry.get("name") for entry in ElementTree.parse(pytester.path / "results.xml").iter("property")}

    assert {"gradcheck.verdict", "gradcheck.2.verdict"} <= names
    output.stdout.fnmatch_lines(["2 checks in 1 test: 2 CORRECT"])


def test_a_page_for_every_check(suite):
    run(suite, "--gradcheck-html=pages", "-n", "2")
    pages = {page.name: page.read_text(encoding="utf-8") for page in (suite.path / "pages").iterdir()}

    assert len(pages) == 2
    assert any("wrong" in name and "BUG" in text for name, text in pages.items())
    assert all("<html" in text for text in pages.values())


def test_pages_without_the_extra_are_refused_at_the_start(suite):
    suite.makeconftest(
        "import gradcheck_core.report.extras; gradcheck_core.report.extras._NEEDED = ('a_package_that_nobody_has',)"
    )
    output = suite.runpytest_subprocess("--gradcheck-html=pages")

    assert output.ret == pytest.ExitCode.USAGE_ERROR
    output.stderr.fnmatch_lines(["*`--gradcheck-html` needs the extra `report`*pip install 'gradcheck[[]report[]]'"])


def test_pages_of_tests_that_differ_in_what_a_file_name_cannot_have(pytester):
    pytester.makepyfile(
        """
        import numpy as np
        import pytest

        @pytest.mark.parametrize("name", ["a/b", "a:b", "a" * 400, "<script>", "é"])
        def test_names(gradcheck, name):
            gradcheck(lambda w: float(w @ w), np.ones(2), np.full(2, 2.0))
        """
    )

    run(pytester, "--gradcheck-html=pages").assert_outcomes(passed=5)
    assert len(list((pytester.path / "pages").iterdir())) == 5


def test_a_marked_test_runs_once_for_each_installed_backend(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.gradcheck_backends
        def test_all(gradcheck_backend):
            assert gradcheck_backend

        @pytest.mark.gradcheck_backends("numpy", "nonesuch")
        def test_named(gradcheck, gradcheck_backend):
            report = gradcheck(lambda w: w[0] ** 2, [1.5], [3.0])
            assert report.backend == gradcheck_backend == "numpy"
        """
    )
    output = run(pytester, "-v", "-rs")

    output.stdout.fnmatch_lines_random(
        [
            "*::test_all[[]numpy[]] PASSED*",
            "*::test_named[[]numpy[]] PASSED*",
            "*nonesuch: no such backend is installed*",
        ]
    )


def test_a_backend_named_on_the_command_line_is_the_only_one(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.gradcheck_backends
        def test_all(gradcheck_backend):
            assert gradcheck_backend == "numpy"

        def test_unmarked(gradcheck):
            assert gradcheck(lambda w: w[0] ** 2, [1.5], [3.0]).backend == "numpy"
        """
    )

    run(pytester, "--gradcheck-backend=numpy").assert_outcomes(passed=2)
    run(pytester, "--gradcheck-backend=nonesuch").assert_outcomes(failed=1, skipped=1)


def test_a_marked_test_that_does_not_take_the_name_is_told_so(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.gradcheck_backends
        def test_all():
            pass
        """
    )

    run(pytester).stdout.fnmatch_lines(["*take the fixture `gradcheck_backend`*"])


def test_the_marker_is_known(suite):
    run(suite, "--strict-markers", "--markers").stdout.fnmatch_lines(["@pytest.mark.gradcheck_backends*"])


def test_the_plugin_imports_neither_framework_nor_checker(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # of the others, some import frameworks
    pytester.makepyfile(
        """
        import sys

        def test_modules():
            watched = ("gradcheck_", "torch", "tensorflow", "jax", "numpy")
            assert sorted(name for name in sys.modules if name.startswith(watched)) == [
                "gradcheck_core",
                "gradcheck_core.errors",
                "gradcheck_core.report",
                "gradcheck_core.report.extras",
                "gradcheck_core.report.files",
                "gradcheck_core.testing",
                "gradcheck_core.testing.asker",
                "gradcheck_core.testing.checker",
                "gradcheck_core.testing.plugin",
                "gradcheck_core.testing.records",
                "gradcheck_core.testing.snapshots",
                "gradcheck_core.testing.summary",
            ]
        """
    )

    run(pytester, "-p", "gradcheck_core.testing.plugin").assert_outcomes(passed=1)
