"""The laws of the theta/d_theta protocol, under the names that its docstrings give them."""

from concurrent.futures import ThreadPoolExecutor

import model
import numpy as np
import pytest

from gradcheck_core import registry
from gradcheck_core.outputs import Contraction
from gradcheck_core.protocol import Capability


@pytest.fixture
def problem(kit):
    backend = registry.load_backend(kit.name)
    with backend.open(model.make_cost(kit), model.params(kit), (), "native", 0) as opened:
        yield opened


def test_owns_its_own_leaves_only(kit):
    backend = registry.load_backend(kit.name)

    assert backend.owns(kit.array([1.0]))
    assert not any(backend.owns(other) for other in (None, 1.0, "a", object(), [1.0]))


def test_to_numpy_keeps_values_and_shape(kit):
    values = np.array([[1.0, -2.5], [0.0, 1e300]])

    assert np.array_equal(registry.load_backend(kit.name).to_numpy(kit.array(values)), values)


def test_layout_names_shapes_and_dtypes(kit, problem):
    described = [(p.name, p.shape, p.dtype) for p in sorted(problem.layout.parameters, key=lambda p: p.name)]

    assert described == [("b", (2,), "float64"), ("w", (3, 2), "float64")]
    assert problem.layout.size == 8


def test_write_then_read_round_trips(problem):
    values = np.linspace(-1, 1, problem.layout.parameters[0].size)

    problem.write(0, slice(None), values)

    assert np.array_equal(problem.read(0), values)


@pytest.mark.parametrize("entries", [1, slice(0, 2), np.array([1, 0])])
def test_write_replaces_just_the_entries_named(problem, entries):
    before = problem.read(0)
    expected = before.copy()
    expected[entries] = 9.0

    problem.write(0, entries, np.full(np.shape(before[entries]), 9.0) if not isinstance(entries, int) else 9.0)

    assert np.array_equal(problem.read(0), expected)


def test_threads_may_write_different_entries(kit):
    values = np.arange(300_000.0)
    pieces = [slice(start, start + 1000) for start in range(0, values.size, 1000)]
    params = kit.array(np.zeros((1000, 300)))
    with registry.load_backend(kit.name).open(lambda p: kit.sum(p), params, (), "native", 0) as problem:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda piece: problem.write(0, piece, values[piece]), pieces))

        assert np.array_equal(problem.read(0), values)


def test_read_gives_a_copy(problem):
    before = problem.read(0)
    before[:] = 99.0

    assert not np.any(problem.read(0) == 99.0)


@pytest.mark.parametrize(("dtype", "roundoff"), [("float32", 2.0**-24), ("float16", 2.0**-11), ("bfloat16", 2.0**-8)])
def test_native_values_are_rounded_to_the_dtype(kit, dtype, roundoff):
    if dtype not in ("float32", *kit.half):
        pytest.skip(f"{kit.name} has no {dtype}")
    backend = registry.load_backend(kit.name)
    with backend.open(lambda p: kit.sum(p), kit.array([1.0, 2.0], dtype), (), "native", 0) as problem:
        assert problem.layout.parameters[0].dtype == dtype
        problem.write(0, 0, 1 + roundoff / 4)
        assert problem.read(0)[0] == 1.0
        problem.write(0, 0, 1 + 2 * roundoff)
        assert problem.read(0)[0] == 1 + 2 * roundoff


def test_float64_evaluation_of_float32_parameters(kit):
    backend = registry.load_backend(kit.name)
    if Capability.FLOAT64 not in backend.capabilities:
        pytest.skip(f"{kit.name} does not declare it")
    with backend.open(lambda p: kit.sum(p), kit.array([1.0, 2.0], "float32"), (), "float64", 0) as problem:
        assert problem.layout.parameters[0].dtype == "float32"
        problem.write(0, 0, 1 + 2.0**-50)
        assert problem.read(0)[0] == 1 + 2.0**-50
        assert float(backend.to_numpy(problem.evaluate())) == 3 + 2.0**-50


def test_the_same_theta_gives_the_same_cost(kit, problem):
    to_numpy = registry.load_backend(kit.name).to_numpy

    assert float(to_numpy(problem.evaluate())) == float(to_numpy(problem.evaluate()))


def test_the_gradient_has_thetas_order_and_leaves_theta(kit, problem):
    if not kit.autodiff:
        pytest.skip(f"{kit.name} does not declare it")
    before = [problem.read(i) for i in range(2)]

    gradient = problem.gradient(lambda shapes: [np.ones(shape) for shape in shapes])

    for parameter in problem.layout.parameters:
        expected = model.gradient()[parameter.name].reshape(-1)
        assert gradient.d_theta[parameter.range] == pytest.approx(expected, rel=1e-12)
    assert all(np.array_equal(problem.read(i), before[i]) for i in range(2))


def test_closing_gives_the_params_back(kit):
    backend = registry.load_backend(kit.name)
    params = model.params(kit)
    with backend.open(model.make_cost(kit), params, (), "native", 0) as problem:
        problem.write(0, slice(None), np.zeros(problem.layout.parameters[0].size))
        problem.evaluate()

    assert np.array_equal(kit.value(params["w"]), model.W)
    assert np.array_equal(kit.value(params["b"]), model.B)


