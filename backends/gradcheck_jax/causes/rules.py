"""How other frameworks compute, in JAX's primitives: rules that evaluate an equation in another way."""

import math
from collections.abc import Sequence
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import JaxprEqn, Literal

from gradcheck_core.protocol.causes import LARGEST_EPSILON, find_axes, pad_differently, pad_window
from gradcheck_core.protocol.outputs import is_below_float64

from ..program import find_inlined

Values = Sequence[Any]
Results = list[Any] | None
"""What an equation gives instead; None if it is evaluated as it is."""

_CUBED, _SCALE = 0.044715, math.sqrt(2 / math.pi)
"""The constants of GELU's tanh approximation."""


def bind(equation: JaxprEqn, values: Values, **params: Any) -> Results:
    """The equation's primitive with other operands and parameters."""
    found = equation.primitive.bind(*values, **{**equation.params, **params})
    return list(found) if equation.primitive.multiple_results else [found]


def literal(equation: JaxprEqn, position: int) -> float | None:
    """A scalar that is written into the equation."""
    operand = equation.invars[position]
    if not isinstance(operand, Literal):
        return None
    written = np.asarray(operand.val)
    return float(written) if written.ndim == 0 and written.dtype.kind == "f" else None


def find_epsilon(equation: JaxprEqn) -> float | None:
    """The small number that an equation adds, if one is."""
    if equation.primitive.name != "add":
        return None
    found = [number for i in (0, 1) if (number := literal(equation, i)) is not None]
    return found[0] if found and 0 < found[0] <= LARGEST_EPSILON else None


def add_epsilon(chosen: Sequence[float], epsilon: float, equation: JaxprEqn, values: Values) -> Results:
    """Another epsilon in the place of the chosen ones."""
    if find_epsilon(equation) not in chosen:
        return None
    return bind(equation, [_like(v, epsilon) if literal(equation, i) is not None else v for i, v in enumerate(values)])


def _like(value: Any, number: float) -> Any:
    return jnp.asarray(number, jnp.result_type(value))


def approximate_gelu(equation: JaxprEqn, values: Values) -> Results:
    """The error function as GELU's tanh approximation has it."""
    if equation.primitive.name not in ("erf", "erfc"):
        return None
    x = math.sqrt(2) * values[0]
    approximate = jnp.tanh(_SCALE * (x + _CUBED * x**3))
    return [approximate if equation.primitive.name == "erf" else 1 - approximate]


def is_gelu_by_tanh(equation: JaxprEqn) -> bool:
    """Whether an equation is part of GELU's tanh approximation."""
    return equation.primitive.name == "mul" and _has(equation, _CUBED)


def _has(equation: JaxprEqn, number: float) -> bool:
    found = [literal(equation, i) for i in range(len(equation.invars))]
    return any(one is not None and math.isclose(one, number, rel_tol=1e-6) for one in found)


@final
class Exact:
    """The tanh of GELU's approximation as the error function."""

    def __init__(self) -> None:
        self._scaled: set[Any] = set()  # 0.044715 x**3
        self._inner: dict[Any, Any] = {}  # x + that, and sqrt(2 / pi) times that, to x

    def __call__(self, equation: JaxprEqn, values: Values) -> Results:
        name, out = equation.primitive.name, equation.outvars[0]
        operands = [None if isinstance(one, Literal) else one for one in equation.invars]
        if is_gelu_by_tanh(equation):
            self._scaled.add(out)
        elif name == "add" and any(one in self._scaled for one in operands):
            self._inner[out] = values[0 if operands[1] in self._scaled else 1]
        elif name == "mul" and _has(equation, _SCALE):
            known = [self._inner[one] for one in operands if one in self._inner]
            self._inner.update([(out, known[0])] if known else [])
        elif name == "tanh" and operands[0] in self._inner:
            return [jax.scipy.special.erf(self._inner[operands[0]] / math.sqrt(2))]
        return None


@final
class WithoutDropout:
    """Dropout without effect: what a mask lets through scaled up, or drops, passes as it is."""

    def __init__(self) -> None:
        self._kept: dict[Any, Any] = {}  # a mask, and the probability with which it keeps

    def __call__(self, equation: JaxprEqn, values: Values) -> Results:
        first = equation.invars[0] if equation.invars and not isinstance(equation.invars[0], Literal) else None
        if equation.params.get("name") == "_bernoulli":
            self._kept[equation.outvars[0]] = values[1]
        elif first in self._kept and equation.primitive.name in ("broadcast_in_dim", "reshape"):
            self._kept[equation.outvars[0]] = self._kept[first]
        elif first in self._kept and equation.primitive.name == "select_n":
            return [values[2] * self._kept[first]]
        elif first in self._kept and equation.params.get("name") == "_where":
            return [jnp.broadcast_to(values[1] * self._kept[first], equation.outvars[0].aval.shape)]
        return None


