"""What was not judged, not compared or only rounded away does not pass as agreement."""

import numpy as np
import pytest

from gradcheck_core import GradientCase, Outcome, ParameterMap, Verdict, compare_gradients
from gradcheck_core.migration.tensors import find_beyond_rounding, find_spacing

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
    assert "could not judge the gradient of" in str(report)


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
    assert "not checked by finite differences on either side: `b`" in " ".join(report.pairs[0].notes)


def test_a_parameter_excluded_on_one_side_is_checked_on_the_other():
    params = {"a": TABLE, "b": TABLE[0] + 0.1}

    assert compare(quadratic(params, exclude="b"), quadratic(params)).verdict is Verdict.CORRECT


def test_rows_of_a_source_that_nothing_is_made_of_are_not_compared():
    table = RNG.normal(size=(11, 4))
    report = compare(quadratic({"table": table}), quadratic({"table": table[:8].copy()}))

    assert not report.passed
    assert "12 of its 44 entries are not used, the first at [8, 0]" in report.unresolved["table"]


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


WEIGHT = np.random.default_rng(3).normal(size=(128, 128)).astype(np.float32)


def test_an_entry_that_is_lost_is_seen_behind_the_rounding_of_a_coarse_dtype():
    # 0.2 / (2 * 128) is 8e-4, and float16 rounds by up to 1e-3
    lost = WEIGHT.copy()
    lost[np.unravel_index(np.abs(np.abs(WEIGHT) - 0.2).argmin(), WEIGHT.shape)] = 0
    half = WEIGHT.astype(np.float16)
    same = ParameterMap.identity({"w": WEIGHT.shape})
    report = compare(quadratic({"w": lost}), quadratic({"w": half}), mapping=same)

    assert (report.passed, report.outcome) == (False, Outcome.VALUES_DIFFER)


def test_a_factor_that_a_coarse_dtype_nearly_hides_is_seen():
    scaled = (WEIGHT * np.float32(1.0005)).astype(np.float16)
    same = ParameterMap.identity({"w": WEIGHT.shape})
    report = compare(quadratic({"w": WEIGHT}), quadratic({"w": scaled}), mapping=same)

    assert (report.passed, report.outcome) == (False, Outcome.VALUES_DIFFER)


def test_values_that_were_only_rounded_pass_and_it_is_said_where_costs_were_taken():
    # entries among float16's subnormals and below its smallest too
    values = np.concatenate([WEIGHT[:2].reshape(-1), np.float32([3e-6, -4.1e-8, 1e-9, 0])])
    report = compare(quadratic({"w": values}), quadratic({"w": values.astype(np.float16)}))

    assert (report.passed, report.outcome) == (True, Outcome.AGREE)
    assert "cost and gradients of `b` are taken at the values of `a`" in " ".join(report.pairs[0].notes)


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        ("float32", 1.0, 2.0**-23),
        ("float32", -1.99, 2.0**-23),
        ("float16", 2.0, 2.0**-9),
        ("float16", 1e-9, 2.0**-24),  # that of subnormals
        ("bfloat16", 0.75, 2.0**-8),
        ("float8_e4m3fn", 1.0, 2.0**-3),
        ("float64", 1.0, 2.0**-52),
        ("float64", 0.0, 2.0**-1074),
    ],
)
def test_the_spacing_of_a_dtype_at_a_value(dtype, value, expected):
    assert find_spacing(np.array([value]), dtype)[0] == expected


def test_what_frameworks_flush_to_zero_is_rounding():
    tiny, zero = np.array([2.0**-127, 2.0**-125]), np.zeros(2)

    assert find_beyond_rounding(tiny, zero, zero, "float64").tolist() == [False, True]


def changed(values, *places):
    other = values.copy()
    for place in places:
        other[place] += 0.5
    return other


@pytest.mark.parametrize("name", ["w", "kernel"])
@pytest.mark.parametrize("weighed", [True, False])
def test_a_changed_entry_is_a_value_that_differs_and_is_named(name, weighed):
    def of(key, values):
        weight = np.where(values == values[1, 2], float(weighed), 1.0)  # whether the cost reads the entry at all
        return GradientCase(
            lambda p: float(np.sum(weight * p[key] ** 2)), {key: values}, lambda p: {key: 2 * weight * p[key]}
        )

    report = compare(of("w", TABLE), of(name, changed(TABLE, (1, 2))))

    assert (report.passed, report.outcome) == (False, Outcome.VALUES_DIFFER)
    assert f"1 of the 20 entries of `{name}` of `b` differs from `a`, at [1, 2]" in report.diagnosis.sentence
    assert not report.unresolved


def test_a_changed_entry_is_named_behind_the_rounding_of_a_coarse_dtype():
    half = changed(WEIGHT, (5, 7), (9, 1)).astype(np.float16)
    same = ParameterMap.identity({"w": WEIGHT.shape})
    report = compare(quadratic({"w": WEIGHT}), quadratic({"w": half}), mapping=same)

    assert "2 of the 16384 entries of `w` of `b` differ from `a`, the first at [5, 7]" in report.diagnosis.sentence


def test_of_a_name_that_both_sides_have_both_reasons_are_kept():
    part = ParameterMap({}, {"w": "to be decided"})
    report = compare(quadratic({"w": TABLE}), quadratic({"w": TABLE}), mapping=part)

    assert report.unresolved == {"w": "to be decided; the mapping does not use it"}
    assert "`w` (to be decided; the mapping does not use it)" in report.pairs[0].notes[-1]


def test_values_that_differ_a_little_but_by_more_than_rounding_are_said_to():
    report = compare(quadratic({"w": TABLE}), quadratic({"w": TABLE * (1 + 3e-6)}))

    assert (report.verdict, report.outcome) == (Verdict.INSPECT, Outcome.AGREE)
    assert report.sentence == "It passes, but something differs by more than rounding."
    assert report.pairs[0].cost_difference == 0  # at the same values
    assert "differ slightly, but by more than rounding" in " ".join(report.pairs[0].notes)


def test_complex_values_rounded_to_a_lower_precision_are_named():
    values = TABLE + 1j * TABLE[::-1]
    halves = values.real.astype(np.float16).astype(float) + 1j * values.imag.astype(np.float16).astype(float)
    same = ParameterMap.identity({"z": values.shape})

    def case(z):
        return GradientCase(lambda p: float(np.sum(np.abs(p["z"]) ** 2)), {"z": z}, lambda p: {"z": 2 * p["z"]})

    report = compare(case(values), case(halves), mapping=same)

    assert report.outcome is Outcome.VALUES_DIFFER
    assert "rounded to float16" in report.diagnosis.sentence
