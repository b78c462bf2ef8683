import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradcheck_core as gc
from gradcheck_core import Verdict

W = np.array([0.3, -0.7, 0.2], dtype=np.float32)
X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)


@jax.custom_vjp
def doubled(x):
    """The identity, whose gradient is wrong by a factor of two."""
    return x


doubled.defvjp(lambda x: (x, None), lambda _, upstream: (2 * upstream,))


@pytest.fixture(autouse=True)
def the_global_setting_is_untouched():
    assert jax.config.jax_enable_x64 is False
    yield
    assert jax.config.jax_enable_x64 is False
    assert jnp.asarray(0.5).dtype == jnp.float32


@pytest.fixture
def w():
    array = jnp.asarray(W)
    yield array
    assert array.dtype == jnp.float32
    assert np.asarray(array).tobytes() == W.tobytes()


def test_float32_params_are_checked_in_float64(w):
    seen = set()

    def cost(w):
        seen.add(w.dtype.name)
        return jnp.sum(jnp.sin(w) * X)

    report = gc.check_gradients(cost, w)

    assert seen == {"float64", "float32"}  # the formula, then the native gradient
    assert report.verdict is Verdict.CORRECT
    assert report.precision == "float64"
    assert report.parameters["theta"].dtype == "float32"
    assert gc.check_gradients(lambda w: cost(w * 1.0) + 1e-4 * jnp.sum(doubled(w)), w).verdict is Verdict.SUSPECT


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_global_setting(w, error):
    def failing(w):
        raise error

    with pytest.raises(error):
        gc.check_gradients(failing, w)


def test_native_precision_is_coarser_and_still_sees_a_bug(w):
    seen = set()

    def cost(w, wrap):
        seen.add(w.dtype.name)
        return jnp.sum(jnp.sin(wrap(w)) * X)

    right = gc.check_gradients(cost, w, args=(jnp.asarray,), precision="native")
    wrong = gc.check_gradients(cost, w, args=(doubled,), precision="native")

    assert seen == {"float32"}
    assert right.verdict is Verdict.INSPECT
    assert right.precision == "float32"
    assert wrong.verdict is Verdict.BUG


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
@pytest.mark.parametrize("precision", ["auto", "native"])
def test_half_precision_is_never_a_bug_but_a_wrong_gradient_is(dtype, precision):
    w = jnp.asarray(W, dtype=dtype)

    right = gc.check_gradients(lambda w: jnp.sum(jnp.sin(w)), w, precision=precision)
    wrong = gc.check_gradients(lambda w: jnp.sum(jnp.sin(-doubled(-w) * 1)), w, precision=precision)

    assert right.verdict in (Verdict.CORRECT, Verdict.INSPECT, Verdict.INCONCLUSIVE)
    assert right.parameters["theta"].dtype == jnp.dtype(dtype).name
    assert wrong.verdict is Verdict.BUG


def scanned(p):
    """A recurrence whose carry is float32 whatever its parameters are."""

    def step(carry, x):
        return jnp.tanh(carry * p["s"] + x @ p["w"]), None

    return jax.lax.scan(step, jnp.zeros((), jnp.float32), X)[0] ** 2


@pytest.mark.parametrize("s", [jnp.float32(0.5), 0.5, jnp.asarray(0.5)])
def test_a_cost_that_insists_on_float32_is_checked_in_it(w, s):
    right = gc.check_gradients(scanned, {"w": w, "s": s})
    wrong = gc.check_gradients(lambda p: scanned({"w": doubled(p["w"]), "s": p["s"]}), {"w": w, "s": s})

    assert right.verdict is Verdict.INSPECT
    assert right.precision == "float32"
    assert "the cost cannot be evaluated in float64 (TypeError); checked in float32" in right.notes
    assert wrong.verdict is Verdict.BUG
    assert wrong.parameters["s"].verdict.passed


def test_float64_can_be_insisted_on(w):
    with pytest.raises(TypeError, match="scan body function carry"):
        gc.check_gradients(scanned, {"w": w, "s": jnp.float32(0.5)}, precision="float64")


def test_an_error_of_the_costs_own_is_raised_from_native_precision(w):
    seen = []

    def failing(w):
        seen.append(w.dtype.name)
        msg = "in any precision"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="in any precision"):
        gc.check_gradients(failing, w)
    assert seen == ["float64", "float32"]


