import dataclasses
from collections import OrderedDict, namedtuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict

W = np.array([[0.3, -0.7], [1.1, 0.4]], dtype=np.float32)
B = np.array([0.5, -0.2], dtype=np.float32)
X = np.array([[1.0, 2.0], [0.5, -1.5], [-0.4, 0.3]], dtype=np.float32)

Pair = namedtuple("Pair", ["w", "b"])


@dataclasses.dataclass
class Plain:
    w: object
    b: object


@dataclasses.dataclass(frozen=True)
class Frozen:
    w: object
    b: object


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Registered:
    w: object
    b: object
    power: int = dataclasses.field(default=2, metadata={"static": True})


@jax.tree_util.register_pytree_node_class
class Custom:
    def __init__(self, w, b):
        self.w, self.b = w, b

    def tree_flatten(self):
        return (self.w, self.b), None

    @classmethod
    def tree_unflatten(cls, _, children):
        return cls(*children)


@jax.custom_vjp
def doubled(x):
    """The identity, whose gradient is wrong by a factor of two."""
    return x


doubled.defvjp(lambda x: (x, None), lambda _, upstream: (2 * upstream,))


def loss(w, b):
    return jnp.sum(jnp.tanh(X @ w + b) ** 2)


NESTINGS = {
    "list": (lambda w, b: [w, b], lambda p: p, ["0", "1"]),
    "tuple": (lambda w, b: (w, b), lambda p: p, ["0", "1"]),
    "dict": (lambda w, b: {"w": w, "b": b}, lambda p: (p["w"], p["b"]), ["b", "w"]),
    "ordered": (lambda w, b: OrderedDict(w=w, b=b), lambda p: (p["w"], p["b"]), ["w", "b"]),
    "namedtuple": (Pair, lambda p: p, ["w", "b"]),
    "dataclass": (Plain, lambda p: (p.w, p.b), ["w", "b"]),
    "frozen dataclass": (Frozen, lambda p: (p.w, p.b), ["w", "b"]),
    "registered dataclass": (Registered, lambda p: (p.w, p.b), ["w", "b"]),
    "deep": (
        lambda w, b: {"net": [Pair(w, Plain((b,), None))]},
        lambda p: (p["net"][0].w, p["net"][0].b.w[0]),
        ["net.0.w", "net.0.b.w.0"],
    ),
}


@pytest.fixture(params=NESTINGS)
def nesting(request):
    return NESTINGS[request.param]


def test_any_nesting_is_correct_under_its_paths(nesting):
    collect, parts, names = nesting

    report = gc.check_gradients(lambda p: loss(*parts(p)), collect(jnp.asarray(W), jnp.asarray(B)))

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == names


def test_a_wrong_gradient_in_any_nesting_is_a_bug_and_named(nesting):
    collect, parts, names = nesting
    params = collect(jnp.asarray(W), jnp.asarray(B))

    report = gc.check_gradients(lambda p: loss(doubled(parts(p)[0]), parts(p)[1]), params)

    assert report.verdict is Verdict.BUG
    assert report.worst.shape == (2, 2)
    assert {found.verdict.passed for found in report.parameters.values()} == {True, False}
    assert set(report.parameters) == set(names)


def test_the_cost_gets_the_same_types(nesting):
    collect, parts, _ = nesting
    params, seen = collect(jnp.asarray(W), jnp.asarray(B)), []

    def cost(p):
        seen.append(p)
        return loss(*parts(p))

    gc.check_gradients(cost, params)

    assert all(type(p) is type(params) and p is not params for p in seen)


def test_a_container_without_paths_of_its_own():
    report = gc.check_gradients(lambda p: loss(p.w, p.b), Custom(jnp.asarray(W), jnp.asarray(B)))

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["0", "1"]
    assert (
        gc.check_gradients(lambda p: loss(p.w, doubled(p.b)), Custom(jnp.asarray(W), jnp.asarray(B))).worst.name == "1"
    )


def test_static_fields_reach_the_cost():
    def cost(p):
        return jnp.sum(p.w**p.power)

    params = Registered(jnp.asarray(W), jnp.asarray(B), power=4)

    w = W.astype(np.float64)

    assert gc.check_gradients(cost, params, {"w": 4 * w**3, "b": np.zeros(2)}).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, params, {"w": 2 * w, "b": np.zeros(2)}).verdict is Verdict.BUG


