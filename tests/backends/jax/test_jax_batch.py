"""Compiled and batched evaluation: the same answers as one by one, and one by one wherever that cannot be."""

import gc as garbage
import weakref

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import gradcheck_core as gc
from gradcheck_core import Verdict, chunks, registry
from gradcheck_core.outputs import Contraction
from gradcheck_jax.batch import JaxBatch

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 8))
PARAMS = {"b": 0.1 * RNG.normal(size=12), "w": RNG.normal(size=(8, 12)) / 3}
"""108 numbers: enough for a batch."""

WEIGH = Contraction(0).weights


def hidden(p):
    return jnp.tanh(X @ p["w"] + p["b"])


def cost(p):
    return jnp.sum(hidden(p) ** 2)


def cost_gradient(p):
    h = np.tanh(X @ p["w"] + p["b"])
    upstream = 2 * h * (1 - h**2)
    return {"b": upstream.sum(axis=0), "w": X.T @ upstream}


def floating(params, dtype="float64"):
    with jax.enable_x64(True):
        return {name: jnp.asarray(value, dtype) for name, value in params.items()}


def was_batched(report):
    return not any("one theta at a time" in note for note in report.notes)


def count(monkeypatch):
    """The lengths of the chunks that are evaluated from now on."""
    lengths = []
    contracted = chunks.contracted

    def counted(outputs, weigh):
        lengths.append(len(outputs[0]))
        return contracted(outputs, weigh)

    monkeypatch.setattr(chunks, "contracted", counted)
    return lengths


def together_and_alone(function, params, precision="native"):
    """J with every number moved by a tenth, in a batch and one by one, parameter by parameter."""
    backend = registry.load_backend("jax")
    with backend.open(function, params, (), precision, 0) as problem:
        batch = problem.batch(WEIGH, 2**30)
        for i, parameter in enumerate(problem.layout.parameters):
            before = problem.read(i)
            entries, values = np.arange(parameter.size), before + 0.1
            together = batch.costs_at(i, entries, values)
            assert np.array_equal(problem.read(i), before)
            alone = []
            for entry, value in zip(entries.tolist(), values.tolist(), strict=True):
                problem.write(i, entry, value)
                # Never evaluated at the theta it was opened with, the problem has nothing to hold a program against.
                alone.append(Contraction(0).value(problem.evaluate(), backend.to_numpy).value)
                problem.write(i, entry, float(before[entry]))
            yield together, np.array(alone)


@pytest.mark.parametrize("returned", [cost, hidden, lambda p: (hidden(p), 3, {"z": p["b"], "a": cost(p)})])
def test_a_batch_gives_what_the_cost_gives_one_by_one(returned):
    for together, alone in together_and_alone(returned, floating(PARAMS)):
        np.testing.assert_allclose(together, alone, rtol=1e-13)


@pytest.mark.parametrize(("dtype", "roundoff"), [("float32", 2.0**-24), ("float16", 2.0**-11), ("bfloat16", 2.0**-8)])
def test_thetas_are_rounded_as_a_write_rounds_them(dtype, roundoff):
    # The sum of one number and zeros: without rounding of its own, so that only theta's shows.
    params = jnp.zeros(100, dtype)

    for together, alone in together_and_alone(jnp.sum, params):
        assert np.array_equal(together, alone)
        assert together == pytest.approx(np.full(100, 0.1), rel=roundoff)
        assert not np.any(together == 0.1)


@pytest.mark.parametrize("precision", ["native", "float64"])
def test_complex_parameters_are_moved_part_by_part(precision):
    z = jnp.asarray(RNG.normal(size=50) + 1j * RNG.normal(size=50), "complex64")

    # At 1 + x + iy the real part and the imaginary part of the square tell the two apart.
    for together, alone in together_and_alone(lambda z: jnp.sum(z**2), z, precision):
        np.testing.assert_allclose(together, alone, rtol=1e-4 if precision == "native" else 1e-13)


