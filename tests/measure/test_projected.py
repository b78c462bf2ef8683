"""Large gradients along random directions, on a cost whose derivatives are known."""

import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core.measure.projected import walk

GENERATOR = np.random.default_rng(0)


def sines(n):
    """J = sum of the means of sin(c w), in three parameters of very different sizes, and its gradient."""
    sizes = {"large": n - n // 10 - 8, "middle": n // 10, "small": 8}
    w = {name: GENERATOR.normal(size=size) for name, size in sizes.items()}
    rates = {name: GENERATOR.uniform(0.5, 2, size=size) for name, size in sizes.items()}

    def cost(p):
        return sum(float(np.mean(np.sin(rates[name] * p[name]))) for name in p)

    return cost, w, {name: rates[name] * np.cos(rates[name] * w[name]) / w[name].size for name in w}


def failed(report):
    return [name for name, parameter in report.parameters.items() if not parameter.verdict.passed]


@pytest.mark.parametrize("n", [1_000, 30_000, 1_000_000])
def test_evaluations_do_not_grow_with_the_number_of_entries(n):
    cost, w, grads = sines(n)

    report = gc.check_gradients(cost, w, grads, method="projected")

    assert report.verdict is gc.Verdict.CORRECT
    assert report.evaluations <= 60


@pytest.mark.slow
@pytest.mark.parametrize("change", ["doubled", "zeroed"])
def test_one_wrong_entry_of_a_million_is_named(change):
    cost, w, grads = sines(1_000_000)
    # one that is small beside the largest, but not below a hundredth of it
    sizes = np.abs(grads["large"])
    index = int(np.argmin(np.abs(sizes - sizes.max() / 50)))
    grads["large"][index] *= 2 if change == "doubled" else 0

    report = gc.check_gradients(cost, w, grads)

    assert failed(report) == ["large"]
    assert report.worst.worst_index == (index,)
    assert report.worst.wrong == ((index, index + 1),)
    assert report.evaluations < 2000


@pytest.mark.parametrize("wrong", [False, True])
def test_a_theta_that_is_moved_by_several_threads_goes_where_it_is_said_to(wrong, monkeypatch):
    monkeypatch.setattr(walk, "_THREADS", 4)
    monkeypatch.setattr(walk, "_LAP", 2**16)
    theta = np.linspace(0.5, 1.5, 300_000)
    grads = 2 * theta
    grads[299_999] *= 2 if wrong else 1

    report = gc.check_gradients(lambda w: float(w @ w), theta, grads)

    assert report.passed is not wrong
    assert report.worst.wrong == (((299_999, 300_000),) if wrong else ())


@pytest.mark.parametrize("used", [slice(100_000, None), slice(100, 120), slice(0, 30_000)])
@pytest.mark.parametrize("seed", [0, 4, 7, 9])
def test_noise_is_seen_wherever_in_a_large_parameter_it_comes_from(used, seed):
    theta = np.random.default_rng(seed).normal(size=200_000)
    grads = np.zeros(200_000)
    grads[used] = np.cos(theta[used])

    report = gc.check_gradients(lambda w: float(np.float32(np.sum(np.sin(w[used])))), theta, grads)

    assert report.verdict not in (gc.Verdict.BUG, gc.Verdict.SUSPECT)
    assert any(note.startswith("the cost is noisy for float64") for note in report.notes), report.notes


@pytest.mark.slow
def test_a_wrong_small_parameter_beside_a_million_right_entries_is_named():
    cost, w, grads = sines(1_000_000)
    grads["small"] *= 1.5

    report = gc.check_gradients(cost, w, grads)

    assert failed(report) == ["small"]
    assert report.verdict is gc.Verdict.BUG
    assert report.worst.wrong == ((0, 8),)
    assert report.evaluations < 2000


def test_ten_wrong_places_are_all_named():
    cost, w, grads = sines(100_000)
    # entries that a change of their gradient shows at: those near a maximum of the sine have next to none
    telling = {name: np.flatnonzero(np.abs(grad) > np.abs(grad).max() / 10) for name, grad in grads.items()}
    chosen = {
        "large": telling["large"][::9000][:6],
        "middle": telling["middle"][::2000][:3],
        "small": telling["small"][:1],
    }
    for name, entries in chosen.items():
        grads[name][entries] *= -1

    report = gc.check_gradients(cost, w, grads)

    assert sum(map(len, chosen.values())) == 10
    assert {name: [start for start, _ in report.parameters[name].wrong] for name in chosen} == {
        name: entries.tolist() for name, entries in chosen.items()
    }


def test_no_parameter_of_which_zeros_are_claimed_passes():
    generator = np.random.default_rng(0)
    params = {f"w{i}": generator.normal(size=1000) for i in range(12)}

    report = gc.check_gradients(
        lambda p: float(sum(np.sum(np.sin(w)) for w in p.values())),
        params,
        {name: np.zeros(1000) for name in params},
        method="projected",
    )

    # more than are searched for: what is left is wrong as well
    assert {parameter.verdict for parameter in report.parameters.values()} == {gc.Verdict.BUG}


@pytest.mark.parametrize("sign", [1, -1])
def test_the_certificate_names_a_parameter_that_is_too_small_to_be_seen(sign):
    w = {"a": GENERATOR.normal(size=900), "b": GENERATOR.normal(size=90)}
    grads = {"a": np.cos(w["a"]), "b": sign * 1e-11 * np.cos(w["b"])}

    report = gc.check_gradients(
        lambda p: float(np.sum(np.sin(p["a"])) + 1e-11 * np.sum(np.sin(p["b"]))), w, grads, method="projected"
    )

    # judged on the scale of the whole gradient, on which it is nothing; and so nothing is claimed of it by itself
    assert report.passed
    assert report.certificate.unseen == ("b",)
    said = " ".join(str(report).split())
    assert "of its norm. This does not cover `b`: its claimed gradient is too small beside the others." in said


def test_of_zeros_everywhere_no_relative_bound_is_said():
    report = gc.check_gradients(lambda p: 1.0 + 0.0 * float(p @ p), np.ones(50), np.zeros(50), method="projected")

    assert "No bound can be given: every claimed gradient is too small" in str(report)


def test_parameters_of_far_apart_effects_are_moved_by_themselves():
    w = {"a": np.array([0.3, 1.2]), "b": np.array([0.5, -0.7])}

    def cost(p):
        return float(np.sum(np.sin(p["a"])) + 1e-5 * np.sum(np.cos(p["b"])))

    grads = {"a": np.cos(w["a"]), "b": -1e-5 * np.sin(w["b"])}

    right = gc.check_gradients(cost, w, grads, method="projected")
    wrong = gc.check_gradients(cost, w, {**grads, "b": 1.01 * grads["b"]}, method="projected")

    assert right.passed
    assert failed(wrong) == ["b"]


def test_a_mistake_that_no_single_entry_is_large_enough_to_show_does_not_pass():
    w = {"a": np.array([0.3, 1.2]), "b": np.array([0.5, -0.7])}

    def cost(p):
        return float(np.sum(np.sin(p["a"])) + 1e-8 * np.sum(np.cos(p["b"])))

    report = gc.check_gradients(
        cost, w, {"a": np.cos(w["a"]), "b": -1.01e-8 * np.sin(w["b"])}, method="projected"
    )  # by itself a derivative of 1e-8 is known to 1 % at best

    assert failed(report) == ["b"]
    assert any("along random directions the cost does not change as" in note for note in report.notes)


def test_a_gradient_of_zero_everywhere_is_not_accused():
    report = gc.check_gradients(lambda w: 3.0, np.ones(50), np.zeros(50), method="projected")

    assert report.passed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheme": "complex"}, "leave `scheme='complex'` out"),
        ({"epsilon": 1e-6}, "leave `epsilon` out"),
        ({"order": 2}, "leave `order=2` out"),
    ],
)
def test_what_directions_cannot_do_is_refused(options, message):
    with pytest.raises(gc.InvalidInputError, match=message):
        gc.check_gradients(lambda w: float(w @ w), np.ones(3), np.full(3, 2.0), method="projected", **options)
