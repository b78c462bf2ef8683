import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import gradcheck_core as gc
from gradcheck_core import GradientCase, Outcome, Verdict
from gradcheck_core.migration.parity.side import observe
from gradcheck_core.migration.snapshots import snapshot_file
from gradcheck_core.migration.snapshots.inputs import compare_inputs, digest_args, list_undigested
from gradcheck_core.migration.snapshots.snapshot import make_side, take_snapshot

W = np.array([[0.5, -0.3], [0.2, 0.8], [-0.6, 0.1]])
B = np.array([0.1, -0.2])
X = np.array([[1.0, 2.0, -1.0], [0.5, -1.5, 0.7], [-0.4, 0.3, 1.2], [2.0, 0.1, -0.3]])


def cost(p, x):
    """J = sum(tanh(x w + b)**2)."""
    return float(np.sum(np.tanh(x @ p["w"] + p["b"]) ** 2))


def gradient(p, x):
    """dJ/da = 2 tanh(a) (1 - tanh(a)**2) with a = x w + b; then dJ/dw = x^T dJ/da and dJ/db its column sums."""
    hidden = np.tanh(x @ p["w"] + p["b"])
    d_activation = 2 * hidden * (1 - hidden**2)
    return {"w": x.T @ d_activation, "b": d_activation.sum(axis=0)}


def backwards(p, x):
    right = gradient(p, x)
    return {**right, "b": -right["b"]}


CASE = GradientCase(cost, {"w": W, "b": B}, gradient, (X,), name="net")


@pytest.fixture
def file(tmp_path):
    gc.record_snapshot(tmp_path / "net.safetensors", CASE)
    return tmp_path / "net.safetensors"


def edited(path, name, index, change):
    """The file with one number changed, as any program that knows safetensors could do it."""
    with safe_open(path, framework="np") as stored:
        metadata = stored.metadata()
    tensors = {key: array.copy() for key, array in load_file(path).items()}
    tensors[name][index] += change
    save_file(tensors, path, metadata=metadata)


def test_one_wrong_entry_of_a_stored_gradient_fails(file):
    edited(file, "d_theta.w", (1, 0), 0.1)

    report = gc.verify_snapshot(file, CASE)

    assert report.verdict is Verdict.BUG
    assert report.outcome is Outcome.GRADIENTS_DIFFER
    assert any("the numbers of `snapshot` were edited after it was recorded" in note for note in report.notes)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_stored_gradient_that_is_not_finite_fails(file, number):
    edited(file, "d_theta.b", (0,), number)

    report = gc.verify_snapshot(file, CASE)

    assert report.verdict is Verdict.BUG
    assert report.culprit == "snapshot"


def test_a_wrong_gradient_of_the_case_fails_and_is_at_fault(file):
    report = gc.verify_snapshot(file, GradientCase(cost, {"w": W, "b": B}, backwards, (X,), name="port"))

    assert not report.passed
    assert report.outcome is Outcome.GRADIENTS_DIFFER
    assert report.culprit == "port"


def test_a_wrong_gradient_that_was_recorded_on_purpose_is_at_fault(file):
    snapshot_file.write(file, take_snapshot(GradientCase(cost, {"w": W, "b": B}, backwards, (X,))))

    report = gc.verify_snapshot(file, CASE)

    assert not report.passed
    assert report.culprit == "snapshot"


def test_a_wrong_gradient_is_not_recorded_and_the_old_file_stays(file):
    before = file.read_bytes()

    with pytest.raises(gc.GradientCheckError, match="BUG  The claimed gradient is wrong"):
        gc.record_snapshot(file, GradientCase(cost, {"w": W, "b": B}, backwards, (X,)))

    assert file.read_bytes() == before


def test_other_inputs_are_named(file):
    report = gc.verify_snapshot(file, GradientCase(cost, {"w": W, "b": B}, gradient, (X + 0.1,)))

    assert not report.passed
    assert report.outcome is Outcome.FORWARD_DIFFERS
    assert report.diagnosis.kind == "inputs"
    assert "the argument `0` has other numbers than the recorded one" in report.diagnosis.evidence


def test_inputs_of_another_shape_are_named(file):
    report = gc.verify_snapshot(file, GradientCase(cost, {"w": W, "b": B}, gradient, (X[:2],)))

    assert report.diagnosis.kind == "inputs"
    assert "has shape (2, 3), the recorded one (4, 3)" in report.diagnosis.evidence


def test_other_weights_are_named(file):
    report = gc.verify_snapshot(file, GradientCase(cost, {"w": W + 0.01, "b": B}, gradient, (X,)))

    assert not report.passed
    assert report.outcome is Outcome.VALUES_DIFFER


def test_another_model_of_the_same_weights_is_another_function(file):
    def relu_cost(p, x):
        return float(np.sum(np.maximum(x @ p["w"] + p["b"], 0.0)))

    def relu_gradient(p, x):
        active = (x @ p["w"] + p["b"] > 0).astype(float)
        return {"w": x.T @ active, "b": active.sum(axis=0)}

    report = gc.verify_snapshot(file, GradientCase(relu_cost, {"w": W, "b": B}, relu_gradient, (X,)))

    assert not report.passed
    assert report.outcome is Outcome.FORWARD_DIFFERS
    assert report.diagnosis is None or report.diagnosis.kind != "inputs"


def test_a_model_with_other_parameters_does_not_pass(file):
    deeper = {"w": W, "b": B, "scale": np.array(1.0)}

    report = gc.verify_snapshot(
        file,
        GradientCase(
            lambda p, x: p["scale"] * cost(p, x),
            deeper,
            lambda p, x: {**gradient(p, x), "scale": np.array(cost(p, x))},
            (X,),
        ),
    )

    assert not report.passed
    assert "scale" in report.unresolved


