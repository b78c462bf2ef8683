import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_core import MapEntry, MappingError, ParameterMap
from gradcheck_core.migration.entries import Piece, Term

W = np.arange(12.0).reshape(4, 3)  # a fused (2 * 2, 3)


def single(term, shape=None):
    return ParameterMap({"t": MapEntry((Piece((term,)),), shape)})


def test_a_missing_source_is_named():
    with pytest.raises(MappingError, match=r"`ParameterMap.apply`: target `t`: there is no source `s`; pass an array"):
        single(Term("s", (0,))).apply({"x": W})


def test_a_source_of_another_shape_is_refused():
    with pytest.raises(MappingError, match=r"target `t`: `axes` = \[1, 0\] does not permute the 3 axes of `s`"):
        single(Term("s", (1, 0))).apply({"s": np.zeros((2, 3, 4))})
    with pytest.raises(MappingError, match=r"`s` has shape \(4, 3\), which cannot be seen as \(5, 3\)"):
        single(Term("s", (1, 0), view=(5, 3))).apply({"s": W})
    with pytest.raises(MappingError, match=r"what is taken has shape \(3, 4\), its place \(3, 5\)"):
        single(Term("s", (1, 0)), (3, 5)).apply({"s": W})


@pytest.mark.parametrize("extent", [(0, 5), (2, 2), (3, 1), (-1, 2)])
def test_a_range_outside_of_the_source_is_refused(extent):
    with pytest.raises(MappingError, match=rf"{extent[0]}:{extent[1]} is not within an axis of 4"):
        single(Term("s", (0, 1), ranges=(extent, None))).apply({"s": W})


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([(0, 2)], r"none of its pieces covers the entry \[2\] of its shape \(4,\); correct `at`"),
        ([(0, 2), (1, 3)], r"several of its pieces cover the entry \[1\]"),
    ],
    ids=["a gap", "an overlap"],
)
def test_pieces_that_do_not_make_up_the_target_are_refused(places, said):
    entry = MapEntry(tuple(Piece((Term("s", (0,)),), at=(place,)) for place in places), shape=(4,))

    with pytest.raises(MappingError, match=said):
        ParameterMap({"t": entry}).apply({"s": np.ones(2)})


def test_a_target_cannot_be_both_mapped_and_unresolved():
    with pytest.raises(MappingError, match="`t` has an entry and is unresolved too"):
        ParameterMap({"t": MapEntry.of("s", (0,))}, {"t": "why"})


def test_nobody_changes_a_mapping():
    mapping = ParameterMap.identity({"w": (2, 3)})

    with pytest.raises(TypeError):
        mapping.entries["w"] = None
    with pytest.raises(AttributeError):
        mapping.entries = {}


def test_the_identity_gives_copies_of_all():
    values = {"w": W, "b": np.float64(2.0), "z": np.array([1 + 2j])}

    carried = ParameterMap.identity({name: np.shape(value) for name, value in values.items()}).apply(values)

    assert list(carried) == ["w", "b", "z"]
    assert all(np.array_equal(carried[name], values[name]) for name in values)
    assert not np.shares_memory(carried["w"], W)


def test_axes_are_permuted_as_numpy_transposes():
    conv = np.arange(24.0).reshape(4, 3, 2, 1)  # OIHW

    carried = single(Term("s", (2, 3, 1, 0))).apply({"s": conv})["t"]

    assert carried.shape == (2, 1, 3, 4)
    assert carried[1, 0, 2, 3] == conv[3, 2, 1, 0]
    assert carried.flags.c_contiguous


def test_a_view_slices_and_a_shape_take_one_gate_of_a_fused_weight():
    carried = single(Term("s", (1, 0), view=(2, 2, 3)[1:], ranges=None), None)
    assert carried.apply({"s": W[:2]})["t"].shape == (3, 2)

    gate = single(Term("s", (2, 0, 1), view=(2, 2, 3), ranges=((1, 2), None, None)), (3, 2)).apply({"s": W})["t"]

    assert gate.tolist() == [[6.0, 9.0], [7.0, 10.0], [8.0, 11.0]]  # rows 2 and 3, transposed


