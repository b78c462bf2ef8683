"""Each known mistake is named, what only looks like it is not, and right or noisy gradients never are."""

import re

import numpy as np
import pytest
import reports
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcheck_core as gc
from gradcheck_core import diagnosing
from gradcheck_core.assessment import Evidence
from gradcheck_core.diagnosis import Facts, diagnose
from gradcheck_core.diagnosis.catalogue import CATALOGUE
from gradcheck_core.diagnosis.explanations import EXPLANATIONS
from gradcheck_core.numerics.coordinates import Derivatives
from gradcheck_core.protocol import Layout
from gradcheck_core.second_look import Claimed

DRAW = np.random.default_rng(7)
G = DRAW.normal(size=(4, 4))
TALL = DRAW.normal(size=(4, 2))
KERNEL = DRAW.normal(size=(2, 3, 3))
VECTOR = DRAW.normal(size=7)
OTHER = DRAW.normal(size=(4, 4))
THETA = DRAW.normal(size=(4, 4))
ROW = np.array([0.3, -0.1, 0.7, 0.2])
ERROR = 1e-9


def facts(numeric, claimed, theta=None, others=None, error=ERROR, name="w"):
    numeric, claimed = np.asarray(numeric, float), np.asarray(claimed, float)
    return Facts(
        name=name,
        claimed=claimed,
        numeric=numeric,
        error=np.full(numeric.shape, error),
        known=np.ones(numeric.shape, bool),
        theta=theta,
        others=others or {},
    )


def named(numeric, claimed, **more):
    return diagnose([facts(numeric, claimed, **more)]).get("w")


def kind(numeric, claimed, **more):
    found = named(numeric, claimed, **more)
    return None if found is None else found.kind


def with_entry(g, index, value):
    wrong = g.copy()
    wrong[index] = value
    return wrong


def fortran(g):
    return g.T.reshape(g.shape)


KNOWN = {
    "zero": ("zero", G, 0 * G, "is zero, and the cost depends on the parameter"),
    "sign": ("sign_flipped", G, -G, "wrong sign throughout"),
    "sign of a number": ("sign_flipped", 0.7, -0.7, "wrong sign"),
    "twice": ("scaled", G, 2 * G, "twice the numeric one"),
    "half of a number": ("scaled", 0.7, 0.35, "half the numeric one"),
    "a batch of 32": ("scaled", G, 32 * G, "32 times the numeric one; if 32 is the batch size"),
    "over a batch of 32": ("scaled", G, G / 32, "1/32 of the numeric one"),
    "any factor": ("scaled", G, -1.7 * G, "-1.7 times the numeric one in every entry"),
    "one entry": ("single_entry", G, with_entry(G, (2, 1), 5.0), "only entry [2, 1] is wrong: claimed 5, numeric"),
    "the only entry": ("single_entry", 0.5, 0.65, "its one entry is wrong: claimed 0.65, numeric 0.5 (1.3 times)"),
    "a row": ("partial", G, with_entry(G, 2, 0.0), "wrong only in row 2, where the claimed entries are zero"),
    "columns": ("partial", G, with_entry(G, np.s_[:, 1:3], OTHER[:, 1:3]), "wrong only in columns 1-2; the rest"),
    "some entries": ("partial", VECTOR, with_entry(VECTOR, [0, 5], [3.0, 4.0]), "wrong only in entries 0, 5"),
    "a tap": ("partial", KERNEL, with_entry(KERNEL, np.s_[:, :, 1], -KERNEL[:, :, 1]), "at 1 of axis 2, where"),
    "a diagonal": ("partial", G, np.where(np.eye(4) == 1, 3.0, G), "wrong only on the diagonal"),
    "a triangle": ("partial", G, np.tril(G), "wrong only above the diagonal"),
    "transpose": ("transposed", G, G.T, "is the transpose of the numeric one"),
    "axes": ("transposed", KERNEL, KERNEL.transpose(0, 2, 1), "with axes in the order (0, 2, 1)"),
    "Fortran order": ("transposed", TALL, fortran(TALL), "transpose, reshaped"),
    "flipped kernel": ("reversed", KERNEL, KERNEL[:, ::-1, ::-1], "reversed along axes 1 and 2"),
    "backwards": ("reversed", VECTOR, VECTOR[::-1], "reversed along axis 0"),
    "round the end": ("shifted", VECTOR, np.roll(VECTOR, 1), "shifted by +1 along axis 0"),
    "cut off": ("shifted", VECTOR, np.append(VECTOR[2:], [0.0, 0.0]), "shifted by -2 along axis 0"),
    "rows exchanged": ("permuted", G, G[[1, 0, 3, 2]], "slices along axis 0 in another order: [1, 0, 3, 2]"),
    "entries sorted": ("permuted", VECTOR, np.sort(VECTOR), "in another order"),
    "mean of rows": ("reduction", G, np.broadcast_to(G.mean(0), G.shape), "is the mean of the numeric one over axis 0"),
    "sum of all": ("reduction", G, np.full(G.shape, G.sum()), "is the sum of the numeric one over axes 0 and 1"),
    "a constant": ("offset", G, G + 0.25, "off by the same +0.25"),
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


@pytest.mark.parametrize(("rate", "said"), [(0.01, "0.01 times the parameter itself too much"), (-0.3, "too little")])
def test_weight_decay_is_named_with_its_rate(rate, said):
    found = named(G, G + rate * THETA, theta=THETA)

    assert found.kind == "weight_decay"
    assert said in found.sentence


@pytest.mark.parametrize(
    ("rate", "said"), [(0.01, "in the gradient and not in the cost"), (-0.3, "not in the gradient")]
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
    "a factor but for one row": (G, with_entry(2 * G, 1, 3 * G[1]), "scaled"),
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
    assert "(the same in all 3 wrong parameters, so look at the derivative of the loss)" in found["a"].sentence


def test_a_regulariser_that_all_parameters_share_is_named():
    pairs = {"a": (VECTOR, VECTOR**2 - 1), "b": (G, THETA)}

    found = diagnose([facts(g, g + 0.02 * theta, theta=theta, name=name) for name, (g, theta) in pairs.items()])

    assert {diagnosis.kind for diagnosis in found.values()} == {"weight_decay"}
    assert "(the same in all 2 wrong parameters)" in found["a"].sentence


def test_numbers_of_different_factors_are_no_shared_factor():
    found = diagnose([facts(0.3, 0.3 * 1.7, name="a"), facts(2.0, 2.0 * 1.8, name="b")])

    assert {name: diagnosis.kind for name, diagnosis in found.items()} == dict.fromkeys("ab", "single_entry")


def test_the_conjugate_of_a_complex_gradient_is_wrong_in_the_imaginary_parts():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))

    report = gc.check_gradients(lambda p: float(np.sum(np.abs(p) ** 2)), z, 2 * np.conj(z))

    assert report.worst.diagnosis.kind == "partial"
    assert "wrong only in the imaginary parts, where the claimed entries are of the wrong sign" in str(
        " ".join(report.worst.diagnosis.sentence.split())
    )


