"""What was not judged, not compared or only rounded away does not pass as agreement."""

import numpy as np

from gradcheck_core import GradientCase, Outcome, Verdict, compare_gradients

RNG = np.random.default_rng(11)
TABLE = RNG.normal(size=(4, 5))


def quadratic(params, factor=2.0, **options):
    """The sum of squares, with a gradient that is right for a factor of 2."""
    return GradientCase(
        lambda p: float(sum(np.sum(v**2) for v in p.values())),
        params,
        lambda p: {name: (2 if name != "b" else factor) * value for name, value in p.items()},
        options=options,
    )


def compare(a, b, **options):
    return compare_gradients({"a": a, "b": b}, reference="a", **options)


def test_two_wrong_gradients_that_no_differences_could_judge_do_not_pass():
    wrong = GradientCase(
        lambda p: float(np.sum(p**2)), np.linspace(0.1, 1, 6), lambda p: 10 * p, options={"max_evaluations": 2}
    )
    report = compare(wrong, wrong)

    assert (report.verdict, report.outcome) == (Verdict.INCONCLUSIVE, Outcome.UNDECIDED)
    assert "nobody judged" in str(report)


def test_a_gradient_that_one_side_could_judge_is_judged_on_both_if_they_agree():
    values = np.linspace(0.1, 1, 6)
    short, full = (
        GradientCase(lambda p: float(np.sum(p**2)), values, lambda p: 2 * p, options=options)
        for options in ({"max_evaluations": 2}, {})
    )

    assert compare(short, full).verdict is Verdict.CORRECT
    assert compare(full, short).verdict is Verdict.CORRECT


def test_a_parameter_excluded_on_both_sides_is_said_and_is_inspect_at_best():
    params = {"a": TABLE, "b": TABLE[0] + 0.1}
    report = compare(quadratic(params, factor=14.0, exclude="b"), quadratic(params, factor=14.0, exclude="b"))

    assert (report.verdict, report.outcome) == (Verdict.INSPECT, Outcome.AGREE)
    assert "not checked by finite differences: `b`" in " ".join(report.pairs[0].notes)


def test_a_parameter_excluded_on_one_side_is_checked_on_the_other():
    params = {"a": TABLE, "b": TABLE[0] + 0.1}

    assert compare(quadratic(params, exclude="b"), quadratic(params)).verdict is Verdict.CORRECT


def test_rows_of_a_source_that_nothing_is_made_of_are_not_compared():
    table = RNG.normal(size=(11, 4))
    report = compare(quadratic({"table": table}), quadratic({"table": table[:8].copy()}))

    assert not report.passed
    assert "12 of its 44 entries go nowhere, the first is that at [8, 0]" in report.unresolved["table"]


def test_dropped_rows_are_seen_where_the_cost_does_not_read_them():
    table, ids = RNG.normal(size=(11, 4)), np.array([0, 1, 2, 5])

    def of(values):
        def gradient(p):
            found = np.zeros_like(p["table"])
            found[ids] = 2 * p["table"][ids]
            return {"table": found}

        return GradientCase(lambda p: float(np.sum(p["table"][ids] ** 2)), {"table": values}, gradient)

    report = compare(of(table), of(table[:8].copy()))

    assert (report.verdict, report.outcome) == (Verdict.INCONCLUSIVE, Outcome.UNDECIDED)
    assert "table" in report.unresolved
