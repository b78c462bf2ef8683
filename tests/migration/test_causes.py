"""Mistakes of carrying weights over, in models by hand: undone, and named only if costs and gradients then agree."""

import numpy as np
import pytest

from gradcheck_core import GradientCase, Outcome, ParameterMap, Verdict, compare_gradients
from gradcheck_core.errors import InvalidBackendError
from gradcheck_core.migration.causes.moves import list_moves
from gradcheck_core.migration.causes.numbers import find_noisier
from gradcheck_core.migration.causes.search import MOST_TRIED
from gradcheck_core.migration.parity.side import Side
from gradcheck_core.protocol import registry

RNG = np.random.default_rng(8)
IMAGES = RNG.normal(size=(3, 2, 2, 3))  # batch, height, width, channels
FLAT, SQUARE = RNG.normal(size=(12, 4)), RNG.normal(size=(4, 4))


def forward(images, flat, square):
    """Two tanh layers on flattened images; the gradient by both matrices."""
    inputs = images.reshape(len(images), -1)
    one = np.tanh(inputs @ flat)
    two = np.tanh(one @ square)
    before_two = 2 * two * (1 - two**2)
    before_one = (before_two @ square.T) * (1 - one**2)
    return float(np.sum(two**2)), inputs.T @ before_one, one.T @ before_two


def made(images=IMAGES, flat=FLAT, square=SQUARE, penalty=0.0):
    def cost(p):
        return forward(images, p["flat"], p["square"])[0] + penalty * float(np.sum(np.abs(p["flat"]) ** 3))

    def grads(p):
        _, d_flat, d_square = forward(images, p["flat"], p["square"])
        return {"flat": d_flat + 3 * penalty * p["flat"] * np.abs(p["flat"]), "square": d_square}

    return GradientCase(cost, {"flat": flat, "square": square}, grads)


SAME = ParameterMap.identity({"flat": (12, 4), "square": (4, 4)})
CHANNELS_FIRST = IMAGES.transpose(0, 3, 1, 2)


def diagnosed(right, broken, mapping):
    report = compare_gradients({"right": right, "broken": broken}, reference="right", mapping=mapping)
    assert not report.passed
    return report


@pytest.mark.parametrize("mapping", [SAME, "auto"])
def test_a_square_matrix_that_is_not_transposed_is_named(mapping):
    report = diagnosed(made(), made(square=SQUARE.T.copy()), mapping)

    assert report.diagnosis.kind == "untransposed"
    assert "`square` of `broken`" in report.diagnosis.sentence
    assert "agree" in report.diagnosis.evidence


@pytest.mark.parametrize("mapping", [SAME, "auto"])
def test_a_matrix_reshaped_where_it_should_be_transposed_is_named(mapping):
    reshaped = FLAT.T.reshape(12, 4)
    report = diagnosed(made(), made(flat=reshaped), mapping)

    assert report.diagnosis.kind == "untransposed"
    assert "`flat` of `broken`" in report.diagnosis.sentence


def test_an_input_flattened_in_another_order_is_named():
    # the same weights, on images whose channels come first when they are flattened
    report = diagnosed(made(), made(images=CHANNELS_FIRST), SAME)

    assert report.outcome is Outcome.FORWARD_DIFFERS
    assert report.diagnosis.kind == "flatten_order"
    assert "axis 0 of `flat`" in report.diagnosis.sentence
    assert "3 x 4" in report.diagnosis.sentence or "4 x 3" in report.diagnosis.sentence


def test_two_matrices_untransposed_are_named_together():
    one, two = RNG.normal(size=(4, 4)), RNG.normal(size=(4, 4))
    images = RNG.normal(size=(3, 1, 1, 4))
    report = diagnosed(
        made(images, one, two),
        made(images, one.T.copy(), two.T.copy()),
        ParameterMap.identity({"flat": (4, 4), "square": (4, 4)}),
    )

    assert report.diagnosis.kind == "untransposed"


