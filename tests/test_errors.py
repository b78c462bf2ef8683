import pickle

import pytest

import gradcheck_core as gc

ERRORS = [getattr(gc, name) for name in gc.__all__ if name.endswith("Error")]


def test_there_are_errors():
    assert len(ERRORS) >= 8


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_derives_from_one(kind):
    assert issubclass(kind, gc.GradcheckError)


@pytest.mark.parametrize("kind", ERRORS)
def test_errors_survive_pickling(kind):
    again = pickle.loads(pickle.dumps(kind("what came and what to do")))

    assert type(again) is kind
    assert str(again) == "what came and what to do"


def test_errors_that_other_code_may_catch_by_a_standard_type():
    assert issubclass(gc.InvalidInputError, ValueError)
    assert issubclass(gc.GradientCheckError, AssertionError)
