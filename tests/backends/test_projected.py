"""Random directions in every framework: what has to be found, and what has to be left alone."""

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.protocol import registry

GENERATOR = np.random.default_rng(3)
X = GENERATOR.normal(size=(12, 9))
Y = GENERATOR.normal(size=(12, 3))
VALUES = {
    "w1": GENERATOR.normal(size=(9, 40)) / 3,
    "b1": np.zeros(40),
    "w2": GENERATOR.normal(size=(40, 3)) / 6,
    "b2": GENERATOR.normal(size=3),
}


def gradient(relu=False):
    """Of the mean squared error of a network with one hidden layer, by hand."""
    z = X @ VALUES["w1"] + VALUES["b1"]
    h, slope = (np.maximum(z, 0), z > 0) if relu else (np.tanh(z), 1 - np.tanh(z) ** 2)
    d_out = 2 * (h @ VALUES["w2"] + VALUES["b2"] - Y) / Y.size
    d_z = d_out @ VALUES["w2"].T * slope
    return {"w1": X.T @ d_z, "b1": d_z.sum(0), "w2": h.T @ d_out, "b2": d_out.sum(0)}


def check(kit, grads, relu=False, dtype="float64", **options):
    x, y = kit.constant(X, dtype), kit.constant(Y, dtype)

    def cost(p):
        z = kit.matmul(x, p["w1"]) + p["b1"]
        h = (z + abs(z)) / 2 if relu else kit.tanh(z)
        off = kit.matmul(h, p["w2"]) + p["b2"] - y
        return kit.sum(off * off) / Y.size

    params = {name: kit.array(value, dtype) for name, value in VALUES.items()}
    options.setdefault("method", "projected")
    return gc.check_gradients(cost, params, grads, backend=kit.name, **options)


def test_a_right_gradient_is_certified_in_sixty_evaluations(kit):
    report = check(kit, gradient())

    assert report.verdict is gc.Verdict.CORRECT
    assert report.method == "projected"
    assert report.evaluations <= 60
    assert report.certificate.confidence == 0.999
    assert report.certificate.directions == 7
    assert report.resolution < report.certificate.bound < 1e-7


@pytest.mark.parametrize(("name", "index"), [("w1", (4, 17)), ("b1", (39,)), ("w2", (0, 2)), ("b2", (1,))])
def test_one_wrong_entry_is_named(kit, name, index):
    wrong = gradient()
    wrong[name][index] *= 2

    report = check(kit, wrong)

    failed = [parameter.name for parameter in report.parameters.values() if not parameter.verdict.passed]
    assert failed == [name]
    assert report.worst.worst_index == index
    assert report.worst.numeric == pytest.approx(gradient()[name][index], rel=1e-6)
    flat = int(np.ravel_multi_index(index, VALUES[name].shape))
    assert report.worst.wrong == ((flat, flat + 1),)
    assert report.evaluations < 400


def test_a_wrong_bias_is_named_whole(kit):
    wrong = gradient()
    wrong["b2"] = 1.5 * wrong["b2"]

    report = check(kit, wrong)

    assert [p.name for p in report.parameters.values() if not p.verdict.passed] == ["b2"]
    assert report.worst.verdict is gc.Verdict.BUG
    assert report.worst.wrong == ((0, 3),)


def test_a_gradient_that_is_wrong_everywhere_is_wrong_in_every_parameter(kit):
    report = check(kit, {name: -grad for name, grad in gradient().items()})

    assert {p.verdict for p in report.parameters.values()} == {gc.Verdict.BUG}
    assert {name: p.wrong for name, p in report.parameters.items()} == {
        name: ((0, value.size),) for name, value in VALUES.items()
    }


def test_a_detached_parameter_is_named(kit):
    report = check(kit, {**gradient(), "w1": np.zeros((9, 40))})

    assert [p.name for p in report.parameters.values() if not p.verdict.passed] == ["w1"]
    assert report.worst.verdict is gc.Verdict.BUG
    assert any("`w1`: its claimed gradient is exactly zero" in note for note in report.notes)


def test_a_claim_that_is_not_finite_is_a_bug_at_its_index(kit):
    wrong = gradient()
    wrong["w2"][3, 1] = np.nan

    report = check(kit, wrong)

    assert report.worst.verdict is gc.Verdict.BUG
    assert report.worst.worst_entry == "w2[3, 1]"
    assert report.parameters["w1"].verdict.passed


def test_a_right_gradient_among_kinks_is_not_accused(kit):
    report = check(kit, gradient(relu=True), relu=True)

    assert report.passed
    assert report.evaluations <= 100


def test_a_wrong_gradient_among_kinks_is_found(kit):
    wrong = gradient(relu=True)
    wrong["b1"] *= 1.5

    report = check(kit, wrong, relu=True)

    assert report.verdict is gc.Verdict.BUG
    assert "b1" in [p.name for p in report.parameters.values() if not p.verdict.passed]


def test_a_model_in_float32_is_certified_in_float64(kit):
    report = check(kit, {k: v.astype(np.float32) for k, v in gradient().items()}, dtype="float32")

    assert report.precision == "float64"
    assert report.passed


def test_the_seed_chooses_the_directions_and_repeats_them(kit):
    first, again, other = (check(kit, gradient(), seed=seed).to_dict() for seed in (0, 0, 1))
    for values in (first, again, other):
        values.pop("seconds")

    assert first == again
    assert first["certificate"]["bound"] != other["certificate"]["bound"]
    assert other["certificate"]["seed"] == 1


def test_more_confidence_takes_more_directions(kit):
    report = check(kit, gradient(), confidence=0.99999)

    assert report.certificate.directions == 11
    assert report.certificate.confidence == 0.99999
    assert report.verdict is gc.Verdict.CORRECT


def test_too_few_evaluations_for_every_entry_mean_directions(kit):
    assert check(kit, gradient(), method="auto", max_evaluations=200).method == "projected"
    assert check(kit, gradient(), method="auto").method == "exhaustive"


def test_parameters_are_the_same_afterwards(kit):
    params = {name: kit.array(value) for name, value in VALUES.items()}
    wrong = gradient()
    wrong["w1"][0, 0] *= 2

    gc.check_gradients(
        lambda p: kit.sum(kit.tanh(kit.matmul(kit.constant(X), p["w1"]))) + kit.sum(p["b1"]), params, wrong,
        backend=kit.name, method="projected", include=["w1", "b1"],
    )  # fmt: skip

    to_numpy = registry.load_backend(kit.name).to_numpy
    assert all(np.array_equal(to_numpy(params[name]), value) for name, value in VALUES.items())


def test_the_certificate_is_one_plain_sentence(kit):
    text = " ".join(str(check(kit, gradient())).split())

    assert "With 99.9 % confidence, no parameter's gradient is off by more than" in text
    assert "of its norm." in text
    assert "along 7 random directions (seed 0)" in text
