from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradcheck_core as gc
from gradcheck_core.protocol import Carried, Layout, trees

Point = namedtuple("Point", "x y")


@dataclass
class Layer:
    weight: object
    bias: object


@dataclass(frozen=True, slots=True)
class Frozen:
    weight: object
    label: str = "fixed"


@dataclass
class Derived:
    weight: object
    doubled: object = field(init=False)

    def __post_init__(self):
        self.doubled = self.weight * 2


def names(structure):
    return [leaf.name for leaf in trees.leaves(structure)]


def rebuilt(structure, change=lambda value: value):
    return trees.rebuilder(structure)(change(leaf.value) for leaf in trees.leaves(structure))


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        (1.0, ["theta"]),
        ([1.0, 2.0], ["0", "1"]),
        ((1.0, (2.0,)), ["0", "1.0"]),
        ({"layer1": {"weight": 1.0}, "cells": [{}, {}, {"bias": 2.0}]}, ["layer1.weight", "cells.2.bias"]),
        ({3: 1.0, "b": 2.0, "a": 3.0}, ["3", "b", "a"]),
        (Point(1.0, [2.0]), ["x", "y.0"]),
        (Layer(1.0, Frozen(2.0)), ["weight", "bias.weight", "bias.label"]),
        (Derived(3.0), ["weight", "doubled"]),
        ([], []),
        ({"a": (), "b": {}}, []),
        (None, ["theta"]),
        ("text", ["theta"]),
        (Layer, ["theta"]),  # a class is no structure
    ],
)
def test_names_are_paths_joined_by_dots(structure, expected):
    assert names(structure) == expected


@pytest.mark.parametrize(
    "structure",
    [
        1.0,
        [1.0, (2.0, [])],
        {"a": 1.0, 3: {"b": ()}},
        Point(1.0, Point(2.0, 3.0)),
        Layer([1.0], {"b": 2.0}),
        Frozen(1.0, "mine"),
        Derived(3.0),
        OrderedDict(b=1.0, a=[2.0]),
        (),
        {},
    ],
)
def test_the_same_structure_comes_back_with_its_types(structure):
    again = rebuilt(structure)

    assert again == structure
    assert type(again) is type(structure)


def test_new_leaves_take_the_place_of_the_old():
    assert rebuilt({"a": [1, 2], "b": Point(3, 4)}, lambda value: value * 10) == {"a": [10, 20], "b": Point(30, 40)}


def test_a_frozen_dataclass_is_built_anew_and_the_original_left_alone():
    original = Frozen(1.0)

    assert rebuilt(original, lambda value: 2.0) == Frozen(2.0, 2.0)
    assert original == Frozen(1.0)


def test_a_field_without_init_gets_its_leaf_and_not_what_post_init_makes():
    again = rebuilt(Derived(3.0), lambda value: value + 1)  # from the leaves 3 and 6

    assert (again.weight, again.doubled) == (4.0, 7.0)


def test_an_ordered_dict_keeps_its_order():
    assert list(rebuilt(OrderedDict([("b", 1.0), ("a", 2.0)]))) == ["b", "a"]


def test_a_defaultdict_keeps_its_factory():
    again = rebuilt(defaultdict(list, a=1.0))

    assert again == {"a": 1.0}
    assert again["new"] == []


def test_every_call_of_a_rebuilder_gives_new_containers():
    build = trees.rebuilder({"a": [1.0]})
    first, second = build(iter([1.0])), build(iter([1.0]))
    first["a"].append(2.0)

    assert second == {"a": [1.0]}


def test_containers_of_one_object_twice_are_no_cycle():
    shared = [1.0]

    assert names({"a": shared, "b": shared}) == ["a.0", "b.0"]


def test_a_cycle_is_refused_at_its_path():
    cyclic = {"a": [1.0]}
    cyclic["a"].append(cyclic)

    with pytest.raises(gc.InvalidInputError, match=r"contains itself at `a\.1`; pass a structure without cycles"):
        trees.leaves(cyclic)


@pytest.mark.parametrize("backend", [None, "numpy"])
def test_a_check_refuses_params_with_a_cycle(backend):
    cyclic = {"w": np.ones(1)}
    cyclic["again"] = cyclic

    with pytest.raises(gc.InvalidInputError, match="contains itself at `again`"):
        gc.check_gradients(lambda p: 0.0, cyclic, np.ones(1), backend=backend)


def test_two_leaves_of_one_name_are_refused():
    tensors = [(leaf.name, (), "float64") for leaf in trees.leaves({"a.b": 1.0, "a": {"b": 2.0}})]

    with pytest.raises(gc.InvalidInputError, match=r"two leaves are both named `a\.b`.*rename one of the keys"):
        Layout.of(tensors)
    with pytest.raises(gc.InvalidInputError, match=r"two leaves are both named `a\.b`"):
        Layout.of(tensors[:1], [Carried("a.b", "int64")])


def test_a_rebound_leaf_is_found_by_name():
    handed = {"w": np.ones(2), "b": [np.ones(1)]}
    before = trees.leaves(handed)

    assert trees.find_rebound(before, trees.leaves(handed)) is None
    handed["b"][0] = handed["b"][0] * 1
    assert trees.find_rebound(before, trees.leaves(handed)) == "`b.0`"


def test_a_removed_leaf_is_found_and_an_added_one_is_no_matter():
    handed = {"w": np.ones(2), "b": np.ones(1)}
    before = trees.leaves(handed)

    handed["cache"] = np.ones(3)
    assert trees.find_rebound(before, trees.leaves(handed)) is None
    del handed["w"]
    assert trees.find_rebound(before, trees.leaves(handed)) == "`w`"


NESTINGS = st.recursive(
    st.floats(allow_nan=False),
    lambda nodes: st.one_of(
        st.lists(nodes, max_size=3),
        st.lists(nodes, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=3), st.integers()), nodes, max_size=3),
        st.dictionaries(st.text(max_size=3), nodes, max_size=3).map(OrderedDict),
        st.builds(Point, nodes, nodes),
        st.builds(Layer, nodes, nodes),
        st.builds(Frozen, nodes),
    ),
    max_leaves=12,
)


@given(NESTINGS)
def test_any_nesting_makes_the_round_trip(structure):
    again = rebuilt(structure)

    assert again == structure
    assert [leaf.path for leaf in trees.leaves(again)] == [leaf.path for leaf in trees.leaves(structure)]
    assert trees.find_rebound(trees.leaves(structure), trees.leaves(again)) is None


STRUCTURES = [
    {"w": 1, "b": 2},
    [1, 2],
    (1, 2),
    {"layers": [{"w": 1}, (2, 3)], "scale": 4},
    7,
]


@pytest.mark.parametrize("structure", STRUCTURES, ids=str)
def test_a_copier_gives_the_same_structure_and_none_that_a_cost_could_rebind_for_the_next_call(structure):
    copied = trees.copier(structure)
    first = copied()
    if isinstance(first, dict | list):
        first.clear()

    assert copied() == structure
    assert type(copied()) is type(structure)


def test_what_lies_deeper_is_copied_too():
    copied = trees.copier({"layers": [1, 2]})
    copied()["layers"].append(3)

    assert copied() == {"layers": [1, 2]}
