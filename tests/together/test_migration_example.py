"""The migration example: every port is the original, the broken one is not, and its page shows what happens."""

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import keras
import pytest

import gradcheck_core as gc

EXAMPLE = Path(__file__).parents[2] / "examples" / "migration"
SHOWN = re.findall(
    r"```sh\n(.*?)```\n\n```text\n(.*?)```", (EXAMPLE / "README.md").read_text(encoding="utf-8"), re.DOTALL
)
VARYING = r"\d\.\d+e[-+]\d\d|[\d,]+ evaluations|\d+(\.\d+)? m?s\b|[\d.]+ s\."


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A function that runs a line of the page as a shell would, in a copy of the example, and gives what it printed."""
    folder = shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("example") / "migration")
    # an example's files import each other, as they do for a reader
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    programs = {"python": sys.executable, "gradcheck": str(Path(sys.executable).with_name("gradcheck"))}

    def run(line):
        program, *arguments = line.split()
        command = [programs[program], *arguments]
        done = subprocess.run(
            command, cwd=folder, env={**environment, "COLUMNS": "100"}, capture_output=True, text=True, check=False
        )
        assert done.stdout, done.stderr
        return done.stdout

    return run


@pytest.fixture
def example(monkeypatch):
    """Imports a module of the example; afterwards Keras' and JAX's precision, which they set, are as they were."""
    monkeypatch.syspath_prepend(EXAMPLE)
    for file in EXAMPLE.glob("*.py"):
        monkeypatch.delitem(sys.modules, file.stem, raising=False)
    floatx, x64 = keras.config.floatx(), jax.config.jax_enable_x64
    keras.utils.clear_session()  # layers made before have settled the precision of all that are made after them
    yield importlib.import_module
    keras.utils.clear_session()
    keras.config.set_floatx(floatx)
    jax.config.update("jax_enable_x64", x64)


def settled(text):
    """The lines without what differs from machine to machine: last digits, times, and by what rows are sorted."""
    paragraphs = [paragraph.splitlines() for paragraph in text.strip().split("\n\n")]
    return [_settled(lines) for lines in paragraphs]


def _settled(lines):
    lines = [re.sub(r" +", " ", re.sub(VARYING, "x", line)).strip() for line in lines]
    if not lines[0].startswith("parameter"):
        return lines
    if any(line.startswith("and ") for line in lines):  # the worst of many rows: which these are, rounding decides
        return lines[:1]
    return lines[:1] + sorted(lines[1:])


@pytest.mark.parametrize(("commands", "output"), SHOWN, ids=[commands.split("\n")[-2] for commands, _ in SHOWN])
def test_the_page_shows_what_its_commands_print(run, commands, output):
    *_, last = commands.splitlines()

    assert settled(run(last)) == settled(output)


def test_the_page_shows_all_of_its_commands():
    assert len(SHOWN) == (EXAMPLE / "README.md").read_text(encoding="utf-8").count("```sh\n") > 4


def test_of_fresh_weights_names_tell_what_they_can_and_the_rest_stays_open(example):
    mapping = gc.infer_mapping(
        gc.load_snapshot(EXAMPLE / "original.safetensors").theta, example("keras_model").classifier()
    )

    assert set(mapping.entries) == {"conv.kernel", "conv.bias", "dense.kernel", "dense.bias"}
    assert all(name.startswith("lstm.") for name in mapping.unresolved)


@pytest.mark.parametrize("port", ["numpy_model", "keras_model", "flax_model"])
def test_a_port_computes_what_the_original_does(example, port):
    original, fresh, migrated = example("torch_model").case(), example(port).case(), example(port).migrated()

    expected = original.cost(original.params, *original.args).item()
    assert abs(float(fresh.cost(fresh.params, *fresh.args)) - expected) > 1e-3
    assert abs(float(migrated.cost(migrated.params, *migrated.args)) - expected) < 1e-13


def test_the_cause_of_the_broken_migration_is_named(example):
    sides = {"PyTorch": example("torch_model").case(), "broken": example("broken").case()}

    report = gc.compare_gradients(sides, reference="PyTorch")

    assert (report.outcome.value, report.diagnosis.kind) == ("forward differs", "gate_order")
    assert all(side.report.passed for side in report.sides.values())  # each gradient by itself is right