def find_slope(equation: JaxprEqn) -> float | None:
    """The slope of a leaky ReLU."""
    inner = find_inlined(equation)
    if equation.params.get("name") != "leaky_relu" or inner is None:
        return None
    given = [number for i in range(len(equation.invars)) if (number := literal(equation, i)) is not None]
    written = [literal(one, i) for one in inner.jaxpr.eqns if one.primitive.name == "mul" for i in (0, 1)]
    return next((number for number in (*given, *written) if number is not None), None)


def set_slope(slope: float, equation: JaxprEqn, values: Values) -> Results:
    """A leaky ReLU with another slope."""
    return None if find_slope(equation) is None else [jnp.where(values[0] >= 0, values[0], slope * values[0])]


def is_convolution(equation: JaxprEqn) -> bool:
    """Whether an equation is a convolution."""
    return equation.primitive.name == "conv_general_dilated"


def find_other_padding(equation: JaxprEqn, at_the_end: bool) -> tuple[tuple[int, int], ...] | None:
    """The padding of a window with more of it at the end, or as much on both sides; None if it is so already."""
    params = equation.params
    if is_convolution(equation):
        lhs, rhs = (params["dimension_numbers"].lhs_spec[2:], params["dimension_numbers"].rhs_spec[2:])
        lengths = [equation.invars[0].aval.shape[axis] for axis in lhs]
        windows = [equation.invars[1].aval.shape[axis] for axis in rhs]
        dilations = params["rhs_dilation"]
    elif equation.primitive.name in ("reduce_window_max", "reduce_window_sum"):
        lengths, windows = equation.invars[0].aval.shape, params["window_dimensions"]
        dilations = params["window_dilation"]
    else:
        return None
    present = tuple(map(tuple, params["padding"]))
    axes = zip(windows, params["window_strides"], dilations, strict=True)
    padding = tuple(
        pad_window(length, axis, at_the_end, now) for length, axis, now in zip(lengths, axes, present, strict=True)
    )
    return None if padding == present else padding


def pad_windows(names: frozenset[str], at_the_end: bool, equation: JaxprEqn, values: Values) -> Results:
    """Windows of these primitives in their other padding."""
    padding = find_other_padding(equation, at_the_end) if equation.primitive.name in names else None
    return None if padding is None else bind(equation, values, padding=padding)


def move_pads(at_the_end: bool, equation: JaxprEqn, values: Values) -> Results:
    """Padding of its own with one less at the beginning, or as much on both sides; None if it is so already."""
    if not is_padded(equation):
        return None
    pads = tuple(map(tuple, equation.params["padding_config"]))
    moved = tuple((*pad_differently(low, high, at_the_end), inner) for low, high, inner in pads)
    return None if moved == pads else bind(equation, values, padding_config=moved)


def is_padded(equation: JaxprEqn) -> bool:
    """Whether an equation is a padding."""
    return equation.primitive.name == "pad"


def read_in_layout(layout: str, equation: JaxprEqn, values: Values) -> Results:
    """A convolution of an input whose entries are read in another layout, in the shape that it has."""
    if not is_convolution(equation):
        return None
    data, *others = values
    view, axes, shape = find_axes(layout, data.shape, equation.params["dimension_numbers"].lhs_spec[1])
    return bind(equation, [data.reshape(view).transpose(axes).reshape(shape), *others])


def is_lower(variable: Any) -> bool:
    """Whether a variable of a program is of a floating dtype below float64."""
    dtype = getattr(variable.aval, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, jnp.floating) and is_below_float64(str(dtype))


def widen(equation: JaxprEqn, values: Values) -> Results:
    """Every floating operand in float64, and no result turned down."""
    wide = [_wide(value) for value in values]
    if find_inlined(equation) is not None or not any(map(is_lower, (*equation.outvars, *equation.invars))):
        return None
    params = {
        name: jnp.float64
        for name in ("new_dtype", "preferred_element_type", "dtype")
        if equation.params.get(name) is not None and is_below_float64(str(jnp.dtype(equation.params[name])))
    }
    return bind(equation, wide, **params)


def _wide(value: Any) -> Any:
    return jnp.asarray(value, jnp.float64) if jnp.issubdtype(jnp.result_type(value), jnp.floating) else value
