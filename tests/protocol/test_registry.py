import pytest
from plugins import FLOATLIST, FLOATLIST_BACKEND, install, run_python

import gradcheck_core as gc
from gradcheck_core.protocol import plugins as registered
from gradcheck_core.protocol import registry

NUMPY_STILL_WORKS = """
import numpy as np
w = np.array([1.0, 2.0])
numpy_verdict = gc.check_gradients(lambda w: float(w @ w), w, 2 * w).verdict
"""

ASK_BY_NAME = f"""
import json, sys
import gradcheck_core as gc
from gradcheck_core.protocol import registry

info = {{info.name: info for info in gc.backends()}}["floatlist"]
imported = [name for name in sys.modules if name.startswith("floatlist")]
try:
    registry.load_backend("floatlist")
    error = None
except gc.GradcheckError as caught:
    error = caught
try:
    import floatlist  # now it takes part in inference
except ImportError:
    pass
{NUMPY_STILL_WORKS}
print(json.dumps({{
    "available": info.available, "reason": info.reason, "version": info.version, "distribution": info.distribution,
    "imported": imported, "error": type(error).__name__, "message": str(error), "numpy": numpy_verdict,
}}))
"""

ABSTRACT = """
from gradcheck_core.protocol import Backend


class P(Backend):
    name = "floatlist"
    capabilities = frozenset()
"""
WORKING = FLOATLIST_BACKEND + "\nP = FloatListBackend\n"


def changed(addition):
    return f"{FLOATLIST_BACKEND}\nclass P(FloatListBackend):\n    {addition}\n"


def ask(site, plugin, framework=FLOATLIST, target="floatlist_plugin:P"):
    if framework is not None:
        install(site, "floatlist", "2.5", {"floatlist": framework})
    install(site, "floatlist-gradcheck", "0.3", {"floatlist_plugin": plugin}, {"floatlist": target})
    return run_python(site, ASK_BY_NAME)


@pytest.mark.parametrize(
    ("plugin", "kind", "message"),
    [
        ("import surely_absent", "BackendUnavailableError", "cannot be imported: ModuleNotFoundError: No module named"),
        ("raise ImportError('libfoo.so')", "BackendUnavailableError", "ImportError: libfoo.so; reinstall it (pip inst"),
        ("1 / 0", "BackendUnavailableError", "cannot be imported: ZeroDivisionError: division by zero"),
        ("class P(:", "BackendUnavailableError", "cannot be imported: SyntaxError"),
        ("assert False", "BackendUnavailableError", "cannot be imported: AssertionError"),
        ("Q = 1", "BackendUnavailableError", "cannot be imported: AttributeError: module 'floatlist_plugin' has no"),
        (
            "P = 3",
            "InvalidBackendError",
            "names 3, which is not a subclass of gradcheck_core.protocol.Backend; name the",
        ),
        (
            "class P: name = 'floatlist'",
            "InvalidBackendError",
            "which is not a subclass of gradcheck_core.protocol.Back",
        ),
        (
            WORKING + "P = P()",
            "InvalidBackendError",
            "which is not a subclass of gradcheck_core.protocol.Backend; name",
        ),
        (ABSTRACT, "InvalidBackendError", "does not define open, owns, to_numpy; every method of the protocol is"),
        (
            changed("def __init__(self): raise OSError('no device')"),
            "InvalidBackendError",
            "fails when it is made: OSError: no device; it takes no arguments and has a name and capabilities",
        ),
        (changed("def __init__(self, device): pass"), "InvalidBackendError", "fails when it is made: TypeError"),
        (changed("name = property(lambda self: 1 / 0)"), "InvalidBackendError", "is made: ZeroDivisionError"),
        (changed("capabilities = property(lambda self: 1 / 0)"), "InvalidBackendError", "is made: ZeroDivisionError"),
        (changed("capabilities = None"), "InvalidBackendError", "capabilities"),
        (changed("name = 'floats'"), "InvalidBackendError", "calls itself 'floats'; the entry point's name and"),
    ],
)
def test_a_broken_plugin_is_named_and_harms_nothing_else(tmp_path, plugin, kind, message):
    found = ask(tmp_path, plugin)

    assert found["error"] == kind
    assert message in found["message"]
    assert "floatlist-gradcheck 0.3" in found["message"]
    assert found["imported"] == []
    assert found["numpy"] == "CORRECT"


def test_a_plugin_that_raises_when_it_is_asked_harms_nothing_else(tmp_path):
    # its framework's name comes before numpy's, so that it is asked first
    assert ask(tmp_path, changed("def owns(self, leaf): return leaf.no_such_attribute"))["numpy"] == "CORRECT"


def test_a_framework_that_is_not_installed_is_named_with_the_cure(tmp_path):
    found = ask(tmp_path, WORKING, framework=None)

    assert found["error"] == "BackendUnavailableError"
    assert found["message"] == "`backend='floatlist'`: floatlist is not installed: pip install floatlist"
    assert (found["available"], found["version"]) == (False, "")
    assert found["reason"] == "floatlist is not installed: pip install floatlist"
    assert found["imported"] == []
    assert found["numpy"] == "CORRECT"


