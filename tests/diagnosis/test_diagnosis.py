"""Each known mistake is named, and what only looks like it is not."""

import numpy as np
import pytest
from discrepancies import KERNEL, OTHER, ROW, TALL, THETA, VECTOR, G, facts, kind, named, with_entry

from gradcheck_core.diagnosis import diagnose
from gradcheck_core.diagnosis.catalogue import CATALOGUE
from gradcheck_core.diagnosis.kinds import EXPLANATIONS


def fortran(g):
    return g.T.reshape(g.shape)


KNOWN = {
    "zero": ("zero", G, 0 * G, "is zero, but the cost depends on the parameter"),
    "sign": ("sign_flipped", G, -G, "wrong sign throughout"),
    "sign of a number": ("sign_flipped", 0.7, -0.7, "wrong sign"),
    "twice": ("scaled", G, 2 * G, "twice the numeric one"),
    "half of a number": ("scaled", 0.7, 0.35, "half the numeric one"),
    "a batch of 32": ("scaled", G, 32 * G, "32 times the numeric one; if 32 is the batch size"),
    "over a batch of 32": ("scaled", G, G / 32, "1/32 of the numeric one"),
    "any factor": ("scaled", G, -1.7 * G, "-1.7 times the numeric one in every entry"),
    "one entry": ("single_entry", G, with_entry(G, (2, 1), 5.0), "only entry [2, 1] is wrong: claimed 5, numeric"),
    "the only entry": ("single_entry", 0.5, 0.65, "(the claim is 1.3 times the numeric value)"),
    "a row": ("partial", G, with_entry(G, 2, 0.0), "wrong only in row 2, where the claimed entries are zero"),
    "columns": ("partial", G, with_entry(G, np.s_[:, 1:3], OTHER[:, 1:3]), "wrong only in columns 1-2; the rest"),
    "some entries": ("partial", VECTOR, with_entry(VECTOR, [0, 5], [3.0, 4.0]), "wrong only in entries 0, 5"),
    "a tap": ("partial", KERNEL, with_entry(KERNEL, np.s_[:, :, 1], -KERNEL[:, :, 1]), "at 1 of axis 2, where"),
    "a diagonal": ("partial", G, np.where(np.eye(4) == 1, 3.0, G), "wrong only on the diagonal"),
    "a triangle": ("partial", G, np.tril(G), "wrong only above the diagonal"),
    "transpose": ("transposed", G, G.T, "is the transpose of the numeric one"),
    "axes": ("transposed", KERNEL, KERNEL.transpose(0, 2, 1), "with axes in the order (0, 2, 1)"),
    "Fortran order": ("transposed", TALL, fortran(TALL), "transpose of the numeric one, reshaped"),
    "flipped kernel": ("reversed", KERNEL, KERNEL[:, ::-1, ::-1], "reversed along axes 1 and 2"),
    "backwards": ("reversed", VECTOR, VECTOR[::-1], "reversed along axis 0"),
    "round the end": ("shifted", VECTOR, np.roll(VECTOR, 1), "shifted by +1 along axis 0"),
    "cut off": ("shifted", VECTOR, np.append(VECTOR[2:], [0.0, 0.0]), "shifted by -2 along axis 0"),
    "rows exchanged": (
        "permuted",
        G,
        G[[1, 0, 3, 2]],
        "slices of the numeric one along axis 0 in another order: [1, 0, 3, 2]",
    ),
    "entries sorted": ("permuted", VECTOR, np.sort(VECTOR), "in another order"),
    "mean of rows": ("reduction", G, np.broadcast_to(G.mean(0), G.shape), "is the mean of the numeric one over axis 0"),
    "sum of all": ("reduction", G, np.full(G.shape, G.sum()), "is the sum of the numeric one over axes 0 and 1"),
    "a constant": ("offset", G, G + 0.25, "off by the same constant, +0.25"),
    "a constant each column": ("offset", G, G + ROW, "one constant for each index of axis 1"),
    "a constant each row": ("offset", G, G + ROW[:, None], "one constant for each index of axis 0"),
}


@pytest.mark.parametrize(("expected", "numeric", "claimed", "said"), KNOWN.values(), ids=KNOWN)
def test_a_known_mistake_is_named_with_what_was_seen(expected, numeric, claimed, said):
    found = named(numeric, claimed, theta=np.reshape(np.resize(THETA, np.size(numeric)), np.shape(numeric)))

    assert found.kind == expected
    assert said in found.sentence
    assert found.sentence.startswith("`w`: ")
    assert found.fit > 0.99


@pytest.mark.parametrize(
    ("rate", "said"), [(0.01, "has an extra 0.01 times the parameter itself"), (-0.3, "lacks 0.3 times")]
)
def test_weight_decay_is_named_with_its_rate(rate, said):
    found = named(G, G + rate * THETA, theta=THETA)

    assert found.kind == "weight_decay"
    assert said in found.sentence


@pytest.mark.parametrize(
    ("rate", "said"), [(0.01, "in the gradient but not in the cost"), (-0.3, "but not in the gradient")]
)
def test_an_l1_term_is_named_with_the_side_that_has_it(rate, said):
    found = named(G, G + rate * np.sign(THETA), theta=THETA)

    assert found.kind == "l1"
    assert said in found.sentence


