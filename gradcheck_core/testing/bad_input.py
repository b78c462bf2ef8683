"""Unusable input: an error of the right type that names what came; and unusual input, which is checked."""

from typing import Any

import numpy as np
import pytest

from ..check.api import check_gradients
from ..errors import InvalidInputError
from ..report.gradient import GradientReport
from ..report.verdict import Verdict
from . import model
from .kit import Kit


class BadInput:
    """What a backend is handed in params, and what a cost returns."""

    @pytest.mark.parametrize("empty", [{}, [], ()], ids=str)
    def test_empty_params_are_refused(self, kit: Kit, empty: object) -> None:
        """There is nothing to check.

        If this fails: lay theta out with `Layout.of`, which refuses an empty one.
        """
        with pytest.raises(InvalidInputError, match="`params` holds nothing that can be checked: it is empty"):
            check_gradients(lambda p: 0.0, empty, {}, backend=kit.name)

    def test_params_without_a_floating_leaf_are_refused(self, kit: Kit) -> None:
        """The error names the leaves and their dtypes.

        If this fails: hand what is not checked to `Layout.of` as `carried`.
        """
        with pytest.raises(InvalidInputError, match=r"holds nothing that can be checked: only `n` \(int32\)"):
            check_gradients(lambda p: 0.0, {"n": kit.array([1, 2], "int32")}, {}, backend=kit.name)

    def test_params_that_contain_themselves_are_refused(self, kit: Kit) -> None:
        """The params are a list that is an item of itself.

        If this fails: walk the structure with `trees.leaves`.
        """
        params: list[Any] = [kit.array([1.0])]
        params.append(params)
        with pytest.raises(InvalidInputError, match="contains itself at `1`"):
            check_gradients(lambda p: 0.0, params, {}, backend=kit.name)

    def test_params_that_are_not_finite_are_refused(self, kit: Kit) -> None:
        """The error names the entry.

        If this fails: `read` changes what is not finite.
        """
        with pytest.raises(InvalidInputError, match=r"`params`: `theta`\[1\] is nan; gradients exist only at fin"):
            check_gradients(lambda p: kit.sum(p), kit.array([1.0, np.nan]), np.ones(2), backend=kit.name)

    @pytest.mark.parametrize(
        ("returned", "message"),
        [
            (None, r"`cost` returned None \(NoneType\); return a scalar"),
            ("text", r"`cost` returned 'text' \(str\)"),
            (True, r"`cost` returned True \(bool\)"),
            ([], "`cost` returned nothing of a floating dtype, but list"),
        ],
        ids=str,
    )
    def test_a_cost_that_returns_no_number_is_refused(self, kit: Kit, returned: object, message: str) -> None:
        """The error says what it returned.

        If this fails: `evaluate` has to return what the cost returned, whatever it is.
        """
        with pytest.raises(InvalidInputError, match=message):
            check_gradients(lambda p: returned, model.params(kit), model.gradient(), backend=kit.name)

    def test_a_cost_that_returns_an_empty_tensor_is_refused(self, kit: Kit) -> None:
        """The error says its shape.

        If this fails: `to_numpy` of an empty tensor loses its shape.
        """
        with pytest.raises(InvalidInputError, match=r"`cost` returned an empty tensor \(shape \(0,\)\)"):
            check_gradients(lambda p: kit.constant(np.zeros(0)), model.params(kit), model.gradient(), backend=kit.name)

    def test_gradients_of_another_shape_are_refused(self, kit: Kit) -> None:
        """Transposed, with both shapes.

        If this fails: the layout has another shape than the parameter.
        """
        transposed = {**model.gradient(), "w": model.gradient()["w"].T}
        with pytest.raises(InvalidInputError, match=r"`w` has shape \(2, 3\), but `w` has \(3, 2\) \(transposed\?\)"):
            check_gradients(model.make_cost(kit), model.params(kit), transposed, backend=kit.name)

    def test_a_zero_dimensional_leaf_is_checked(self, kit: Kit) -> None:
        """A parameter of shape ``()``.

        If this fails: a scalar became an array of one entry, or a Python number.
        """

        def checked(claim: object) -> GradientReport:
            return check_gradients(lambda p: kit.tanh(p["s"]), {"s": kit.array(0.3)}, claim, backend=kit.name)

        assert checked({"s": 2.0}).verdict is Verdict.BUG
        right = checked({"s": 1 - np.tanh(0.3) ** 2})
        assert right.verdict is Verdict.CORRECT
        assert right.parameters["s"].worst_index == ()

    def test_empty_and_integer_leaves_are_carried(self, kit: Kit) -> None:
        """They are handed to the cost, and the report says that they were not checked.

        If this fails: hand what is not checked to `Layout.of` as `carried`.
        """
        w = np.array([0.3, 0.4])
        params = {"w": kit.array(w), "none": kit.array(np.zeros((0, 3))), "n": kit.array([1, 2], "int32")}
        claim = {"w": 1 - np.tanh(w) ** 2, "none": None, "n": None}

        report = check_gradients(lambda p: kit.sum(kit.tanh(p["w"])), params, claim, backend=kit.name)

        assert report.verdict is Verdict.CORRECT
        assert list(report.parameters) == ["w"]
        assert any("not checked: " in n and "`none` (empty)" in n and "`n` (int32)" in n for n in report.notes)