def test_parameters_of_several_dtypes_are_moved_apart():
    params = {"a": jnp.ones(40, "float32"), "b": jnp.ones(40, "float16"), "c": jnp.ones(40, "float32")}

    for together, alone in together_and_alone(
        lambda p: sum(jnp.sum(v**2).astype("float32") for v in p.values()), params
    ):
        np.testing.assert_allclose(together, alone, rtol=1e-3)


def test_one_wrong_number_among_many_is_found():
    wrong = cost_gradient(PARAMS)
    wrong["w"][3, 7] *= 1.01

    report = gc.check_gradients(cost, floating(PARAMS), wrong)

    assert was_batched(report)
    assert report.verdict is not Verdict.CORRECT
    assert report.worst.name == "w"
    assert report.worst.worst_index == (3, 7)
    assert report.parameters["b"].verdict is Verdict.CORRECT


def test_a_batched_check_says_what_one_by_one_says(monkeypatch):
    batched = gc.check_gradients(cost, floating(PARAMS), cost_gradient(PARAMS))
    monkeypatch.setattr(JaxBatch, "least", 10**9)
    alone = gc.check_gradients(cost, floating(PARAMS), cost_gradient(PARAMS))

    assert batched.verdict is alone.verdict is Verdict.CORRECT
    for name, found in batched.parameters.items():
        assert found.numeric == pytest.approx(cost_gradient(PARAMS)[name][found.worst_index], abs=1e-7)
        assert found.resolution == pytest.approx(alone.parameters[name].resolution, rel=1)


def test_the_cost_is_called_few_times():
    calls = []

    def counted(p):
        calls.append(type(p["w"]))
        return cost(p)

    report = gc.check_gradients(counted, floating(PARAMS), cost_gradient(PARAMS))

    assert report.evaluations > 2 * 108
    # Twice before and once after, once for each of two parameters, and once or twice at theta meanwhile.
    assert len([kind for kind in calls if not issubclass(kind, jax.core.Tracer)]) < 20


def test_a_small_model_is_not_worth_compiling(monkeypatch):
    lengths = count(monkeypatch)

    report = gc.check_gradients(lambda w: jnp.sum(w**3), floating({"w": np.linspace(1, 2, 20)})["w"])

    assert report.verdict is Verdict.CORRECT
    assert not lengths


def test_little_memory_means_more_chunks_and_the_same_answers(monkeypatch):
    lengths = count(monkeypatch)
    much = gc.check_gradients(cost, floating(PARAMS), cost_gradient(PARAMS))
    with_much = list(lengths)
    lengths.clear()

    # 108 numbers of theta and 5 x 12 of each of tanh's input and output are 1.8 kB and more.
    little = gc.check_gradients(cost, floating(PARAMS), cost_gradient(PARAMS), max_memory=20_000)

    assert max(lengths) <= 20_000 // 1_800 < max(with_much)
    assert len(lengths) > 4 * len(with_much)
    assert little.difference == pytest.approx(much.difference, abs=1e-9)
    assert little.verdict is Verdict.CORRECT


def test_less_memory_than_one_theta_takes_means_one_at_a_time(monkeypatch):
    lengths = count(monkeypatch)

    report = gc.check_gradients(cost, floating(PARAMS), cost_gradient(PARAMS), max_memory=1)

    assert report.verdict is Verdict.CORRECT
    assert set(lengths) == {1}


def scanned(p):
    return jnp.sum(jax.lax.scan(lambda h, row: (jnp.tanh(h @ p["w"].T[:8, :8] + row), h), X[0], X)[1] * p["b"][:8])


def branching(p):
    return jax.lax.cond(jnp.sum(p["b"]) > 0, lambda h: jnp.sum(h**2), lambda h: jnp.sum(h**3), hidden(p))


def repeated(p):
    return jax.lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, jnp.sin(s[1])), (0, hidden(p)))[1]


def cost_of_its_own_data(p):
    # A jitted function's NumPy array stays float64 for all others, as long as the function lives.
    return jnp.sum(jnp.tanh(X.copy() @ p["w"] + p["b"]) ** 2)


jitted, checkpointed = jax.jit(cost_of_its_own_data), jax.checkpoint(cost_of_its_own_data)