def test_a_python_float_does_not_promote_in_native_precision():
    seen = set()

    def cost(p):
        product = p["w"] * p["s"] * p["t"]
        seen.add(product.dtype.name)
        return jnp.sum(product.astype(jnp.float32) ** 2)

    params = {"w": jnp.asarray(W, jnp.bfloat16), "s": 0.5, "t": jnp.asarray(2.0)}
    report = gc.check_gradients(cost, params, precision="native")

    assert seen == {"bfloat16"}
    assert report.parameters["s"].dtype == "float32"
    assert report.parameters["t"].dtype == "float32"
    assert report.verdict is not Verdict.BUG


def test_a_python_float_is_a_parameter_of_its_own():
    right = gc.check_gradients(lambda p: jnp.sin(p["s"]) * p["w"][0], {"s": 0.5, "w": jnp.asarray(W)})
    wrong = gc.check_gradients(lambda p: jnp.sin(doubled(p["s"])) * p["w"][0], {"s": 0.5, "w": jnp.asarray(W)})

    assert right.verdict is Verdict.CORRECT
    assert wrong.verdict is Verdict.BUG
    assert wrong.worst.name == "s"


def test_float64_params_stay_float64():
    with jax.enable_x64(True):
        w = jnp.asarray(W, dtype=jnp.float64)

    report = gc.check_gradients(lambda w: jnp.sum(jnp.sin(w)), w)

    assert report.verdict is Verdict.CORRECT
    assert report.parameters["theta"].dtype == "float64"


def test_numpy_leaves_beside_jax_ones(w):
    params = {"w": w, "v": W.copy()}

    with pytest.raises(gc.InvalidInputError, match=r"`params` mixes frameworks \(jax, numpy\)"):
        gc.check_gradients(lambda p: jnp.sum(p["w"] * p["v"]), params)
    assert gc.check_gradients(lambda p: jnp.sum(p["w"] * p["v"]), params, backend="jax").verdict is Verdict.CORRECT


def test_arrays_stay_on_their_device():
    other = jax.devices()[1]
    w, x = jax.device_put(W, other), jax.device_put(X, other)
    seen = []

    def cost(w):
        if isinstance(w, jax.Array) and not isinstance(w, jax.core.Tracer):
            seen.append(w.devices())
        return jnp.sum(jnp.sin(w) * x)

    assert gc.check_gradients(cost, w).verdict is Verdict.CORRECT
    assert seen
    assert all(devices == {other} for devices in seen)
    assert gc.check_gradients(lambda w: cost(doubled(w)), w).verdict is Verdict.BUG


def test_arrays_that_are_bound_to_no_device_stay_so(w):
    x = jax.device_put(X, jax.devices()[1])

    assert not w.committed
    assert gc.check_gradients(lambda w: jnp.sum(jnp.sin(w) * x), w).verdict is Verdict.CORRECT


def test_arrays_spread_over_devices_stay_so():
    mesh = jax.make_mesh((2,), ("rows",), axis_types=(jax.sharding.AxisType.Auto,))
    spread = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("rows"))
    params = jax.device_put(X, spread)
    seen = []

    @jax.jit
    def cost(w):
        return jnp.sum(jnp.sin(w))

    def watching(w):
        if not isinstance(w, jax.core.Tracer):
            seen.append(w.sharding)
        return cost(w)

    assert gc.check_gradients(watching, params).verdict is Verdict.CORRECT
    assert seen
    assert all(sharding == spread for sharding in seen)


@pytest.mark.parametrize("claimed", [False, True])
def test_a_jitted_cost_that_closes_over_an_int64_index_can_be_called_afterwards(claimed):
    # JAX itself fails to lower such a cost once it was called inside an x64 scope
    index = np.array([0, 2, 1])
    cost = jax.jit(lambda w: jnp.sum(jnp.sin(jnp.take(w, index, axis=0))))
    w = jnp.arange(12.0).reshape(4, 3)
    gradient = np.cos(np.arange(12.0).reshape(4, 3)) * np.array([[1], [1], [1], [0]])

    report = gc.check_gradients(cost, w, gradient.astype(np.float32) if claimed else None)

    assert report.verdict in (Verdict.CORRECT, Verdict.INSPECT)
    assert float(cost(w)) == pytest.approx(np.sin(np.arange(9.0)).sum(), rel=1e-5)