def test_a_cause_that_is_not_known_is_not_named_and_the_search_ends():
    report = diagnosed(made(), made(penalty=0.01), SAME)

    assert report.outcome is Outcome.FORWARD_DIFFERS
    assert report.diagnosis is None
    assert 0 < report.pairs[0].tried <= MOST_TRIED
    assert f"{report.pairs[0].tried} were tried" in str(report)


def test_a_mistake_that_leaves_another_beside_it_is_not_named():
    # untransposed, and a penalty besides: undoing the one leaves the other
    report = diagnosed(made(), made(square=SQUARE.T.copy(), penalty=0.01), "auto")

    assert report.diagnosis is None


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


STEPS = RNG.normal(size=(2, 3, 5))  # batch, steps, inputs
LSTM = {
    "cell.kernel": RNG.normal(size=(5, 16)),
    "cell.recurrent_kernel": RNG.normal(size=(4, 16)),
    "cell.bias": RNG.normal(size=16),
}


def last_state(order, p):
    """The summed last state of an LSTM whose four gates lie in this order."""
    state = memory = 0 * p["cell.bias"][:4] + np.zeros((2, 4))
    for t in range(3):
        together = STEPS[:, t] @ p["cell.kernel"] + state @ p["cell.recurrent_kernel"] + p["cell.bias"]
        gate = dict(zip(order, np.split(together, 4, axis=1), strict=True))
        memory = sigmoid(gate["f"]) * memory + sigmoid(gate["i"]) * np.tanh(gate["g"])
        state = sigmoid(gate["o"]) * np.tanh(memory)
    return state.sum()


def by_complex_steps(order, params):
    """The gradient by the imaginary parts of complex steps, exact to rounding."""

    def derivative(name, index):
        moved = {key: value.astype(complex) for key, value in params.items()}
        moved[name][index] += 1e-30j
        return last_state(order, moved).imag / 1e-30

    return {
        name: np.array([derivative(name, index) for index in np.ndindex(value.shape)]).reshape(value.shape)
        for name, value in params.items()
    }


def lstm(order):
    return GradientCase(lambda p: float(last_state(order, p)), LSTM, lambda p: by_complex_steps(order, p))


def test_gates_in_another_order_are_named_with_the_order():
    report = diagnosed(lstm("ifgo"), lstm("ifog"), "auto")

    assert report.outcome is Outcome.FORWARD_DIFFERS
    assert report.diagnosis.kind == "gate_order"
    assert "`cell` of `broken`" in report.diagnosis.sentence
    assert "[0, 1, 3, 2]" in report.diagnosis.sentence
    assert "so do the gradients" in report.diagnosis.evidence


@pytest.mark.parametrize(
    "shapes",
    [
        {"w": (3, 5), "square": (4, 4)},
        {"conv": (2, 3, 4, 5)},
        {"rnn.weight_ih_l0": (12, 5), "rnn.weight_hh_l0": (12, 3), "rnn.bias_ih_l0": (12,), "rnn.bias_hh_l0": (12,)},
    ],
)
def test_every_move_is_taken_back_exactly(shapes):
    values = {name: np.random.default_rng(1).normal(size=shape) for name, shape in shapes.items()}
    found = list(list_moves(values))

    assert found
    for move in found:
        moved = {**values, **move.apply(values)}
        assert all(moved[name].shape == values[name].shape for name in values)
        back = move.undo(moved)
        assert all(np.array_equal(back[name], values[name]) for name in values)


def test_gates_are_looked_for_where_there_is_a_recurrent_kernel_only():
    def kinds(shapes):
        return {move.kind for move in list_moves({name: np.ones(shape) for name, shape in shapes.items()})}

    assert "gate_order" in kinds({"l.weight_ih_l0": (12, 5), "l.weight_hh_l0": (12, 3)})
    assert "gate_order" not in kinds({"a.weight": (12, 5), "b.weight": (12, 3)})