@pytest.mark.parametrize("function", [scanned, branching, jitted, checkpointed])
def test_control_flow_of_jax_is_batched(function):
    report = gc.check_gradients(function, floating(PARAMS))

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT


def test_a_while_loop_is_batched():
    h = X @ PARAMS["w"] + PARAMS["b"]

    # sin(sin(sin(tanh(.)))), by the chain rule
    def claimed(p):
        a = np.tanh(h)
        b, c = np.sin(a), np.sin(np.sin(a))
        upstream = 2 * np.sin(c) * np.cos(c) * np.cos(b) * np.cos(a) * (1 - a**2)
        return {"b": upstream.sum(axis=0), "w": X.T @ upstream}

    report = gc.check_gradients(lambda p: jnp.sum(repeated(p) ** 2), floating(PARAMS), claimed)

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT


def branching_in_python(p):
    h = hidden(p)
    return jnp.sum(h**2) if float(jnp.sum(p["b"])) < 10 else jnp.sum(h)


def through_numpy(p):
    h = np.tanh(X @ np.asarray(p["w"]) + np.asarray(p["b"]))
    return float(np.sum(h**2))


@pytest.mark.parametrize("function", [branching_in_python, through_numpy])
@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_a_cost_that_cannot_be_traced_goes_one_by_one_with_a_note(function, factor):
    claimed = cost_gradient(PARAMS)
    claimed["b"][2] *= factor

    report = gc.check_gradients(function, floating(PARAMS), claimed)

    assert not was_batched(report)
    assert "cannot be batched" in " ".join(report.notes)
    assert report.verdict.passed == (factor == 1.0)


def test_a_cost_that_prints_goes_one_by_one(capfd):
    def printing(p):
        jax.debug.print("called")
        return cost(p)

    report = gc.check_gradients(printing, floating(PARAMS))

    assert "has side effects" in " ".join(report.notes)
    assert report.verdict is Verdict.CORRECT
    assert capfd.readouterr().out.count("called") >= 2 * 108


def test_a_cost_that_asks_whether_it_is_traced_is_called():
    def asking(p):
        return cost(p) * (2 if isinstance(p["w"], jax.core.Tracer) else 1)

    report = gc.check_gradients(asking, floating(PARAMS), cost_gradient(PARAMS))

    assert "where one by one it is" in " ".join(report.notes)
    assert report.verdict is Verdict.CORRECT


def test_a_python_float_is_not_taken_for_an_array():
    params = {"scale": 1.5, **floating(PARAMS, "float32")}

    report = gc.check_gradients(lambda p: p["scale"] * cost(p), params, precision="native")

    assert "a Python float among the params" in " ".join(report.notes)
    assert report.verdict in (Verdict.INSPECT, Verdict.INCONCLUSIVE)  # in float32 no more is to be seen


def test_weak_types_stay_weak():
    params = {"scale": jnp.asarray(1.5), "half": jnp.ones(70, "float16")}

    for together, alone in together_and_alone(lambda p: p["scale"] * jnp.sum(p["half"] / 64), params):
        np.testing.assert_allclose(together, alone, rtol=2e-3)


def test_dropout_with_a_key_is_batched():
    def dropped(p, key):
        return jnp.sum(jnp.where(jax.random.bernoulli(key, 0.5, (5, 12)), hidden(p), 0.0) ** 2)

    report = gc.check_gradients(dropped, floating(PARAMS), args=(jax.random.key(3),))

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT


def test_numpys_random_numbers_are_the_same_in_a_trace_as_in_every_call():
    def dropped(p):
        return jnp.sum(hidden(p) * np.random.binomial(1, 0.5, (5, 12)))

    np.random.seed(5)
    expected = np.random.get_state()[1].copy()
    report = gc.check_gradients(dropped, floating(PARAMS))

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT
    assert np.array_equal(np.random.get_state()[1], expected)


