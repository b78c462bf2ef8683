import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen, nnx

import gradcheck_core as gc
from gradcheck_core import Verdict

X = jnp.asarray(np.linspace(-1, 1, 12).reshape(4, 3) ** 3)


@jax.custom_vjp
def doubled(x):
    """The identity, whose gradient is wrong by a factor of two."""
    return x


doubled.defvjp(lambda x: (x, None), lambda _, upstream: (2 * upstream,))


def failed(report):
    return {name for name, found in report.parameters.items() if not found.verdict.passed}


class Linen(linen.Module):
    @linen.compact
    def __call__(self, x, between=lambda x: x):
        hidden = between(jnp.tanh(linen.Dense(4)(x)))
        return linen.Dense(2)(hidden)


@pytest.fixture
def linen_params():
    return Linen().init(jax.random.key(0), X)


def test_linen_params_are_named_by_their_path(linen_params):
    report = gc.check_gradients(lambda p: jnp.sum(Linen().apply(p, X) ** 2), linen_params)

    assert report.verdict is Verdict.CORRECT
    assert set(report.parameters) == {f"params.Dense_{i}.{part}" for i in range(2) for part in ("kernel", "bias")}


def test_a_wrong_gradient_in_linen_is_a_bug_in_the_layer_behind_it(linen_params):
    report = gc.check_gradients(lambda p: jnp.sum(Linen().apply(p, X, doubled) ** 2), linen_params)

    assert report.verdict is Verdict.BUG
    assert failed(report) == {"params.Dense_0.kernel", "params.Dense_0.bias"}


def test_linen_training_with_batch_norm_and_dropout():
    class Training(linen.Module):
        @linen.compact
        def __call__(self, x):
            x = linen.BatchNorm(use_running_average=False)(linen.Dense(4, use_bias=False)(x))
            return linen.Dense(1)(linen.Dropout(0.5, deterministic=False)(x))

    model = Training()
    variables = model.init({"params": jax.random.key(0), "dropout": jax.random.key(1)}, X)

    @functools.partial(jax.jit, static_argnums=1)
    def cost(params, between):
        rest = {"batch_stats": variables["batch_stats"]}
        rngs = {"dropout": jax.random.key(2)}
        y, _ = model.apply({"params": between(params), **rest}, X, rngs=rngs, mutable=["batch_stats"])
        return jnp.sum(y**2)

    assert gc.check_gradients(cost, variables["params"], args=(lambda p: p,)).verdict is Verdict.CORRECT
    wrong = gc.check_gradients(
        cost, variables["params"], args=(lambda p: {**p, "Dense_1": jax.tree.map(doubled, p["Dense_1"])},)
    )
    assert wrong.verdict is Verdict.BUG
    assert failed(wrong) == {"Dense_1.kernel", "Dense_1.bias"}


