"""The corpus is what it says: enough models, of every kind of mistake, and every wrong gradient really differs."""

import re
from collections import Counter

import numpy as np
import pytest

from corpus import table
from corpus.catalogue import CASES, MODELS
from corpus.records import KINDS, difference

WRONG = [case for case in CASES if not case.right]
SLIGHTLY = 1e-5  # a difference below it is INSPECT, which passes


def test_it_is_large_enough():
    nasty = [case for case in CASES if case.right and case.model.family.startswith("nasty")]

    assert len(MODELS) - len({case.model.name for case in nasty}) >= 40
    assert len(WRONG) >= 120
    assert len(nasty) >= 40


def test_every_kind_of_mistake_is_in_it_several_times():
    counts = Counter(case.claim.kind for case in WRONG)

    assert set(counts) == set(KINDS)
    assert min(counts.values()) >= 5


def test_no_two_cases_have_one_name():
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


@pytest.mark.parametrize("model", MODELS, ids=[model.name for model in MODELS])
def test_a_gradient_by_hand_has_its_parameters_shapes(model):
    setting = model.setting()

    assert {name: grad.shape for name, grad in setting.grads.items()} == {
        name: value.shape for name, value in setting.params.items()
    }
    assert all(np.all(np.isfinite(grad)) for grad in setting.grads.values())


@pytest.mark.parametrize("case", WRONG, ids=[case.name for case in WRONG])
def test_a_wrong_gradient_differs(case):
    setting = case.model.setting()
    claimed = case.claim.made(setting)
    least = SLIGHTLY if case.claim.float64_only else 1e-3

    for name in case.claim.parameters:
        assert claimed[name].shape == setting.grads[name].shape
        assert not difference(claimed[name], setting.grads[name]) < least  # NaN is as wrong as can be


def test_the_page_lists_exactly_the_cases():
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", table.PAGE.read_text(), re.MULTILINE)

    assert [f"{model}:{claim}" for model, claim in rows] == [case.name for case in CASES]


def test_the_pages_counts_are_the_catalogues():
    assert table.counts() in table.PAGE.read_text()