def normed(eps, tail=0.0):
    """A layer norm without its learnt scale, behind a matrix; gradients by the chain rule."""
    probe = np.arange(1.0, 5.0)

    def parts(p):
        out = FEW @ p["w"]
        centred = out - out.mean(axis=1, keepdims=True)
        scale = 1 / np.sqrt((centred**2).mean(axis=1, keepdims=True) + eps)
        return centred, scale

    def cost(p):
        centred, scale = parts(p)
        return float(np.sum((centred * scale) @ probe**2)) + tail

    def grads(p):
        centred, scale = parts(p)
        d_out = np.tile(probe**2, (len(FEW), 1))
        d_centred = d_out * scale - centred * scale**3 * (d_out * centred).mean(axis=1, keepdims=True)
        return {"w": FEW.T @ (d_centred - d_centred.mean(axis=1, keepdims=True))}

    return GradientCase(cost, {"w": RNG_W}, grads)


FEW, RNG_W = np.random.default_rng(4).normal(size=(5, 3)), np.random.default_rng(6).normal(size=(3, 4))


def test_a_small_difference_beyond_rounding_is_said_and_is_no_constant():
    report = compare_gradients({"a": normed(1e-5), "b": normed(1.1e-5)})

    assert (report.verdict, report.outcome) == (Verdict.INSPECT, Outcome.AGREE)
    assert report.diagnosis is None
    assert "differs by more than rounding" in str(report).splitlines()[0]
    assert "Next: nothing" not in str(report)
    assert "were tried" in str(report)


def test_rounding_is_not_said_to_be_more():
    report = compare_gradients({"a": normed(1e-5), "b": normed(1e-5)})

    assert "more than rounding" not in str(report)


def test_a_constant_is_not_named_beside_a_parameter_that_was_not_compared():
    def cost(p):
        return float(np.sum(p["seen"] ** 2) + np.sum(p["left"]) ** 2)

    def grads(p):
        return {"seen": 2 * p["seen"], "left": np.full(3, 2 * np.sum(p["left"]))}

    one = GradientCase(cost, {"seen": SQUARE, "left": np.array([0.3, 0.1, 0.2])}, grads)
    two = GradientCase(cost, {"seen": SQUARE, "left": np.array([0.3, 0.1, 0.9])}, grads)
    report = compare_gradients({"a": one, "b": two}, mapping=ParameterMap.identity({"seen": (4, 4)}))

    assert report.outcome is Outcome.FORWARD_DIFFERS
    assert report.diagnosis is None


def test_a_constant_beside_gradients_that_agree_is_still_named():
    report = compare_gradients({"a": normed(1e-5), "b": normed(1e-5, tail=2.0)})

    assert report.diagnosis.kind == "constant"


def noisy(name, noise):
    return Side(name, "numpy", {"w": RNG_W}, {"w": RNG_W}, 2.0, {"w": "float64"}, noise=noise)


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        (1e-3, 0.0, "`a` computes a part of its cost in a lower precision"),
        (1e-6, 2e-3, "`b` computes a part of its cost in a lower precision"),
        (1e-3, 1.5e-3, "`a` and `b` compute a part of their costs in a lower precision"),
    ],
)
def test_the_side_that_is_noisy_is_named_or_both_if_they_are(one, two, said):
    assert said in find_noisier(noisy("a", one), noisy("b", two)).sentence


def test_two_sides_as_fine_as_their_parameters_are_not_called_noisy():
    assert find_noisier(noisy("a", 1e-12), noisy("b", 1e-12)) is None


def test_what_a_backend_registers_for_its_causes_has_to_be_a_function(monkeypatch):
    monkeypatch.setattr(registry, "load_optional", lambda group, name: "text")

    with pytest.raises(InvalidBackendError, match=r"`numpy` in 'gradcheck.causes' names 'text'; name a function"):
        diagnosed(made(), made(penalty=0.1), SAME)