def test_pieces_stand_in_their_places():
    swapped = MapEntry(
        (
            Piece((Term("s", (0, 1), ranges=((2, 4), None)),), at=((0, 2), None)),
            Piece((Term("s", (0, 1), ranges=((0, 2), None)),), at=((2, 4), None)),
        ),
        shape=(4, 3),
    )

    assert ParameterMap({"t": swapped}).apply({"s": W})["t"].tolist() == np.vstack([W[2:], W[:2]]).tolist()
    assert swapped.source == "s"


def test_values_of_a_sum_are_added_and_its_gradient_is_that_of_either():
    bias = MapEntry((Piece((Term("ih", (0,)), Term("hh", (0,)))),))
    mapping = ParameterMap({"bias": bias})

    assert bias.source == ("ih", "hh")
    assert mapping.apply({"ih": np.array([1.0, 2.0]), "hh": np.array([3.0, 5.0])})["bias"].tolist() == [4.0, 7.0]
    gradient = np.array([0.5, -1.0])  # dJ/dS1 = dJ/dS2 = dJ/dT
    assert mapping.apply_gradients({"ih": gradient, "hh": gradient})["bias"].tolist() == [0.5, -1.0]


def test_two_targets_that_share_a_source_add_up_to_it_and_both_have_its_gradient():
    mapping = ParameterMap(
        {
            "ih": MapEntry((Piece((Term("bias", (0,)),)),)),
            "hh": MapEntry((Piece((Term("bias", (0,), gradient_only=True),)),)),
        }
    )

    values = mapping.apply({"bias": np.array([1.0, 2.0])})
    gradients = mapping.apply_gradients({"bias": np.array([0.5, -1.0])})

    assert values["ih"].tolist() == [1.0, 2.0]
    assert values["hh"].tolist() == [0.0, 0.0]
    assert gradients["ih"].tolist() == gradients["hh"].tolist() == [0.5, -1.0]


def pulled_back(entry, values, gradient):
    """By each source, the gradient of a cost of the target, from the derivative of the target by the source."""
    pulled = {name: np.zeros_like(value) for name, value in values.items()}
    for piece in entry.pieces:
        part = gradient if piece.at is None else gradient[tuple(slice(*extent) for extent in piece.at)]
        for term in piece.terms:
            place = term.taken({term.source: np.arange(values[term.source].size).reshape(values[term.source].shape)})
            np.add.at(pulled[term.source].reshape(-1), place.reshape(-1), part.reshape(-1))
    return pulled


@given(st.permutations(range(4)), st.booleans(), st.integers(1, 3), st.integers(0, 2**31))
def test_the_chain_rule_through_a_mapping_is_undone_by_apply_gradients(gates, is_sum, hidden, seed):
    """dJ/dS is the target's gradient, gathered where S goes; carrying it over gives the target's gradient back."""
    generator = np.random.default_rng(seed)
    sources = ("one", "other") if is_sum else ("one",)
    places = [((hidden * i, hidden * (i + 1)), (hidden * gate, hidden * (gate + 1))) for i, gate in enumerate(gates)]
    entry = MapEntry(
        tuple(
            Piece(tuple(Term(source, (1, 0), ranges=(taken, (0, 3))) for source in sources), at=((0, 3), at))
            for at, taken in places
        ),
        shape=(3, 4 * hidden),
    )
    mapping = ParameterMap({"t": entry})
    values = {source: generator.normal(size=(4 * hidden, 3)) for source in sources}
    gradient = generator.normal(size=(3, 4 * hidden))

    assert np.array_equal(mapping.apply_gradients(pulled_back(entry, values, gradient))["t"], gradient)
    # the derivative of <gradient, target> along the sources themselves, since the target is linear in them
    along = sum(np.sum(pulled * values[name]) for name, pulled in pulled_back(entry, values, gradient).items())
    assert np.isclose(np.sum(gradient * mapping.apply(values)["t"]), along, rtol=1e-12, atol=1e-12)


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
sizes = st.lists(st.integers(0, 10**6), max_size=4).map(tuple)
extents = st.none() | st.tuples(st.integers(0, 99), st.integers(0, 99))
ranges = st.none() | st.lists(extents, min_size=1, max_size=3).map(tuple)
terms = st.builds(Term, names, sizes, st.none() | sizes, ranges, st.booleans())
pieces = st.builds(Piece, st.lists(terms, min_size=1, max_size=3).map(tuple), ranges)
entries = st.builds(MapEntry, st.lists(pieces, min_size=1, max_size=3).map(tuple), st.none() | sizes, names)