def test_a_claim_that_is_not_finite_is_named_with_its_entry():
    claimed = np.array([1.0, np.nan, np.inf])

    report = gc.check_gradients(lambda w: float(w @ w), np.ones(3), claimed)

    assert report.worst.diagnosis.kind == "not_finite"
    assert "`theta[1]`: the claimed gradient is nan, and 1 more entry is not finite" in report.worst.diagnosis.sentence


def test_a_right_gradient_has_no_diagnosis():
    report = gc.check_gradients(lambda w: float(np.sum(np.sin(w))), VECTOR, np.cos(VECTOR))

    assert report.worst.diagnosis is None
    assert report.first == ""


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (lambda g: -g, "sign_flipped"),
        (lambda g: 2 * g, "scaled"),
        (lambda g: 0 * g, "zero"),
        (lambda g: with_entry(g, 12_345, 9.0), "single_entry"),
    ],
)
def test_after_a_check_by_random_directions_what_was_measured_is_enough(claim, expected):
    theta = np.random.default_rng(0).normal(size=40_000)

    report = gc.check_gradients(lambda w: float(np.sum(np.sin(w))), theta, claim(np.cos(theta)))

    assert report.method == "projected"
    assert report.worst.diagnosis.kind == expected


@pytest.mark.parametrize(("claimed", "expected"), [(0.0, "zero"), (1.0, None)])
def test_of_a_wrong_parameter_of_which_no_entry_was_measured_only_zeros_can_be_named(claimed, expected):
    (parameter,) = Layout.of([("w", (5,), "float64")]).parameters
    values = np.full(5, claimed)
    unmeasured = Derivatives(values, values, np.full(5, 1e-9))
    evidence = Evidence(parameter, Claimed.of(values, "float64"), unmeasured, projected=2.0, by_entries=False)

    found = diagnosing.diagnosed([(evidence, reports.parameter("w", gc.Verdict.BUG))], np.ones(5))

    diagnosis = found.parameters["w"].diagnosis
    assert (None if diagnosis is None else diagnosis.kind) == expected