def test_the_cost_gets_the_users_own_structure(kit):
    backend = registry.load_backend(kit.name)
    structure = {"pair": (kit.array([1.0]), [kit.array([2.0])]), "flag": "text"}
    seen = []

    def cost(p):
        seen.append(p)
        return kit.sum(p["pair"][0]) + kit.sum(p["pair"][1][0])

    if kit.name == "jax":
        structure["flag"] = 3  # strings are no pytree leaves that jax.grad would carry, small integers are
    with backend.open(cost, structure, (), "native", 0) as problem:
        problem.evaluate()
        names = {parameter.name for parameter in problem.layout.parameters}

    assert names == {"pair.0", "pair.1.0"}
    assert isinstance(seen[0]["pair"], tuple)
    assert isinstance(seen[0]["pair"][1], list)
    assert seen[0]["flag"] == structure["flag"]


def ones(shapes):
    return [np.ones(shape) for shape in shapes]


def along(problem, by_name):
    return np.concatenate([np.reshape(by_name[p.name], -1) for p in problem.layout.parameters])


def test_jvp_is_the_gradient_along_a_direction(kit, problem):
    if Capability.FORWARD not in registry.load_backend(kit.name).capabilities:
        pytest.skip(f"{kit.name} does not declare it")
    before = [problem.read(i) for i in range(2)]
    direction = np.random.default_rng(0).normal(size=problem.layout.size)

    derivative = problem.jvp(direction, ones)

    assert derivative == pytest.approx(along(problem, model.gradient()) @ direction, rel=1e-12)
    assert problem.jvp(2 * direction, ones) == pytest.approx(2 * derivative, rel=1e-12)
    assert all(np.array_equal(problem.read(i), before[i]) for i in range(2))


def test_hvp_is_the_hessian_along_a_direction(kit, problem):
    if Capability.HESSIAN not in registry.load_backend(kit.name).capabilities:
        pytest.skip(f"{kit.name} does not declare it")
    before = [problem.read(i) for i in range(2)]
    direction = np.random.default_rng(0).normal(size=problem.layout.size)
    by_name = {p.name: direction[p.range].reshape(p.shape) for p in problem.layout.parameters}

    product = problem.hvp(direction, ones).d_theta

    assert product == pytest.approx(along(problem, model.hvp(None, by_name)), rel=1e-11)
    assert all(np.array_equal(problem.read(i), before[i]) for i in range(2))


def test_hvp_is_symmetric(kit, problem):
    if Capability.HESSIAN not in registry.load_backend(kit.name).capabilities:
        pytest.skip(f"{kit.name} does not declare it")
    u, v = np.random.default_rng(1).normal(size=(2, problem.layout.size))

    assert u @ problem.hvp(v, ones).d_theta == pytest.approx(v @ problem.hvp(u, ones).d_theta, rel=1e-11)


def test_complex_parameters_are_two_numbers_an_entry(kit):
    backend = registry.load_backend(kit.name)
    values = np.array([[1 + 2j, 3 - 4j]])
    with backend.open(lambda p: abs(p["z"]), {"z": kit.array(values, "complex128")}, (), "native", 0) as problem:
        (parameter,) = problem.layout.parameters
        assert (parameter.shape, parameter.dtype, parameter.size) == ((1, 2), "complex128", 4)
        assert problem.read(0).tolist() == [1, 2, 3, -4]

        problem.write(0, 1, 7.0)
        assert problem.read(0).tolist() == [1, 7, 3, -4]
        assert backend.to_numpy(problem.evaluate()) == pytest.approx(np.abs([[1 + 7j, 3 - 4j]]))


def test_real_parameters_can_be_held_as_complex(kit):
    backend = registry.load_backend(kit.name)
    if Capability.COMPLEX_STEP not in backend.capabilities:
        pytest.skip(f"{kit.name} does not declare it")
    params = {"w": kit.array([[1.0, 2.0]])}
    with backend.open(lambda p: p["w"] * 2, params, (), "complex128", 0) as problem:
        (parameter,) = problem.layout.parameters
        assert (parameter.dtype, parameter.size) == ("float64", 2)
        problem.write_complex(0, 1, 2 + 5j)
        assert problem.read(0).tolist() == [1, 2]
        assert backend.to_numpy(problem.evaluate()).tolist() == [[2, 4 + 10j]]
    assert kit.value(params["w"]).tolist() == [[1, 2]]


def test_batched_equals_one_by_one(kit, problem):
    weights = Contraction(0).weights
    batch = problem.batch(weights, 2**20)
    if batch is None:
        pytest.skip(f"{kit.name} has no batch for this cost")
    to_numpy = registry.load_backend(kit.name).to_numpy
    present = problem.read(1)
    entries = np.arange(present.size).repeat(3)
    values = present[entries] + np.tile([-0.5, 0.25, 1.0], present.size)

    together = batch.costs_at(1, entries, values)

    expected = []
    for entry, value in zip(entries.tolist(), values.tolist(), strict=True):
        problem.write(1, entry, value)
        expected.append(Contraction(0).value(problem.evaluate(), to_numpy).value)
        problem.write(1, entry, float(present[entry]))
    np.testing.assert_allclose(together, expected, rtol=1e-13)
    assert np.array_equal(problem.read(1), present)
