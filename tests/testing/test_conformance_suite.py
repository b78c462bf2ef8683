"""The conformance suite as its users meet it; what it finds is tested in tests/conformance."""

import pytest
from plugins import run_python

from gradcheck_core.testing import BackendConformance

TESTS = {name: getattr(BackendConformance, name) for name in dir(BackendConformance) if name.startswith("test_")}


def test_there_are_tests():
    assert len(TESTS) > 60


@pytest.mark.parametrize("name", TESTS)
def test_every_test_says_where_to_look_if_it_fails(name):
    _, _, advice = TESTS[name].__doc__.partition("If this fails: ")

    assert advice.strip().endswith(".")


def test_the_package_is_light_until_the_suite_is_asked_for(tmp_path):
    heavy = (
        "[m for m in ('numpy', 'pytest', 'gradcheck_core.check', 'gradcheck_core.testing.laws') if m in sys.modules]"
    )

    assert run_python(tmp_path, f"import json, sys, gradcheck_core.testing; print(json.dumps({heavy}))") == []