@pytest.mark.parametrize("factor", [-1.0, 3.0])
def test_of_a_very_large_parameter_a_sample_is_enough(factor, monkeypatch):
    monkeypatch.setattr(diagnosing, "_MOST_ENTRIES", 20_000)  # a million would take half a minute
    theta = np.random.default_rng(0).normal(size=40_000)

    report = gc.check_gradients(lambda w: float(np.sum(np.sin(w))), theta, factor * np.cos(theta))

    assert report.worst.diagnosis.kind == ("sign_flipped" if factor < 0 else "scaled")


def test_products_along_several_directions_are_diagnosed_too():
    w = {"a": np.array([0.3, -0.7, 1.1]), "b": np.array([0.2, 0.9])}

    report = gc.check_gradients(
        lambda p: float(np.sum(np.sin(p["a"])) + np.sum(np.cos(p["b"]))),
        w,
        lambda p: {"a": np.cos(p["a"]), "b": -np.sin(p["b"])},
        order=2,
        hvp=lambda p, v: {"a": np.sin(p["a"]) * v["a"], "b": -np.cos(p["b"]) * v["b"]},
    )

    assert report.worst.name == "a"
    assert report.worst.diagnosis.kind == "sign_flipped"


SHAPES = st.sampled_from([(), (1,), (2,), (3,), (6,), (2, 2), (3, 3), (4, 2), (2, 3, 2)])
SEEDS = st.integers(0, 2**32 - 1)


@given(SHAPES.filter(lambda shape: np.prod(shape) > 1), SEEDS)
@settings(max_examples=300, derandomize=True)  # chance is allowed one name in hundreds, and to differ is no use
def test_a_random_wrong_gradient_has_no_name(shape, seed):
    rng = np.random.default_rng(seed)
    numeric, claimed, theta = rng.normal(size=(3, *shape))

    assert kind(numeric, claimed, theta=theta, others={"v": rng.normal(size=shape)}) is None


@given(SHAPES, SEEDS, st.floats(1e-12, 1e3))
@settings(max_examples=200)
def test_noise_has_no_name(shape, seed, error):
    rng = np.random.default_rng(seed)
    numeric = rng.normal(size=shape)

    assert kind(numeric, numeric + error * rng.uniform(-1, 1, size=shape), theta=numeric, error=error) is None


ANYTHING = st.floats() | st.sampled_from([0.0, -0.0, 1.0, 2.0, 5e-324, 1e308, -1e308, np.nan, np.inf])


@given(st.data(), SHAPES)
@settings(max_examples=300)
def test_no_numbers_are_too_much_for_it(data, shape):
    size = int(np.prod(shape))
    numeric, claimed, theta = (
        np.reshape(data.draw(st.lists(ANYTHING, min_size=size, max_size=size)), shape) for _ in range(3)
    )
    error = data.draw(st.sampled_from([0.0, 5e-324, 1e-9, 1e300, np.inf]))

    for found in diagnose([facts(numeric, claimed, theta=theta, error=error, name=name) for name in "ab"]).values():
        assert found.kind in EXPLANATIONS
        assert 0.99 < found.fit <= 1.0


def test_ten_thousand_wrong_parameters_take_no_time():
    rng = np.random.default_rng(0)
    numbers = {f"p{i}": np.asarray(x) for i, x in enumerate(rng.normal(size=10_000))}

    found = diagnose([facts(x, rng.normal(), others=numbers, name=name) for name, x in numbers.items()])

    assert set(found) <= {f"p{i}" for i in range(9_900, 10_000)}  # those nearest to the cost


@given(SHAPES, SEEDS, st.integers(-280, 280))
@settings(max_examples=200)
def test_a_sign_is_named_at_any_scale(shape, seed, exponent):
    numeric = np.random.default_rng(seed).normal(size=shape) * 10.0**exponent

    assert kind(numeric, -numeric, error=1e-9 * float(np.min(np.abs(numeric)))) == "sign_flipped"


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "w\x1b[31m", "w\nBUG", "w\u202egnp", "x" * 10_000, "שם", "[bold]w[/bold]", ""]
)
def test_any_name_is_harmless_in_a_sentence_and_wherever_it_is_shown(name, tmp_path):
    params = {name: VECTOR, "v": VECTOR + 1}
    swapped = {name: np.cos(VECTOR + 1), "v": np.cos(VECTOR)}

    report = gc.check_gradients(lambda p: float(sum(np.sum(np.sin(x)) for x in p.values())), params, swapped)
    report.to_html(tmp_path / "report.html")

    sentences = [parameter.diagnosis.sentence for parameter in report.parameters.values()]
    assert all(sentence.isprintable() and len(sentence) < 400 for sentence in sentences)
    assert "<script>alert" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", str(report))
    assert len(str(report).splitlines()) <= 40