@given(st.dictionaries(names, entries, max_size=4), st.dictionaries(names, names, max_size=3))
def test_toml_there_and_back_is_the_same_mapping(made, unresolved):
    mapping = ParameterMap(made, {name: why for name, why in unresolved.items() if name not in made})

    assert ParameterMap.from_toml(mapping.to_toml()) == mapping


def test_toml_says_no_more_than_is_needed(tmp_path):
    mapping = ParameterMap({"dense.kernel": MapEntry.of("fc.weight", (1, 0), found_by="values")}, {"b": "why"})
    text = """\
format = 1

[entries."dense.kernel"]
found_by = "values"
source = "fc.weight"
axes = [1, 0]

[unresolved]
b = "why"
"""
    path = tmp_path / "map.toml"
    path.write_text(text)

    assert mapping.to_toml() == text
    assert ParameterMap.from_toml(path) == mapping
    assert ParameterMap.from_toml(str(path)) == mapping


GOOD = '[entries.t]\nsource = "s"\naxes = [0]\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nformat = #", r"text is not TOML: .*line 2.*; correct that line"),
        ("", r"the top lacks `format`; add the number 1"),
        (GOOD, r"the top lacks `format`; add the number 1"),
        ("format = 2\n" + GOOD, r"the top has `format` = 2; this has to be 1; another one is of"),
        ("format = 1", r"the top lacks `entries`; add a table"),
        ("format = 1\nentries = 3", r"the top has `entries` = 3; this has to be a table"),
        (
            "format = 1\nname = 3\n[entries]",
            r"the top has `name`, which is unknown; the keys here are entries, format, unresolved",
        ),
        ("format = 1\n[entries]\nt = 3", r"\[entries\] has `t` = 3; this has to be a table with `source` and `axes`"),
        ("format = 1\n[entries.t]\naxes = [0]", r"\[entries.t\] lacks `source`; add a string"),
        ('format = 1\n[entries.t]\nsource = "s"', r"\[entries.t\] lacks `axes`; add a list of numbers"),
        ('format = 1\n[entries.t]\nsource = "s"\naxes = [0, -1]', r"`axes` = \[0, -1\]; this has to be a list of num"),
        ('format = 1\n[entries.t]\nsource = "s"\naxes = [true]', r"`axes` = \[True\]; this has to be a list of num"),
        (f'format = 1\n{GOOD}slice = "0:2;"', r"\[entries.t\] has `slice` = '0:2;'; .* such as \"0:4, :\""),
        (f'format = 1\n{GOOD}slise = "0:2"', r"\[entries.t\] has `slise`, which is unknown; the keys"),
        (f"format = 1\n{GOOD}sum = []", r"\[entries.t\] has `axes` = \[0\]; this has to be inside of `sum`"),
        ("format = 1\n[entries.t]\nsum = []", r"\[entries.t\] has `sum` = \[\]; this has to be a list of tables"),
        ("format = 1\n[entries.t]\npieces = [{axes = [0]}]", r"\[entries.t.pieces\[0\]\] lacks `source`; add a string"),
        ("format = 1\n[entries]\n[unresolved]\nb = 1", r"\[unresolved\] has `b` = 1; this has to be a string"),
    ],
)
def test_toml_that_is_no_mapping_is_explained(text, message):
    with pytest.raises(MappingError, match=r"`ParameterMap.from_toml`: ") as caught:
        ParameterMap.from_toml(text)

    assert re.search(message, str(caught.value))


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(MappingError, match=r"absent.toml cannot be read: .*; pass TOML text or the path"):
        ParameterMap.from_toml(tmp_path / "absent.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(MappingError, match=r"binary.toml cannot be read"):
        ParameterMap.from_toml(tmp_path / "binary.toml")


def test_a_models_own_parameters_can_be_carried_over():
    mapping = ParameterMap({"kernel": MapEntry.of("dense.weight", (1, 0))})

    carried = mapping.apply({"dense": {"weight": W}})

    assert np.array_equal(carried["kernel"], W.T)
    with pytest.raises(MappingError, match=r"`ParameterMap\.apply`: "):
        mapping.apply({"dense": None})


def test_an_entry_has_to_be_one():
    with pytest.raises(MappingError, match=r"the entry of `a` is str; pass MapEntry\.of\(source, axes\)"):
        ParameterMap({"a": "b"})
