"""`gradcheck run --resume`: real processes that are interrupted or killed, and go on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradcheck_core.cli import main

SOURCE = """
import time
from pathlib import Path

import numpy as np
from gradcheck_core import GradientCase

CALLS = str(Path(__file__).parent / "calls")


def cost(w):
    with open(CALLS, "a") as calls:
        calls.write(".")
    time.sleep(0.002)
    return float(np.sum(np.sin(w)))


W = np.linspace(0.1, 1.0, 600)
case = GradientCase(cost, W, np.cos(W))
other = GradientCase(cost, W[:5], np.cos(W[:5]))
"""
PREFLIGHT, VERIFYING = 3, 2  # evaluations that a resumed run makes again

COMMAND = shutil.which("gradcheck", path=str(Path(sys.executable).parent))

# A shell lets what it runs in the background ignore interrupts, and so do its children.
LISTENING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cases.py").write_text(SOURCE)
    return tmp_path


def calls(folder):
    """Evaluations of the cost so far, in all processes."""
    path = folder / "calls"
    return path.stat().st_size if path.exists() else 0


def answered(folder):
    """Evaluations in the journal's whole lines."""
    whole = (folder / "run.jsonl").read_bytes().rpartition(b"\n")[0].splitlines()
    return sum(json.loads(line).get("evaluations", 0) for line in whole)


def stopped(folder, how, *options, after=500):
    """The run, sent a signal once the journal has so many evaluations; gives the exit code and what it said."""
    said = folder / "said"
    with (
        said.open("w") as err,
        subprocess.Popen(
            [sys.executable, "-c", LISTENING, COMMAND, "run", "cases.py::case", "--resume", "run.jsonl", *options],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=err,
            start_new_session=True,  # a group of its own, as a terminal makes one
            env={**os.environ, "COLUMNS": "300"},
        ) as process,
    ):
        patience = time.monotonic() + 60
        while not (folder / "run.jsonl").exists() or answered(folder) < after:
            if process.poll() is not None or time.monotonic() > patience:
                process.kill()
                pytest.fail(said.read_text())
            time.sleep(0.01)
        how(process.pid)
        process.wait(timeout=60)
    return process.returncode, said.read_text()


def killed(pid):
    os.kill(pid, signal.SIGKILL)


def interrupted(pid):
    """As Ctrl-C does: every process of the terminal's group is told."""
    os.killpg(pid, signal.SIGINT)


def resumed(folder, *options):
    """The same run again; gives the report and how many evaluations it took."""
    before = calls(folder)
    done = subprocess.run(
        [COMMAND, "run", "cases.py::case", "--resume", "run.jsonl", "--json", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)[0], calls(folder) - before


def test_a_killed_run_loses_a_second_at_most_and_goes_on(folder):
    code, _ = stopped(folder, killed)
    made, kept = calls(folder), answered(folder)

    report, further = resumed(folder)

    assert code == -signal.SIGKILL
    assert made - kept < 1.5 / 0.002  # a second's evaluations, and some room
    assert report["verdict"] == "CORRECT"
    assert further == report["evaluations"] - kept + VERIFYING
    assert resumed(folder) == ({**report, "seconds": pytest.approx(0.0, abs=60)}, PREFLIGHT + VERIFYING)


@pytest.mark.parametrize("options", [(), ("--n-jobs", "2")])
def test_an_interrupted_run_says_how_to_go_on_and_does(folder, options):
    code, err = stopped(folder, interrupted, *options)
    kept = answered(folder)

    report, further = resumed(folder, *options)

    assert code == 130
    assert "gradcheck: interrupted; your parameters are unchanged; continue with: " in err
    assert "gradcheck run cases.py::case --resume run.jsonl" in err
    assert "Traceback" not in err
    assert report["verdict"] == "CORRECT"
    # two workers each evaluate once at theta to open the problem
    assert further <= report["evaluations"] - kept + VERIFYING + 2 * len(options)


@pytest.mark.slow
def test_a_killed_run_of_two_processes_goes_on_in_one(folder):
    stopped(folder, killed, "--n-jobs", "2")
    kept = answered(folder)
    time.sleep(1.0)  # its workers end with the units that they had begun

    report, further = resumed(folder)

    assert kept >= 500
    assert report["verdict"] == "CORRECT"
    assert further == report["evaluations"] - kept + VERIFYING


def test_another_case_does_not_go_on_from_there(folder, capsys):
    journal = str(folder / "run.jsonl")

    assert main(["run", f"{folder / 'cases.py'}::other", "--resume", journal]) == 0
    assert main(["run", f"{folder / 'cases.py'}::case", "--resume", journal]) == 2
    assert "belongs to another check: the parameters' names, shapes or dtypes are different" in capsys.readouterr().err


def test_one_journal_for_several_cases_is_refused(folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")

    assert main(["run", str(folder / "cases.py"), "--resume", str(folder / "run.jsonl")]) == 2
    assert "--resume is for one case, but " in capsys.readouterr().err
    assert calls(folder) == 0


def test_no_processes_are_refused(folder, capsys):
    assert main(["run", f"{folder / 'cases.py'}::other", "--n-jobs", "0"]) == 2
    assert "`n_jobs=0`: pass how many processes" in capsys.readouterr().err
