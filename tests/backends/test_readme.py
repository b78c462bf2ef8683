"""What the README shows is what happens."""

import re
from pathlib import Path

import pytest

from gradcheck_core import cli

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = {language: re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) for language in ("python", "text", "sh")}


def test_the_frameworks_example_passes(kit, capsys):
    example = next(block for block in BLOCKS["python"] if re.search(rf"^import {kit.name}\b", block, re.MULTILINE))
    assert len([line for line in example.splitlines() if line.strip()]) <= 13

    namespace = {}
    exec(compile(example, "README.md", "exec"), namespace)

    assert namespace["report"].passed
    assert capsys.readouterr().out.startswith(("CORRECT", "INSPECT"))


def test_the_bug_shown_is_the_one_that_the_demo_finds(kit, capsys):
    if kit.name != "numpy":
        pytest.skip("the demo's first two parts are NumPy's alone")
    cli.main(["demo"])

    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    shown = BLOCKS["text"][0].splitlines()
    start = printed.index(shown[0])
    assert [re.sub(r"\d\.\de[-+]\d\d|± .*", "x", line) for line in printed[start : start + len(shown)]] == [
        re.sub(r"\d\.\de[-+]\d\d|± .*", "x", line) for line in shown
    ]