@pytest.mark.parametrize(("claimed", "said"), [(OTHER, "that of `v`;"), (OTHER.T, "that of `v`, transposed;")])
def test_the_gradient_of_another_parameter_is_named(claimed, said):
    found = named(G, claimed, others={"u": VECTOR, "v": OTHER})

    assert found.kind == "swapped"
    assert said in found.sentence


SYMMETRIC = G + G.T
PALINDROME = np.array([1.0, 2.0, 5.0, 2.0, 1.0])

NEAR_MISSES = {
    "almost zero is a small factor": (G, 1e-3 * G, "zero"),
    "one row of another sign": (G, with_entry(-G, 1, 3 * G[1]), "sign_flipped"),
    "a factor except in one row": (G, with_entry(2 * G, 1, 3 * G[1]), "scaled"),
    "factors that differ by a hundredth": (G, G * (2 + 0.01 * OTHER), "scaled"),
    "two entries": (G, with_entry(with_entry(G, (0, 1), 5.0), (3, 2), 5.0), "single_entry"),
    "every row": (G, OTHER, "partial"),
    "a symmetric matrix's transpose explains nothing": (SYMMETRIC, with_entry(SYMMETRIC, (0, 0), 9.0), "transposed"),
    "another matrix's transpose": (G, OTHER.T, "transposed"),
    "a palindrome backwards": (PALINDROME, PALINDROME + with_entry(0 * PALINDROME, 1, 1.0), "reversed"),
    "a shift with another end": (VECTOR, np.append(VECTOR[1:], 40.0), "shifted"),
    "other rows": (G, np.roll(OTHER, 1, 0), "permuted"),
    "another's gradient, scaled": (G, 1.5 * OTHER, "swapped"),
    "another's mean": (G, np.broadcast_to(OTHER.mean(0), G.shape), "reduction"),
    "a term in something else": (G, G + 0.1 * OTHER, "weight_decay"),
    "signs of something else": (G, G + 0.1 * np.sign(OTHER), "l1"),
    "a constant in half of it": (G, G + 0.25 * (np.arange(16).reshape(4, 4) % 2 * OTHER), "offset"),
}


@pytest.mark.parametrize(("numeric", "claimed", "wrong_name"), NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_what_only_looks_like_a_mistake_is_not_called_that(numeric, claimed, wrong_name):
    theta = THETA if np.shape(numeric) == THETA.shape else None

    assert kind(numeric, claimed, theta=theta, others={"v": OTHER}) != wrong_name


def test_every_kind_of_the_catalogue_is_explained_and_tested():
    catalogued = {mistake.kind for mistake in CATALOGUE} | {"not_finite"}

    assert catalogued == set(EXPLANATIONS)
    assert catalogued - {"not_finite"} == {case[0] for case in KNOWN.values()} | {"weight_decay", "l1", "swapped"}


def test_the_simpler_of_two_names_is_said():
    assert kind(G, G + 0.1, theta=np.ones_like(G)) == "offset"  # also l1 and weight decay of ones
    assert kind([1.0, 3.0], [3.0, 1.0]) == "reversed"  # also shifted and permuted
    assert kind(THETA, 3.5 * THETA, theta=THETA) == "scaled"  # also weight decay, since the gradient is theta


def test_two_numbers_that_happen_to_be_near_a_factor_are_not_enough():
    # the least squares factor is 2; an error of one in a hundred still explains 99.99 % of the discrepancy
    assert kind([1.0, 1.0], [2.01, 1.99]) is None


@pytest.mark.parametrize("error", [0.3, 1.0, np.inf])
def test_a_discrepancy_not_far_above_the_error_bars_has_no_name(error):
    assert kind(G, -G, error=error) is None


def test_an_entry_that_was_not_measured_is_not_looked_at():
    seen = facts(G, with_entry(-G, (0, 0), 17.0))
    seen.error[0, 0] = np.inf

    assert diagnose([seen])["w"].kind == "sign_flipped"


def test_a_few_entries_that_are_wrong_besides_do_not_hide_a_sign():
    numeric = np.random.default_rng(3).normal(size=(30, 10))

    found = named(numeric, with_entry(-numeric, (4, 5), -numeric[4, 5] + 0.2))

    assert found.kind == "sign_flipped"
    assert 0.99 < found.fit < 1.0


def test_a_factor_that_all_parameters_share_is_said_to_be_shared():
    three = [facts(x, 1.7 * x, name=name) for name, x in (("a", np.array(0.3)), ("b", np.array(-2.0)), ("c", G))]

    found = diagnose(three)

    assert {name: diagnosis.kind for name, diagnosis in found.items()} == dict.fromkeys("abc", "scaled")
    assert "(the same in each of the 3 wrong parameters, so look at the derivative of the loss)" in found["a"].sentence


def test_a_regulariser_that_all_parameters_share_is_named():
    pairs = {"a": (VECTOR, VECTOR**2 - 1), "b": (G, THETA)}

    found = diagnose([facts(g, g + 0.02 * theta, theta=theta, name=name) for name, (g, theta) in pairs.items()])

    assert {diagnosis.kind for diagnosis in found.values()} == {"weight_decay"}
    assert "(the same in each of the 2 wrong parameters)" in found["a"].sentence


def test_numbers_of_different_factors_do_not_share_one():
    found = diagnose([facts(0.3, 0.3 * 1.7, name="a"), facts(2.0, 2.0 * 1.8, name="b")])

    assert {name: diagnosis.kind for name, diagnosis in found.items()} == dict.fromkeys("ab", "single_entry")
