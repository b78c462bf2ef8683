"""What a check keeps for pictures: wrong gradients first, and that right ones pay nothing for it."""

import dataclasses
import math
import pickle

import numpy as np
import pytest
import shown_reports

import gradcheck_core as gc
from gradcheck_core.check.illustrating import heat_map
from gradcheck_core.protocol.layout import Parameter
from gradcheck_core.report.pictures import Pictures

W = np.random.default_rng(0).normal(size=(4, 3))


def cost(w):
    return float(np.sum(np.sin(w)))


def wrong_at(*index, by=0.25):
    claimed = np.cos(W)
    claimed[index] += by
    return claimed


def only(report):
    (picture,) = report.pictures.of
    return picture


def test_the_heat_map_has_the_tensors_shape_and_the_mistake_where_it_is():
    heat = only(gc.check_gradients(cost, W, wrong_at(2, 1))).heat_map
    cells = np.array(heat.cells)

    assert cells.shape == (4, 3)
    assert (heat.rows, heat.columns, heat.worst) == ((0,), (1,), (2, 1))
    assert cells[2, 1] == pytest.approx(0.25, abs=1e-6)
    assert np.delete(cells.ravel(), 7).max() < 1e-7


def test_claimed_and_numeric_values_hold_the_ones_farthest_apart_first():
    scatter = only(gc.check_gradients(cost, W, wrong_at(2, 1))).scatter

    assert (scatter.apart, scatter.measured, len(scatter.claimed)) == (1, 12, 12)
    assert scatter.claimed[0] == pytest.approx(math.cos(W[2, 1]) + 0.25)
    assert scatter.numeric[0] == pytest.approx(math.cos(W[2, 1]))


def test_the_curves_of_a_wrong_entry():
    report = gc.check_gradients(cost, W, wrong_at(2, 1))
    curves = only(report).curves

    assert curves.entry == "theta[2, 1]"
    assert curves.steps.central[curves.steps.best] == pytest.approx(math.cos(W[2, 1]), abs=1e-8)
    assert curves.remainders.claimed_slope == pytest.approx(1.0, abs=0.05)
    assert curves.remainders.numeric_slope == pytest.approx(2.0, abs=0.05)


def test_slopes_at_kinks_and_the_claim_outside_comes_first():
    # |w| at 0: every value from -1 to 1 is a subgradient, and 3 is none
    kinks = only(shown_reports.kinked_report()).kinks

    assert [(kink.entry, kink.claimed) for kink in kinks] == [("theta[1]", 3.0), ("theta[0]", 0.5)]
    assert [(kink.lower, kink.upper) for kink in kinks] == [(pytest.approx(-1), pytest.approx(1))] * 2


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_claim_that_is_not_finite_has_a_cell_of_its_own_and_no_place_in_the_scatter(bad):
    claimed = np.cos(W)
    claimed[1, 2] = bad
    picture = only(gc.check_gradients(cost, W, claimed))

    assert picture.heat_map.cells[1][2] == math.inf
    assert picture.scatter.measured == 11
    assert all(map(math.isfinite, picture.scatter.claimed))


def test_of_many_wrong_parameters_five_have_pictures_and_the_first_to_look_at_is_one():
    params = {f"w{k}": np.full(2, 0.3 + k / 100) for k in range(12)}
    report = gc.check_gradients(
        lambda p: sum(cost(w) for w in p.values()), params, {k: 2 * np.cos(w) for k, w in params.items()}
    )

    assert report.pictures.of[0].name == report.worst.name
    assert report.pictures.of[0].curves is not None
    assert (len(report.pictures.of), report.pictures.left_out) == (5, 7)


def test_a_right_gradient_is_not_evaluated_once_more_for_pictures():
    calls = []

    def counted(w):
        calls.append(w)
        return cost(w)

    report = gc.check_gradients(counted, W, np.cos(W))

    assert report.evaluations == len(calls) <= 2.5 * W.size + 200
    assert only(report).curves is None
    assert only(report).scatter.apart == 0


def test_a_wrong_gradient_is_not_evaluated_once_more_for_pictures():
    # 2 and 16 evaluations for the wrong entry are the check's own: its pictures are drawn from these
    right, wrong = (gc.check_gradients(cost, W, claimed) for claimed in (np.cos(W), wrong_at(2, 1)))

    assert wrong.evaluations == right.evaluations + 16
    assert len(only(wrong).curves.steps.step) == 8


def test_where_no_second_look_is_taken_there_are_no_curves():
    report = gc.check_gradients(cost, W, wrong_at(2, 1), epsilon=1e-5)

    assert report.verdict is gc.Verdict.BUG
    assert only(report).curves is None
    assert only(report).heat_map is not None


def test_the_curves_are_of_the_worst_entry_that_was_looked_at_again():
    # the second look stops after eight confirmed entries, and the most suspicious are not the farthest off
    claimed = np.cos(W) * np.linspace(1.5, 3.0, 12).reshape(W.shape)
    report = gc.check_gradients(cost, W, claimed)
    curves = only(report).curves
    index = tuple(map(int, curves.entry.removeprefix("theta[").removesuffix("]").split(",")))

    assert curves.claimed == claimed[index]
    assert curves.numeric == pytest.approx(math.cos(W[index]), abs=1e-8)


