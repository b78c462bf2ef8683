"""What one framework recorded, verified under another that knows nothing of it."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import recorded

import gradcheck_core as gc
from gradcheck_core import Outcome, Verdict
from gradcheck_core.protocol import Capability, registry

FRAMEWORKS = ("numpy", "torch", "tensorflow", "jax")
TESTS = Path(__file__).parent.parent


@pytest.fixture(params=FRAMEWORKS)
def snapshot(request):
    return recorded.FOLDER / f"{request.param}.safetensors"


def test_a_gradient_that_is_wrong_here_is_at_fault(kit, snapshot):
    right = gc.load_snapshot(snapshot).d_theta
    wrong = {name: np.array(values) for name, values in right.items()}
    wrong["hidden.b"][1] += 0.01
    case = dataclasses.replace(recorded.case(kit), grads=wrong, name="port")

    report = gc.verify_snapshot(snapshot, case)

    assert report.outcome is Outcome.GRADIENTS_DIFFER
    assert report.culprit == "port"


def test_other_inputs_of_another_framework_are_named(kit, snapshot):
    case = dataclasses.replace(recorded.case(kit), args=(kit.constant(2 * recorded.X),))

    report = gc.verify_snapshot(snapshot, case)

    assert report.diagnosis.kind == "inputs"


def test_what_every_framework_recorded_verifies(kit, snapshot):
    report = gc.verify_snapshot(snapshot, recorded.case(kit))

    assert report.verdict is Verdict.CORRECT
    assert report.outcome is Outcome.AGREE


def test_a_float32_port_verifies_within_its_precision(kit, snapshot):
    report = gc.verify_snapshot(snapshot, recorded.case(kit, "float32"))

    assert report.passed


def test_the_same_numbers_have_the_same_digest_in_every_framework(kit, snapshot, tmp_path):
    assert gc.record_snapshot(tmp_path / "here", recorded.case(kit)).inputs == gc.load_snapshot(snapshot).inputs


def test_recording_twice_gives_the_same_bytes(kit, tmp_path):
    for name in ("one", "two"):
        gc.record_snapshot(tmp_path / name, recorded.case(kit))

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_half_precision_is_kept_exactly(kit, tmp_path):
    for half in {"float16", "bfloat16"} & set(kit.dtypes):
        case = recorded.case(kit, half)

        gc.record_snapshot(tmp_path / half, case)
        found = gc.load_snapshot(tmp_path / half)

        assert set(found.dtypes.values()) == {half}
        assert np.array_equal(found.theta["out.w"], kit.value(case.params["out"]["w"]))


CODE = """
import importlib, json, sys
kit, *others = sys.argv[1:]
for name in others:
    sys.modules[name] = None  # as if it were not installed
import gradcheck_core, recorded
case = recorded.case(importlib.import_module(f"{kit}_kit").KIT)
reports = [gradcheck_core.verify_snapshot(recorded.FOLDER / f"{name}.safetensors", case) for name in others]
print(json.dumps([report.verdict for report in reports]))
"""


def test_no_other_framework_is_needed_to_verify_what_it_recorded(kit):
    others = [name for name in FRAMEWORKS if name not in (kit.name, "numpy")]
    paths = os.pathsep.join([str(TESTS / "kits"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", CODE, kit.name, *others],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["CORRECT"] * len(others)


def test_several_outputs_are_contracted_as_they_were_when_recorded(kit, tmp_path):
    if Capability.AUTODIFF not in registry.load_backend(kit.name).capabilities:
        pytest.skip(f"{kit.name} has no automatic differentiation")

    def case(seed):
        w = kit.array([0.3, -1.2, 0.7])
        return gc.GradientCase(lambda w: [kit.sin(w), kit.tanh(w)], w, options={"seed": seed, "backend": kit.name})

    gc.record_snapshot(tmp_path / "two", case(4))

    assert gc.verify_snapshot(tmp_path / "two", case(5)).passed