class Net(nnx.Module):
    def __init__(self, rngs):
        self.l = nnx.Linear(3, 4, use_bias=False, rngs=rngs)
        self.norm = nnx.BatchNorm(4, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.blocks = nnx.List([nnx.Linear(4, 2, rngs=rngs)])

    def __call__(self, x, between=lambda x: x):
        return self.blocks[0](between(self.drop(self.norm(self.l(x)))))


NET_NAMES = {"l.kernel", "norm.scale", "norm.bias", "blocks.0.kernel", "blocks.0.bias"}


def values(module):
    state = nnx.state(module, (nnx.Param, nnx.BatchStat, nnx.RngCount))
    return jax.tree.map(np.asarray, nnx.to_pure_dict(state))


@pytest.fixture
def net():
    made = Net(nnx.Rngs(0))
    made(X)
    before = values(made)
    yield made
    after = values(made)
    assert jax.tree.all(jax.tree.map(np.array_equal, before, after)), "something of the caller's changed"
    assert made.l.kernel[...].dtype == jnp.float32


@pytest.mark.parametrize("transformed", [lambda cost: cost, nnx.jit], ids=["plain", "jit"])
def test_an_nnx_module_in_training(net, transformed):
    report = gc.check_gradients(transformed(lambda m: jnp.sum(m(X) ** 2)), net)

    assert report.verdict is Verdict.CORRECT
    assert report.precision == "float64"
    assert set(report.parameters) == NET_NAMES
    assert any("`norm.mean` (frozen), `norm.var` (frozen)" in note for note in report.notes)


def test_a_wrong_gradient_in_nnx_is_a_bug_in_the_layers_behind_it(net):
    report = gc.check_gradients(lambda m: jnp.sum(m(X, doubled) ** 2), net)

    assert report.verdict is Verdict.BUG
    assert failed(report) == {"l.kernel", "norm.scale", "norm.bias"}


def test_an_nnx_module_in_evaluation(net):
    net.eval()

    assert gc.check_gradients(lambda m: jnp.sum(m(X) ** 2), net).verdict is Verdict.CORRECT
    net.train()


def test_an_nnx_state(net):
    graph, state = nnx.split(net)
    _, params, rest = nnx.split(net, nnx.Param, ...)

    report = gc.check_gradients(lambda s: jnp.sum(nnx.merge(graph, s)(X) ** 2), state)
    wrong = gc.check_gradients(lambda p: jnp.sum(nnx.merge(graph, p, rest, copy=True)(X, doubled) ** 2), params)

    assert report.verdict is Verdict.CORRECT
    assert set(report.parameters) == NET_NAMES
    assert wrong.verdict is Verdict.BUG
    assert failed(wrong) == {"l.kernel", "norm.scale", "norm.bias"}


def test_an_nnx_module_that_rebinds_a_parameter_is_refused(net):
    def rebinding(m):
        value = jnp.sum(m(X) ** 2)
        m.l.kernel[...] = m.l.kernel[...] * 2
        return value

    with pytest.raises(gc.InvalidInputError, match=r"`cost` rebinds `l\.kernel` in the params it is given"):
        gc.check_gradients(rebinding, net)


def test_nnx_modules_in_a_nesting_and_a_plain_dataclass():
    @dataclasses.dataclass
    class Pair:
        net: object
        scale: object

    pair = Pair([nnx.Linear(3, 2, rngs=nnx.Rngs(0))], jnp.asarray(0.7))

    report = gc.check_gradients(lambda p: jnp.sum(p.net[0](X) ** 2) * p.scale, pair)
    wrong = gc.check_gradients(lambda p: jnp.sum(p.net[0](X) ** 2) * doubled(p.scale), pair)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["net.0.bias", "net.0.kernel", "scale"]
    assert failed(wrong) == {"scale"}


class Equinox(eqx.Module):
    layers: list
    scale: jax.Array
    power: int = eqx.field(static=True)

    def __init__(self, key):
        first, second = jax.random.split(key)
        self.layers = [eqx.nn.Linear(3, 4, key=first), jnp.tanh, eqx.nn.Linear(4, 2, use_bias=False, key=second)]
        self.scale = jnp.asarray(0.7)
        self.power = 2

    def __call__(self, x, between=lambda x: x):
        return self.layers[2](between(self.layers[1](self.layers[0](x)))) ** self.power * self.scale


@pytest.mark.parametrize("transformed", [lambda cost: cost, eqx.filter_jit], ids=["plain", "jit"])
def test_an_equinox_module(transformed):
    model = Equinox(jax.random.key(0))

    report = gc.check_gradients(transformed(lambda m: jnp.sum(jax.vmap(m)(X))), model)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == ["layers.0.weight", "layers.0.bias", "layers.2.weight", "scale"]
    assert any("`layers.1`" in note for note in report.notes)
    assert model.scale.dtype == jnp.float32


def test_a_wrong_gradient_in_equinox_is_a_bug_in_the_layer_behind_it():
    model = Equinox(jax.random.key(0))

    report = gc.check_gradients(lambda m: jnp.sum(jax.vmap(lambda x: m(x, doubled))(X)), model)

    assert report.verdict is Verdict.BUG
    assert failed(report) == {"layers.0.weight", "layers.0.bias"}


def test_an_equinox_model_of_the_library():
    model = eqx.nn.MLP(3, 2, 4, 1, activation=jnp.tanh, key=jax.random.key(1))

    report = gc.check_gradients(lambda m: jnp.sum(jax.vmap(m)(X) ** 2), model)

    assert report.verdict is Verdict.CORRECT
    assert list(report.parameters) == [f"layers.{i}.{part}" for i in range(2) for part in ("weight", "bias")]


def test_a_loss_of_optax(linen_params):
    labels = jnp.asarray([0, 1, 1, 0])

    @jax.jit
    def cost(p):
        return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(Linen().apply(p, X), labels))

    def of_the_sum(p):
        return jax.tree.map(lambda gradient: gradient * labels.size, jax.grad(cost)(p))

    assert gc.check_gradients(cost, linen_params).passed
    assert gc.check_gradients(cost, linen_params, of_the_sum).verdict is Verdict.BUG
