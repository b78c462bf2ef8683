"""The migration example: every port is the original, the broken one is not, and its page shows what happens."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


def settled(text):
    """The lines without what differs from machine to machine: last digits, and the time that a check took."""
    return [re.sub(r" +", " ", re.sub(VARYING, "x", line)).strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize(("commands", "output"), SHOWN, ids=[commands.split("\n")[-2] for commands, _ in SHOWN])
def test_the_page_shows_what_its_commands_print(run, commands, output):
    *before, last = [line for line in commands.splitlines() if not line.startswith("cd ")]
    for line in before:
        run(line)

    assert settled(run(last)) == settled(output)