def test_the_case_that_was_recorded_verifies(file):
    report = gc.verify_snapshot(file, CASE)

    assert report.verdict is Verdict.CORRECT
    assert report.outcome is Outcome.AGREE
    assert list(report.sides) == ["snapshot", "net"]


def test_a_case_called_snapshot_is_told_from_the_stored_one(file):
    report = gc.verify_snapshot(file, GradientCase(cost, {"w": W, "b": B}, gradient, (X,), name="snapshot"))

    assert list(report.sides) == ["snapshot", "case"]


def test_another_layout_and_other_names_verify(file):
    """The same numbers, transposed and named otherwise, as another framework has them."""
    transposed = GradientCase(
        lambda p, x: cost({"w": p["kernel"].T, "b": p["bias"]}, x.T),
        {"bias": B, "kernel": W.T.copy()},
        lambda p, x: (lambda g: {"bias": g["b"], "kernel": g["w"].T})(gradient({"w": p["kernel"].T, "b": B}, x.T)),
        (X.T.copy(),),
    )

    report = gc.verify_snapshot(file, transposed)

    assert report.verdict is Verdict.CORRECT


def test_a_snapshot_is_the_side_that_was_observed(file):
    observed, stored = observe(CASE, "net"), make_side(gc.load_snapshot(file), "net")

    for mine, its in ((observed.values, stored.values), (observed.gradients, stored.gradients)):
        assert list(mine) == list(its)
        assert all(np.array_equal(mine[name], its[name]) for name in mine)
    assert (observed.cost, observed.noise, observed.roundoff) == (stored.cost, stored.noise, stored.roundoff)
    assert (observed.verdicts, observed.sizes) == (stored.verdicts, stored.sizes)
    assert (observed.gradient_dtypes, observed.carried) == (stored.gradient_dtypes, stored.carried)


def test_the_report_comes_back_but_for_the_seconds(file):
    recorded = gc.record_snapshot(file, CASE).report.to_dict()
    loaded = gc.load_snapshot(file).report.to_dict()

    assert {**recorded, "seconds": 0.0} == loaded


def test_the_same_case_makes_the_same_bytes_in_every_process(file):
    code = (
        "import importlib.util, sys; spec = importlib.util.spec_from_file_location('t', sys.argv[1]); "
        "t = importlib.util.module_from_spec(spec); spec.loader.exec_module(t); "
        "t.gc.record_snapshot(sys.argv[2], t.CASE)"
    )
    for seed in ("1", "2"):
        other = file.with_name(f"other{seed}")
        subprocess.run(
            [sys.executable, "-c", code, __file__, str(other)], check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        )
        assert other.read_bytes() == file.read_bytes()


def test_neither_time_nor_place_is_in_the_file(file):
    data = file.read_bytes()

    assert str(file.parent).encode() not in data
    assert str(Path.cwd()).encode() not in data
    assert b"seconds" not in data


def test_float32_parameters_are_kept_in_float32(tmp_path):
    case = GradientCase(lambda w: float(w @ w), np.float32([0.1, 0.2]), lambda w: 2 * w)

    gc.record_snapshot(tmp_path / "s", case)
    found = gc.load_snapshot(tmp_path / "s")

    assert found.theta["theta"].dtype == np.float32
    assert found.d_theta["theta"].dtype == np.float64
    assert gc.verify_snapshot(tmp_path / "s", case).passed


def test_an_inconclusive_gradient_is_recorded_as_such(tmp_path):
    case = GradientCase(lambda w: float(w @ w), W[0], lambda w: 2 * w, options={"epsilon": 1e-15})

    snapshot = gc.record_snapshot(tmp_path / "s", case)

    assert snapshot.report.verdict is Verdict.INCONCLUSIVE
    assert gc.load_snapshot(tmp_path / "s").report.verdict is Verdict.INCONCLUSIVE


def test_digests_are_of_the_numbers_not_of_their_memory():
    once = digest_args((X, {"y": 3, "z": "text"}))

    assert digest_args((np.asfortranarray(X), {"y": 3, "z": "text"})) == once
    assert digest_args((X.astype(">f8"), {"y": 3, "z": "text"})) == once
    assert compare_inputs(once, digest_args((X, {"y": 4, "z": "text"}))) == (
        "the argument `1.y` has other numbers than the recorded one",
    )


def test_another_dtype_and_another_order_are_told_from_other_numbers():
    x = np.float32([[1.0, 2.0, 3.0]])

    assert (
        "is float64, the recorded one float32, with the same numbers"
        in compare_inputs(digest_args((x,)), digest_args((x.astype(float),)))[0]
    )
    assert "has the recorded numbers in another order" in compare_inputs(digest_args((x,)), digest_args((x.T,)))[0]
    assert (
        "it was recorded with 2 arguments, and the cost has 1 argument now"
        in compare_inputs(digest_args((x, x)), digest_args((x,)))[0]
    )


def test_what_cannot_be_digested_is_left_out_and_told():
    inputs = digest_args((X, open, np.array([object()])))

    assert list_undigested(inputs) == ("`1` (builtin_function_or_method)", "`2` (ndarray)")
    assert compare_inputs(inputs, digest_args((X, print, np.array([object()])))) == ()


@pytest.mark.parametrize("call", [gc.record_snapshot, gc.verify_snapshot])
def test_what_is_no_case_is_refused(tmp_path, call):
    with pytest.raises(gc.InvalidInputError, match=r"_snapshot\(case=...\)` is int; pass a GradientCase"):
        call(tmp_path / "any", 5)
