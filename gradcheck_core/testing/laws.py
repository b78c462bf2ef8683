"""The laws of `Problem`, under the names that the protocol's docstrings give them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from gradcheck_core.protocol.backend import Capability, Problem

from . import model
from .kit import Kit
from .needs import need_draw, require, require_dtype


def number(kit: Kit, returned: Any) -> float:
    """A scalar that a cost returned."""
    return float(kit.backend.to_numpy(returned))


class Laws:
    """Theta in and out, the cost, and everything as it was afterwards."""

    @pytest.fixture
    def problem(self, kit: Kit) -> Iterator[Problem]:
        """The model's cost, opened as it is."""
        with kit.backend.open(model.make_cost(kit), model.params(kit), (), "native", 0) as opened:
            yield opened

    def test_layout_names_shapes_and_dtypes(self, kit: Kit, problem: Problem) -> None:
        """`layout` has every floating tensor, by the path to it.

        If this fails: build it with `Layout.of` from the leaves that `trees.leaves` gives, in their order.
        """
        described = [(p.name, p.shape, p.dtype) for p in sorted(problem.layout.parameters, key=lambda p: p.name)]

        assert described == [("b", (2,), "float64"), ("w", (3, 2), "float64")]
        assert problem.layout.size == 8

    def test_layout_is_the_same_for_the_same_structure(self, kit: Kit, problem: Problem) -> None:
        """Opened twice, the order is the same.

        If this fails: the order comes from a set, or from the identity of objects.
        """
        with kit.backend.open(model.make_cost(kit), model.params(kit), (), "native", 1) as again:
            assert again.layout == problem.layout

    def test_what_is_not_checked_is_carried_with_a_reason(self, kit: Kit) -> None:
        """Integers, empty tensors and other objects are handed to the cost as they are, and listed with a reason.

        If this fails: put every leaf that is not checked into the layout's `carried`.
        """
        params = {"w": kit.array([1.0]), "n": kit.array([1, 2], "int32"), "none": kit.array(np.zeros((0, 3)))}
        with kit.backend.open(lambda p: kit.sum(p["w"]), params, (), "native", 0) as opened:
            assert [parameter.name for parameter in opened.layout.parameters] == ["w"]
            assert {leaf.name: leaf.reason for leaf in opened.layout.carried} == {"n": "int32", "none": "empty"}

    def test_write_then_read_round_trips(self, problem: Problem) -> None:
        """`read` gives what was written.

        If this fails: `read` and `write` count entries in C order, and both in float64.
        """
        for i, parameter in enumerate(problem.layout.parameters):
            values = np.linspace(-1, 1, parameter.size)
            problem.write(i, slice(None), values)
            assert np.array_equal(problem.read(i), values)

    @pytest.mark.parametrize("entries", [1, slice(0, 2), np.array([1, 0])], ids=["one", "range", "several"])
    def test_write_replaces_just_the_entries_named(self, problem: Problem, entries: Any) -> None:
        """One entry, a range, or several in any order.

        If this fails: `entries` index the flat parameter; NumPy's indexing of a flat view does all three.
        """
        before = [problem.read(i) for i in range(2)]
        expected = before[0].copy()
        expected[entries] = 9.0

        problem.write(0, entries, 9.0 if isinstance(entries, int) else np.full(2, 9.0))

        assert np.array_equal(problem.read(0), expected)
        assert np.array_equal(problem.read(1), before[1])

    def test_several_threads_may_write_different_entries(self, kit: Kit) -> None:
        """Four threads write 300,000 entries of two parameters, a thousand at a time.

        If this fails: `write` reads the whole parameter, changes it and puts it back; write in place instead.
        """
        values = np.arange(150_000.0)
        pieces = [(i, slice(start, start + 1000)) for start in range(0, values.size, 1000) for i in range(2)]
        params = [kit.array(np.zeros((500, 300))), kit.array(np.zeros(150_000))]
        with kit.backend.open(lambda p: kit.sum(p[0]), params, (), "native", 0) as opened:

            def write(piece: tuple[int, slice]) -> None:
                parameter, entries = piece
                opened.write(parameter, entries, values[entries] + parameter)

            with ThreadPoolExecutor(4) as threads:
                list(threads.map(write, pieces))

            assert np.array_equal(opened.read(0), values)
            assert np.array_equal(opened.read(1), values + 1)

    def test_reading_changes_nothing(self, problem: Problem) -> None:
        """`read` gives a copy.

        If this fails: `read` returns a view of the working memory; copy it.
        """
        before = problem.read(0)
        before[:] = 99.0

        assert not np.any(problem.read(0) == 99.0)

    @pytest.mark.parametrize(
        ("dtype", "roundoff"), [("float32", 2.0**-24), ("float16", 2.0**-11), ("bfloat16", 2.0**-8)]
    )
    def test_native_values_are_rounded_to_the_dtype(self, kit: Kit, dtype: str, roundoff: float) -> None:
        """With ``precision="native"``, `read` gives what the dtype holds of what was written.

        If this fails: theta is held in another dtype than the caller's tensor has.
        """
        require_dtype(kit, dtype)
        with kit.backend.open(lambda p: kit.sum(p), kit.array([1.0, 2.0], dtype), (), "native", 0) as opened:
            assert opened.layout.parameters[0].dtype == dtype
            opened.write(0, 0, 1 + roundoff / 4)
            assert opened.read(0)[0] == 1.0
            opened.write(0, 0, 1 + 2 * roundoff)
            assert opened.read(0)[0] == 1 + 2 * roundoff

    def test_float64_evaluation_of_float32_parameters(self, kit: Kit) -> None:
        """With ``precision="float64"``, theta and the cost have float64's precision; the layout names the own dtype.

        If this fails: the backend declares `Capability.FLOAT64`, and holds or evaluates theta in float32.
        """
        require(kit, Capability.FLOAT64)
        with kit.backend.open(lambda p: kit.sum(p), kit.array([1.0, 2.0], "float32"), (), "float64", 0) as opened:
            assert opened.layout.parameters[0].dtype == "float32"
            opened.write(0, 0, 1 + 2.0**-50)
            assert opened.read(0)[0] == 1 + 2.0**-50
            assert number(kit, opened.evaluate()) == 3 + 2.0**-50

    def test_the_cost_is_evaluated_at_the_present_theta(self, kit: Kit, problem: Problem) -> None:
        """After a write, the cost is that of the new theta, in each parameter's own place.

        If this fails: `evaluate` calls the cost with the caller's tensors, or with what an earlier call was handed.
        """
        problem.evaluate()
        for i, parameter in enumerate(problem.layout.parameters):
            problem.write(i, slice(None), np.linspace(-0.5, 1, parameter.size))
        w, b = np.linspace(-0.5, 1, 6).reshape(3, 2), np.linspace(-0.5, 1, 2)

        assert number(kit, problem.evaluate()) == pytest.approx(np.sum(np.tanh(model.X @ w + b) ** 2), rel=1e-13)

    def test_the_same_theta_gives_the_same_cost(self, kit: Kit, problem: Problem) -> None:
        """Two calls without a write between them agree bit for bit, and leave theta as it is.

        If this fails: something is added up over calls, such as gradients or statistics.
        """
        before = [problem.read(i) for i in range(2)]

        assert number(kit, problem.evaluate()) == number(kit, problem.evaluate())
        assert all(np.array_equal(problem.read(i), before[i]) for i in range(2))

    def test_the_random_state_is_the_same_before_every_call(self, kit: Kit) -> None:
        """A cost that draws from the framework's own generator draws the same numbers in every call.

        If this fails: set the generator from `open`'s `seed` before the cost is called.
        """
        draw = need_draw(kit)
        with kit.backend.open(lambda p: kit.sum(p) + draw(), kit.array([1.0]), (), "native", 0) as opened:
            assert number(kit, opened.evaluate()) == number(kit, opened.evaluate())

    def test_the_callers_random_state_is_given_back(self, kit: Kit) -> None:
        """What the caller draws after a problem closed does not depend on its seed.

        If this fails: keep the generator's state when the problem opens, and set it when it closes.
        """
        draw = need_draw(kit)
        drawn = []
        for _ in range(2):
            with kit.backend.open(lambda p: kit.sum(p) + draw(), kit.array([1.0]), (), "native", 0) as opened:
                opened.evaluate()
            drawn.append(number(kit, draw()))

        assert drawn[0] != drawn[1]

    def test_the_cost_receives_the_users_own_structure(self, kit: Kit) -> None:
        """Containers, what is carried, and `args` come to the cost as the user passed them.

        If this fails: rebuild the structure with `trees.rebuilder`.
        """
        structure = {"pair": (kit.array([1.0]), [kit.array([2.0])]), "flag": 3}
        seen: list[Any] = []

        def cost(p: Any, *args: Any) -> Any:
            seen.append((p, args))
            return kit.sum(p["pair"][0]) + kit.sum(p["pair"][1][0])

        with kit.backend.open(cost, structure, (5, "text"), "native", 0) as opened:
            opened.evaluate()
            names = {parameter.name for parameter in opened.layout.parameters}

        handed, args = seen[0]
        assert names == {"pair.0", "pair.1.0"}
        assert isinstance(handed["pair"], tuple)
        assert isinstance(handed["pair"][1], list)
        assert handed["flag"] == 3
        assert args == (5, "text")

    def test_params_is_the_structure_that_theta_means(self, kit: Kit, problem: Problem) -> None:
        """`params` has the present theta in it, for a gradient that the user wrote.

        If this fails: `params` gives the caller's own tensors.
        """
        (w,) = [i for i, parameter in enumerate(problem.layout.parameters) if parameter.name == "w"]
        problem.write(w, 0, 2.5)
        held: Any = problem.params()

        assert kit.value(held["w"])[0, 0] == 2.5
        assert np.array_equal(kit.value(held["b"]), model.B)

    def test_what_the_cost_rebinds_is_named(self, kit: Kit) -> None:
        """`changed_structure` names a leaf that the cost replaced in what it was handed, and is None otherwise.

        If this fails: with `trees.find_rebound`, compare what the cost was handed with what is there afterwards.
        """

        def rebinding(p: Any) -> Any:
            p["b"] = p["b"] * 2
            return kit.sum(p["w"])

        with kit.backend.open(rebinding, model.params(kit), (), "native", 0) as opened:
            opened.evaluate()
            assert opened.changed_structure() == "`b`"
        with kit.backend.open(model.make_cost(kit), model.params(kit), (), "native", 0) as opened:
            opened.evaluate()
            assert opened.changed_structure() is None

    def test_closing_gives_the_params_back(self, kit: Kit) -> None:
        """After writes and calls, the caller's tensors have the values that they had.

        If this fails: hold theta in copies, or put the values back in `close`.
        """
        params = model.params(kit)
        with kit.backend.open(model.make_cost(kit), params, (), "native", 0) as opened:
            opened.write(0, slice(None), np.zeros(opened.layout.parameters[0].size))
            opened.evaluate()

        assert np.array_equal(kit.value(params["w"]), model.W)
        assert np.array_equal(kit.value(params["b"]), model.B)

    def test_closing_is_safe_at_any_time(self, kit: Kit) -> None:
        """Before the first call, after a cost that raised, and twice.

        If this fails: `close` relies on something that only `evaluate` sets.
        """

        def raising(p: Any) -> Any:
            raise KeyboardInterrupt

        params = model.params(kit)
        kit.backend.open(model.make_cost(kit), params, (), "native", 0).close()
        opened = kit.backend.open(raising, params, (), "native", 0)
        opened.write(0, 0, 7.0)
        with pytest.raises(KeyboardInterrupt):
            opened.evaluate()
        opened.close()
        opened.close()

        assert np.array_equal(kit.value(params["w"]), model.W)
        assert np.array_equal(kit.value(params["b"]), model.B)