def test_a_flax_module_is_batched():
    model = nnx.Sequential(nnx.Linear(8, 12, rngs=nnx.Rngs(0)), jnp.tanh, nnx.Linear(12, 2, rngs=nnx.Rngs(1)))
    before = jax.tree.map(np.asarray, nnx.state(model))

    report = gc.check_gradients(lambda m: jnp.sum(m(jnp.asarray(X)) ** 2), model)

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT
    assert jax.tree.all(jax.tree.map(np.array_equal, before, jax.tree.map(np.asarray, nnx.state(model))))


def test_an_equinox_module_is_batched():
    model = eqx.nn.MLP(8, 2, 12, 1, key=jax.random.key(0))

    report = gc.check_gradients(lambda m: jnp.sum(jax.vmap(m)(jnp.asarray(X, "float32")) ** 2), model)

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT


def test_arrays_stay_on_their_device():
    device = jax.devices()[1]
    with jax.enable_x64(True):
        params = jax.device_put(floating(PARAMS), device)
        x = jax.device_put(X, device)

    report = gc.check_gradients(lambda p: jnp.sum(jnp.tanh(x @ p["w"] + p["b"]) ** 2), params)

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT


@pytest.mark.parametrize("order", [["a", "z"], ["z", "a"]])
def test_what_a_dict_returns_is_weighed_in_one_order(order):
    def returned(p):
        parts = {"a": jnp.sum(hidden(p), axis=0), "z": jnp.sum(hidden(p) ** 2, axis=0)}
        return {name: parts[name] for name in order}

    assert gc.check_gradients(returned, floating(PARAMS)).verdict is Verdict.CORRECT


def test_what_is_kept_of_a_cost_does_not_outlive_a_change_of_it():
    power, x = [2], [X]

    def changing(p):
        return jnp.sum(jnp.tanh(x[0] @ p["w"] + p["b"]) ** power[0])

    def claimed(p):
        h = np.tanh(x[0] @ PARAMS["w"] + PARAMS["b"])
        upstream = power[0] * h ** (power[0] - 1) * (1 - h**2)
        return {"b": upstream.sum(axis=0), "w": x[0].T @ upstream}

    for change in (lambda: None, lambda: power.__setitem__(0, 4), lambda: x.__setitem__(0, 2 * X[::-1])):
        change()
        report = gc.check_gradients(changing, floating(PARAMS), claimed)
        assert was_batched(report)
        assert report.verdict is Verdict.CORRECT


def test_a_rule_that_was_corrected_is_seen_in_the_next_check():
    factor = [2.0]

    @jax.custom_vjp
    def identity(x):
        return x

    identity.defvjp(lambda x: (x, None), lambda _, upstream: (factor[0] * upstream,))

    wrong = gc.check_gradients(lambda p: cost({"w": identity(p["w"]), "b": p["b"]}), floating(PARAMS))
    factor[0] = 1.0
    right = gc.check_gradients(lambda p: cost({"w": identity(p["w"]), "b": p["b"]}), floating(PARAMS))

    assert wrong.parameters["w"].verdict is Verdict.BUG
    assert right.verdict is Verdict.CORRECT


def test_float64_data_stays_usable_outside_of_the_x64_scope():
    data = RNG.normal(size=(5, 8))

    def with_data(p):
        return jnp.sum(jnp.tanh(jnp.matmul(data, p["w"]) + p["b"]) ** 2)

    params = floating(PARAMS, "float32")
    report = gc.check_gradients(with_data, params)

    assert was_batched(report)
    assert report.verdict is Verdict.CORRECT
    assert with_data(params).dtype == "float32"


def test_nothing_of_the_users_is_kept_alive():
    class Data:
        def __init__(self):
            self.x = X.copy()

    def check(data):
        @jax.custom_vjp
        def identity(z):
            return z

        identity.defvjp(lambda z: (z, None), lambda _, upstream: (upstream * np.ones_like(data.x[0, 0]),))
        report = gc.check_gradients(
            lambda p: jnp.sum(jnp.tanh(identity(data.x @ p["w"] + p["b"])) ** 2), floating(PARAMS)
        )
        assert was_batched(report)
        return weakref.ref(data)

    kept = check(Data())
    jax.clear_caches()  # JAX itself keeps what it traced
    garbage.collect()

    assert kept() is None
