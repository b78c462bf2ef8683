import pytest
from plugins import FLOATLIST, environment, install

import gradcheck_core as gc
from gradcheck_core.cli import main


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")


def rows(text):
    heading, *others = text.splitlines()
    assert heading.split() == ["backend", "version", "shipped", "by", "status"]
    return {line.split()[0]: line for line in others if line.strip()}


def test_every_backend_has_a_row(capsys):
    assert main(["backends"]) == 0
    listed = rows(capsys.readouterr().out)

    assert list(listed) == [info.name for info in gc.backends()]
    assert listed["numpy"].split()[-1] == "available"


def test_load_says_which_work_and_why_the_others_do_not(gradcheck, tmp_path):
    install(tmp_path, "floatlist", "2.5", {"floatlist": FLOATLIST})
    install(tmp_path, "fg", "0.3", {"fg": "raise OSError('no device')"}, {"floatlist": "fg:P", "surely_absent": "fg:P"})

    plain = gradcheck("backends", cwd=tmp_path, env=environment(tmp_path))
    loaded = gradcheck("backends", "--load", cwd=tmp_path, env=environment(tmp_path))

    assert (plain.returncode, loaded.returncode) == (0, 0)
    assert rows(plain.stdout)["floatlist"].split() == ["floatlist", "2.5", "fg", "0.3", "available"]
    assert "surely_absent is not installed: pip install surely_absent" in rows(plain.stdout)["surely_absent"]
    assert rows(loaded.stdout)["numpy"].split()[-1] == "works"
    assert "cannot be imported: OSError: no device" in rows(loaded.stdout)["floatlist"]
    assert "surely_absent is not installed" in rows(loaded.stdout)["surely_absent"]