def test_an_entry_point_of_a_removed_package_says_so(tmp_path):
    found = ask(tmp_path, WORKING, target="floatlist_removed.backend:P")

    assert found["error"] == "BackendUnavailableError"
    assert not found["available"]
    assert (
        "names the module floatlist_removed.backend, which is not there; reinstall or uninstall it" in found["reason"]
    )
    assert found["message"] == f"`backend='floatlist'`: {found['reason']}"
    assert found["numpy"] == "CORRECT"


def test_two_plugins_of_one_name_are_refused(tmp_path):
    install(tmp_path, "rival", "9.1", {"rival": WORKING}, {"floatlist": "rival:P"})

    found = ask(tmp_path, WORKING)

    assert found["error"] == "InvalidBackendError"
    assert found["reason"].startswith("2 plugins have this name (")
    assert "rival 9.1" in found["reason"]
    assert "floatlist-gradcheck 0.3" in found["reason"]
    assert found["reason"].endswith("uninstall all but one")
    assert found["message"] == f"`backend='floatlist'`: {found['reason']}"
    assert found["imported"] == []
    assert found["numpy"] == "CORRECT"


def test_a_plugin_found_twice_is_no_conflict(tmp_path):
    install(tmp_path, "floatlist-gradcheck", "0.2", backends={"floatlist": "floatlist_plugin:P"})

    assert ask(tmp_path, WORKING)["available"]


def test_a_working_plugin_is_listed_with_versions(tmp_path):
    found = ask(tmp_path, WORKING)

    assert (found["available"], found["reason"]) == (True, "")
    assert (found["version"], found["distribution"]) == ("2.5", "floatlist-gradcheck 0.3")


@pytest.mark.parametrize("asked", ["None", "'floatlist'"])
def test_a_third_partys_backend_works_end_to_end(tmp_path, asked):
    install(tmp_path, "floatlist", "2.5", {"floatlist": FLOATLIST})
    install(tmp_path, "fg", modules={"fg": FLOATLIST_BACKEND}, backends={"floatlist": "fg:FloatListBackend"})
    code = f"""
        import json
        import numpy as np
        import gradcheck_core as gc
        from floatlist import FloatList

        params, cost = FloatList([1.0, -2.0, 0.5]), lambda p: p.total()
        own = gc.check_gradients(cost, params, backend={asked})
        wrong = gc.check_gradients(cost, params, np.array([2.0, 4.0, 1.0]), backend={asked})
        other = gc.check_gradients(cost, params, FloatList([2.0, -4.0, 1.0]), backend={asked})
        found = [own.verdict, own.backend, wrong.verdict, wrong.worst.worst_entry, other.verdict]
        print(json.dumps([*found, params.values]))
    """

    assert run_python(tmp_path, code) == ["CORRECT", "floatlist", "BUG", "theta[1]", "CORRECT", [1.0, -2.0, 0.5]]


def test_inference_says_which_plugins_it_passed_over(tmp_path):
    install(tmp_path, "floatlist", "2.5", {"floatlist": FLOATLIST})
    install(tmp_path, "fg", modules={"fg": "1 / 0"}, backends={"floatlist": "fg:P"})
    code = """
        import json
        import gradcheck_core as gc
        from floatlist import FloatList

        try:
            gc.check_gradients(lambda p: p.total(), FloatList([1.0]))
        except gc.UnknownBackendError as error:
            print(json.dumps(str(error)))
    """

    message = run_python(tmp_path, code)

    assert "`params` holds no array or tensor of an imported framework (considered: numpy); it holds" in message
    assert "floatlist.FloatList" in message
    assert "Passed over as broken: floatlist (`gradcheck backends --load` says why)" in message


def test_a_framework_that_was_not_imported_is_not_considered(tmp_path):
    install(tmp_path, "floatlist", "2.5", {"floatlist": FLOATLIST})
    install(tmp_path, "fg", modules={"fg": FLOATLIST_BACKEND}, backends={"floatlist": "fg:FloatListBackend"})
    code = f"""
import json, sys
import gradcheck_core as gc
{NUMPY_STILL_WORKS}
print(json.dumps([numpy_verdict, [name for name in ("floatlist", "fg") if name in sys.modules]]))
"""

    assert run_python(tmp_path, code) == ["CORRECT", []]


def test_an_unknown_name_is_answered_with_the_known_ones():
    known = ", ".join(info.name for info in gc.backends())

    with pytest.raises(
        gc.UnknownBackendError, match=f"`backend='nunpy'`: no such backend; known are {known}. A backend"
    ):
        registry.load_backend("nunpy")


def test_backends_are_listed_by_name_and_numpy_is_available():
    listed = {info.name: info for info in gc.backends()}

    assert list(listed) == sorted(listed)
    assert {"jax", "numpy", "tensorflow", "torch"} <= set(listed)
    assert listed["numpy"].available
    assert listed["numpy"].distribution.startswith("gradcheck ")
    assert all(bool(info.reason) is not info.available for info in listed.values())


@pytest.mark.parametrize("name", ["jax", "tensorflow", "torch"])
def test_one_of_ours_that_is_not_installed_is_an_extra(name, monkeypatch):
    monkeypatch.setattr(registered, "_is_installed", lambda module: module != name)
    registry.load_backend.cache_clear()

    with pytest.raises(
        gc.BackendUnavailableError, match=rf"{name} is not installed: pip install 'gradcheck\[{name}\]'"
    ):
        registry.load_backend(name)


def test_a_backend_is_made_once():
    assert registry.load_backend("numpy") is registry.load_backend("numpy")
