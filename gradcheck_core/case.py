"""The arguments of one check, named, to be kept in a file and reused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, final


@final
@dataclass(frozen=True, slots=True)
class GradientCase:
    """One check's arguments.

    Attributes
    ----------
    cost, params, grads, args
        As for `check_gradients`.
    name : str or None
        How reports call the case.
    options : mapping
        Further keyword arguments of `check_gradients`, e.g. ``{"include": "*.weight"}``.

    Examples
    --------
    >>> import numpy as np
    >>> from gradcheck_core import check_gradients
    >>> case = GradientCase(lambda w: float(w @ w), np.ones(2), grads=np.full(2, 2.0), name="square")
    >>> check_gradients(case.cost, case.params, case.grads, args=case.args, **case.options).verdict
    <Verdict.CORRECT: 'CORRECT'>
    """

    cost: Callable[..., object]
    params: object
    grads: object = None
    args: tuple[object, ...] = ()
    name: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
