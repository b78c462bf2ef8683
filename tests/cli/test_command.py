"""The installed command itself, as a shell would run it."""

import json
import os
import re
from importlib import metadata

import pytest


@pytest.fixture(scope="module")
def demo(gradcheck, tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return gradcheck("demo", cwd=folder, env={**os.environ, "COLUMNS": "100"})


def test_the_demo_passes(demo):
    assert demo.returncode == 0
    assert demo.stderr.strip() == ""


def test_no_line_ends_in_spaces_elsewhere_than_on_a_terminal(gradcheck, demo, tmp_path):
    lines = [*demo.stdout.splitlines(), *gradcheck("backends", cwd=tmp_path).stdout.splitlines()]

    assert [line for line in lines if line != line.rstrip()] == []


def test_the_demo_says_what_data_and_model_it_uses(demo):
    assert "Fisher's Iris data (1936): 150 flowers" in demo.stdout
    # 4 x 6 + 6 + 6 x 3 + 3
    assert "a two-layer softmax network with 51 entries in 4 parameters" in demo.stdout


def test_the_demo_passes_the_right_gradient_and_finds_the_mistake(demo):
    right, wrong = demo.stdout.split("1. Backprop")[1].split("2. The same with a mistake")

    assert "CORRECT  The claimed gradient agrees with finite differences." in right
    assert "BUG" not in right
    assert "BUG  The claimed gradient is wrong." in wrong
    assert "worst entry: b1[3]" in wrong


def test_the_demo_lists_every_framework(demo):
    table = demo.stdout.split("3. The same network")[1]
    rows = {line.split()[0]: line for line in table.splitlines() if line.strip()}

    assert {"numpy", "torch", "tensorflow", "jax"} <= set(rows)
    assert re.fullmatch(r"numpy +\S+ +\d\.\d{12} +\d\.\de-\d\d +CORRECT", rows["numpy"])
    assert not any("SUSPECT" in row or "BUG" in row for row in rows.values())


def test_frameworks_that_are_installed_agree_on_the_cost(demo):
    costs = re.findall(r"^\w+ +\S+ +(\d\.\d{12}) ", demo.stdout, flags=re.MULTILINE)

    assert len(costs) >= 1
    assert len(set(costs)) == 1


def test_a_file_beside_the_shell_is_run(gradcheck, tmp_path):
    (tmp_path / "cases.py").write_text(
        "import numpy as np\nfrom gradcheck_core import GradientCase\n"
        "wrong = GradientCase(lambda w: float(w @ w), np.ones(2), np.ones(2))\n"
    )

    done = gradcheck("run", "--json", "cases.py::wrong", cwd=tmp_path)

    assert done.returncode == 1
    assert json.loads(done.stdout)[0]["verdict"] == "BUG"
    assert done.stderr == ""


def test_output_that_is_no_terminal_has_no_colour(gradcheck, tmp_path):
    environment = {key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "TTY_COMPATIBLE")}

    assert "\x1b" not in gradcheck("backends", cwd=tmp_path, env=environment).stdout


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_is_no_error(gradcheck, tmp_path, arguments):
    done = gradcheck(*arguments, cwd=tmp_path)

    assert done.returncode == 0
    assert "Usage: gradcheck" in done.stdout


def test_no_command_shows_what_there_is(gradcheck, tmp_path):
    done = gradcheck(cwd=tmp_path)

    assert done.returncode == 2
    assert "demo" in done.stdout + done.stderr


def test_the_version_is_that_of_the_distribution(gradcheck):
    assert gradcheck("--version").stdout.strip() == f"gradcheck {metadata.version('gradcheck')}"


@pytest.mark.parametrize(("what", "said"), [("BUG", "The claimed gradient is wrong"), ("Scaled", "times a constant")])
def test_a_verdict_or_a_diagnosis_is_explained(gradcheck, what, said):
    output = gradcheck("explain", what)

    assert output.returncode == 0
    assert said in " ".join(output.stdout.split())
    assert "What to do:" in output.stdout


def test_what_cannot_be_explained_is_a_usage_error_that_lists_what_can(gradcheck):
    output = gradcheck("explain", "nonsense")

    assert output.returncode == 2
    assert "neither a verdict nor a diagnosis" in " ".join(output.stderr.split())
    assert "INCONCLUSIVE" in output.stderr
