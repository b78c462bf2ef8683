import pytest
from plugins import FLOATLIST, FLOATLIST_BACKEND, environment, install

import gradcheck_core as gc
from gradcheck_core.cli import main


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")


def rows(text):
    heading, *others = text.partition("\n\n")[0].splitlines()
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


def test_the_list_says_that_nothing_was_imported_and_what_does(capsys):
    main(["backends"])
    assert capsys.readouterr().out.endswith(
        "\n\nNothing was imported; `gradcheck backends --load` imports each and says whether it works.\n"
    )
    main(["backends", "--load"])
    assert "Nothing was imported" not in capsys.readouterr().out


NO_METHODS = """
from gradcheck_core.protocol import Backend

class P(Backend):
    name, capabilities = "floatlist", frozenset()
"""
RAISING = (
    FLOATLIST_BACKEND
    + """
class P(FloatListBackend):
    @property
    def capabilities(self):
        raise OSError("no device")
"""
)
BROKEN = {
    "import error": (
        "import surely_absent",
        "fg:P",
        "cannot be imported: ModuleNotFoundError: No module named 'surely_",
    ),
    "wrong type": (
        "P = 3",
        "fg:P",
        "names 3, which is not a subclass of gradcheck_core.protocol.Backend; name the class",
    ),
    "missing methods": (NO_METHODS, "fg:P", "does not define open, owns, to_numpy; every method of the protocol is"),
    "raising property": (RAISING, "fg:P", "fails when it is made: OSError: no device; it takes no arguments and has"),
    "removed package": (
        "",
        "gone.backend:P",
        "names the module gone.backend, which is not there; reinstall or uninstall",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_explained_and_the_others_work(gradcheck, tmp_path, kind):
    source, target, reason = BROKEN[kind]
    install(tmp_path, "floatlist", "2.5", {"floatlist": FLOATLIST})
    install(tmp_path, "fg", "0.3", {"fg": source}, {"floatlist": target})

    loaded = gradcheck("backends", "--load", cwd=tmp_path, env=environment(tmp_path))

    assert loaded.returncode == 0
    assert reason in rows(loaded.stdout)["floatlist"]
    assert "fg 0.3" in rows(loaded.stdout)["floatlist"]
    assert rows(loaded.stdout)["numpy"].split()[-1] == "works"


def test_two_plugins_of_one_name_are_explained_without_importing_any(gradcheck, tmp_path):
    install(tmp_path, "floatlist", "2.5", {"floatlist": FLOATLIST})
    install(tmp_path, "fg", "0.3", {"fg": "1 / 0"}, {"floatlist": "fg:P"})
    install(tmp_path, "rival", "9.1", {"rival": "1 / 0"}, {"floatlist": "rival:P"})

    plain = gradcheck("backends", cwd=tmp_path, env=environment(tmp_path))

    assert "2 plugins have this name (" in rows(plain.stdout)["floatlist"]
    assert "rival 9.1" in rows(plain.stdout)["floatlist"]
    assert rows(plain.stdout)["numpy"].split()[-1] == "available"