@pytest.mark.parametrize("make_key", [jax.random.key, jax.random.PRNGKey])
def test_keys_are_carried(make_key):
    def cost(p):
        mask = jax.random.bernoulli(p["key"], 0.5, (2, 2))
        return jnp.sum(jnp.sin(p["w"]) * mask)

    key = make_key(3)
    report = gc.check_gradients(cost, {"w": jnp.asarray(W), "key": key})
    unmasked = gc.check_gradients(cost, {"w": jnp.asarray(W), "key": key}, {"w": np.cos(W), "key": None})

    assert report.verdict is Verdict.CORRECT
    assert f"not checked: `key` ({key.dtype})" in report.notes
    assert unmasked.verdict is Verdict.BUG


def test_integers_strings_and_functions_are_carried():
    params = {"w": jnp.asarray(W), "n": jnp.arange(2), "count": 3, "name": "relu", "f": dict}

    report = gc.check_gradients(lambda p: jnp.sum(jnp.sin(p["w"])) * p["count"], params)

    assert report.verdict is Verdict.CORRECT
    assert "not checked: `count` (int), `f` (type), `n` (int32), `name` (str)" in report.notes


def test_dropout_with_an_explicit_key():
    def cost(w, key, fresh):
        if fresh:
            key = jax.random.key(len(draws))
        draws.append(key)
        return jnp.sum(jnp.where(jax.random.bernoulli(key, 0.5, w.shape), jnp.sin(w) * 2, 0))

    draws = []

    assert gc.check_gradients(cost, jnp.asarray(W), args=(jax.random.key(0), False)).verdict is Verdict.CORRECT
    with pytest.raises(gc.NonDeterministicCostError, match="a generator of the cost's own"):
        gc.check_gradients(cost, jnp.asarray(W), args=(jax.random.key(0), True))


def test_numpy_noise_is_repeatable():
    def cost(w):
        return jnp.sum(jnp.sin(w) * np.random.rand(2, 2))

    before = np.random.get_state()[1].tolist()

    assert gc.check_gradients(cost, jnp.asarray(W)).verdict is Verdict.CORRECT
    assert gc.check_gradients(lambda w: cost(doubled(w)), jnp.asarray(W)).verdict is Verdict.BUG
    assert np.random.get_state()[1].tolist() == before


def test_stopped_gradients_are_a_bug_unless_left_out():
    def cost(p):
        return loss(jax.lax.stop_gradient(p["w"]), p["b"])

    params = {"w": jnp.asarray(W), "b": jnp.asarray(B)}
    report = gc.check_gradients(cost, params)

    assert report.verdict is Verdict.BUG
    assert report.worst.name == "w"
    assert report.worst.analytic == 0
    assert gc.check_gradients(cost, params, exclude="w").verdict is Verdict.CORRECT


def test_tensor_valued_and_nested_outputs_are_contracted():
    def cost(first, second):
        return lambda w: Pair({"a": first(jnp.sin(w))}, [second(w @ w), jnp.arange(3)])

    assert gc.check_gradients(cost(jnp.asarray, jnp.asarray), jnp.asarray(W)).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost(doubled, jnp.asarray), jnp.asarray(W)).verdict is Verdict.BUG
    assert gc.check_gradients(cost(jnp.asarray, doubled), jnp.asarray(W)).verdict is Verdict.BUG


def test_a_rule_that_is_right_for_the_sum_only_is_a_bug():
    @jax.custom_vjp
    def shuffled(x):
        return x

    shuffled.defvjp(lambda x: (x, None), lambda _, upstream: (upstream[::-1],))

    assert gc.check_gradients(lambda w: jnp.sum(shuffled(w)), jnp.asarray(W)).verdict is Verdict.CORRECT
    assert gc.check_gradients(shuffled, jnp.asarray(W)).verdict is Verdict.BUG


def test_a_cost_that_leaves_jax_needs_grads():
    def cost(w):
        return float(np.sum(np.sin(np.asarray(w))))

    with pytest.raises(jax.errors.TracerArrayConversionError):
        gc.check_gradients(cost, jnp.asarray(W))
    assert gc.check_gradients(cost, jnp.asarray(W), np.cos(W.astype(np.float64))).verdict is Verdict.CORRECT
    assert gc.check_gradients(cost, jnp.asarray(W), np.sin(W)).verdict is Verdict.BUG


def test_a_cost_that_returns_integers_only():
    with pytest.raises(gc.InvalidInputError, match=r"`cost` returned nothing of a floating dtype, but int(32|64)"):
        gc.check_gradients(lambda w: jnp.arange(3), jnp.asarray(W))