def test_a_cost_that_raises_farther_away_has_its_verdict_and_curves_of_where_the_check_went():
    at = np.full(3, 1.0)

    def narrow(w):
        if np.max(np.abs(w - at)) > 0.05:
            msg = "out of its domain"
            raise ArithmeticError(msg)
        return cost(w)

    report = gc.check_gradients(narrow, at, 2 * np.cos(at), epsilon=None)

    assert report.verdict is gc.Verdict.BUG
    assert max(only(report).curves.steps.step) < 0.05
    assert only(report).heat_map is not None


def test_theta_is_given_back_bit_by_bit_after_the_curves():
    params = W.copy()

    gc.check_gradients(cost, params, wrong_at(0, 0))

    assert params.tobytes() == W.tobytes()


def test_with_a_journal_the_curves_come_from_there(tmp_path):
    first, again = (gc.check_gradients(cost, W, wrong_at(2, 1), journal=tmp_path / "run.jsonl") for _ in range(2))

    assert only(again) == only(first)
    assert only(again).curves is not None


def test_a_claim_by_directions_has_pictures_of_what_was_measured_only():
    report = gc.check_gradients(cost, W, wrong_at(2, 1), method="projected")
    cells = np.array(only(report).heat_map.cells)

    assert cells[2, 1] == pytest.approx(0.25, abs=1e-6)
    assert np.isfinite(cells).sum() <= 12


def test_second_derivatives_have_no_curves():
    report = gc.check_gradients(cost, W, lambda w: np.cos(w), order=2, hvp=lambda w, d: np.sin(w) * d)

    assert report.verdict is gc.Verdict.BUG
    assert all(picture.curves is None for picture in report.pictures.of)


def test_what_is_kept_is_small_whatever_the_size_of_the_tensor():
    w = np.linspace(0.1, 1.0, 9_000).reshape(3, 30, 100)
    claimed = np.cos(w)
    claimed[1, 2, 3] = 0
    report = gc.check_gradients(cost, w, claimed)
    picture = only(report)

    assert len(picture.scatter.claimed) <= 512
    assert max(len(picture.heat_map.cells), len(picture.heat_map.cells[0])) <= 64
    assert len(pickle.dumps(report)) < 100_000


@pytest.mark.parametrize(
    ("shape", "rows", "columns"),
    [
        ((7,), (), (0,)),
        ((3, 1000), (0,), (1,)),
        ((64, 3, 3, 3), (0,), (1, 2, 3)),
        ((3, 3, 8, 16), (0, 1, 2), (3,)),
        ((2, 500, 500), (0, 1), (2,)),
        ((1, 1, 1), (0,), (1, 2)),
    ],
)
def test_axes_are_folded_as_nearly_square_as_they_go(shape, rows, columns):
    size = math.prod(shape)
    apart = np.zeros(size)
    apart[-1] = 3.0
    heat = heat_map(Parameter("w", shape, "float64", 0), apart, size - 1)
    cells = np.array(heat.cells)

    assert (heat.rows, heat.columns) == (rows, columns)
    assert heat.height * heat.width == size
    assert cells[heat.worst] == cells.max() == 3.0
    assert heat.worst == (cells.shape[0] - 1, cells.shape[1] - 1)


@pytest.mark.parametrize("worst", [0, 64, 65, 12_345, 40_199])
def test_a_reduced_heat_map_keeps_the_largest_of_each_cell(worst):
    apart = np.full(201 * 200, 1e-9)
    apart[worst] = 1.0
    heat = heat_map(Parameter("w", (201, 200), "float64", 0), apart, worst)
    cells = np.array(heat.cells)

    assert cells.shape == (64, 64)
    assert np.argwhere(cells == 1.0).tolist() == [list(heat.worst)]


def test_a_complex_entry_is_as_wrong_as_its_worse_part():
    apart = np.array([0.0, 1.0, 3.0, 2.0])

    assert heat_map(Parameter("z", (2,), "complex128", 0), apart, 2).cells == ((1.0, 3.0),)


def test_a_scalar_has_no_heat_map():
    assert only(gc.check_gradients(lambda w: float(np.sin(w)), np.array(0.5), np.array(1.0))).heat_map is None


def test_pictures_are_frozen_and_of_no_account_in_comparisons():
    report = gc.check_gradients(cost, W, wrong_at(2, 1))

    assert dataclasses.replace(report, pictures=Pictures()) == report
    assert "pictures" not in repr(report)
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.pictures.left_out = 3


def test_the_replayed_call_gives_the_same_report():
    policy = gc.VerdictPolicy(correct=1e-8)
    first = gc.check_gradients(cost, W, wrong_at(2, 1), seed=3, epsilon=1e-5, policy=policy)
    names = {"check_gradients": gc.check_gradients, "VerdictPolicy": gc.VerdictPolicy, "cost": cost, "params": W}

    again = eval(first.pictures.replay, {**names, "grads": wrong_at(2, 1), "args": ()})

    assert "seed=3" in first.pictures.replay
    assert dataclasses.replace(again, seconds=first.seconds) == first


def test_curves_do_not_lead_a_cost_where_the_check_did_not():
    # Beside 9 a quarter of the parameter's scale is more than 0.25: a root by iteration would never end there.
    a = np.array([0.25, 2.0, 9.0])
    seen = []

    def cost(a):
        seen.append(a.copy())
        return float(np.sum(np.sqrt(np.abs(a))))

    report = gc.check_gradients(cost, a, 1 / np.sqrt(a))

    assert report.verdict is gc.Verdict.BUG
    assert any(picture.curves is not None for picture in report.pictures.of)
    assert np.min(seen) > 0.2
