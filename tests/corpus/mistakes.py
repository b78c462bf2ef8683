"""The mistakes of hand-written backpropagation, each a function from the right gradient to the wrong one."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from corpus.records import RIGHT, Claim, Setting

Change = Callable[[np.ndarray], np.ndarray]


def _changed(kind: str, parameters: str, change: Change, detail: str = "", float64_only: bool = False) -> Claim:
    return Claim(
        kind, tuple(parameters.split()), lambda setting, name: change(setting.grads[name]), detail, float64_only
    )


def right(parameters: str, values: Callable[[Setting, str], np.ndarray], detail: str) -> Claim:
    """Another right claim, such as one more subgradient on a kink."""
    return Claim(RIGHT, tuple(parameters.split()), values, detail)


def in_float64(*claims: Claim) -> tuple[Claim, ...]:
    """Claims to be made in float64 only, because float32 hides the mistake or makes one."""
    return tuple(replace(claim, float64_only=True) for claim in claims)


def by_hand(kind: str, parameter: str, values: Callable[[Setting], np.ndarray], detail: str = "") -> Claim:
    """A mistake that is made on the way: it needs more than the right gradient."""
    return Claim(kind, (parameter,), lambda setting, name: values(setting), detail)


def sign_flipped(parameters: str) -> Claim:
    return _changed("sign_flipped", parameters, np.negative)


def scaled(parameters: str, factor: float, detail: str) -> Claim:
    return _changed("scaled", parameters, lambda g: factor * g, detail)


def doubled(parameters: str) -> Claim:
    return scaled(parameters, 2.0, "2")


def halved(parameters: str) -> Claim:
    return scaled(parameters, 0.5, "half")


def times_batch(parameters: str, batch: int) -> Claim:
    return scaled(parameters, float(batch), "batch")


def over_batch(parameters: str, batch: int) -> Claim:
    return scaled(parameters, 1.0 / batch, "1-over-batch")


def zero(parameters: str) -> Claim:
    return _changed("zero", parameters, np.zeros_like)


def transposed(parameter: str, axes: tuple[int, ...] | None = None) -> Claim:
    return _changed("transposed", parameter, lambda g: np.transpose(g, axes))


def misread(parameter: str) -> Claim:
    """The entries of the transpose, laid out in the parameter's shape: Fortran order taken for C order."""
    return _changed("transposed", parameter, lambda g: g.T.reshape(g.shape), "order")


def reversed_axes(parameter: str, *axes: int) -> Claim:
    return _changed("reversed", parameter, lambda g: np.flip(g, axes), "axis" + "".join(map(str, axes)))


def shifted(parameter: str, axis: int, by: int = 1) -> Claim:
    return _changed(
        "shifted", parameter, lambda g: np.roll(g, by, axis), f"axis{axis}" + ("" if by == 1 else f"by{by}")
    )


def permuted(parameter: str, axis: int, order: tuple[int, ...]) -> Claim:
    return _changed("permuted", parameter, lambda g: np.take(g, order, axis), f"axis{axis}")


def swapped(one: str, other: str) -> Claim:
    """Two gradients of the same shape, returned in the wrong order."""
    return Claim("swapped", (one, other), lambda setting, name: setting.grads[other if name == one else one])


def of_another(parameter: str, other: str) -> Claim:
    """The gradient of another parameter of the same shape."""
    return Claim("swapped", (parameter,), lambda setting, name: setting.grads[other], f"with-{other}")


def averaged(parameter: str, axis: int) -> Claim:
    """As if each slice had the mean of all along an axis: a mean kept and broadcast."""
    return _changed(
        "reduction", parameter, lambda g: np.broadcast_to(g.mean(axis, keepdims=True), g.shape), f"axis{axis}"
    )


def weight_decay(parameters: str, rate: float) -> Claim:
    """A term proportional to theta too much, or, where the rate is negative, one that is missing."""
    return Claim(
        "weight_decay",
        tuple(parameters.split()),
        lambda setting, name: setting.grads[name] + rate * setting.params[name],
        "extra" if rate > 0 else "missing",
    )


def l1(parameters: str, rate: float) -> Claim:
    """A term proportional to sign(theta) too much, or, where the rate is negative, one that is missing."""
    return Claim(
        "l1",
        tuple(parameters.split()),
        lambda setting, name: setting.grads[name] + rate * np.sign(setting.params[name]),
        "extra" if rate > 0 else "missing",
    )


def offset(parameter: str, size: float, axis: int | None = None) -> Claim:
    """A constant too much: the same everywhere, or growing along an axis, as of a missing mean-subtraction path."""

    def change(g: np.ndarray) -> np.ndarray:
        if axis is None:
            return g + size
        shape = [1] * g.ndim
        shape[axis] = g.shape[axis]
        return g + size * (1 + np.arange(g.shape[axis])).reshape(shape)

    return _changed("offset", parameter, change, "" if axis is None else f"axis{axis}")


def partial(parameter: str, where: object, factor: float = 0.0, detail: str = "") -> Claim:
    """Only some rows, columns or time steps are wrong: zero, or multiplied by a factor."""

    def change(g: np.ndarray) -> np.ndarray:
        wrong = g.copy()
        wrong[where] *= factor
        return wrong

    return _changed("partial", parameter, change, detail)


def single_entry(parameter: str, index: tuple[int, ...], factor: float = 1.5) -> Claim:
    return _changed("single_entry", parameter, lambda g: _at(g, index, factor * g[index]), "-".join(map(str, index)))


def not_finite(parameter: str, index: tuple[int, ...], value: float = np.nan) -> Claim:
    return _changed("not_finite", parameter, lambda g: _at(g, index, value), str(value))


def slightly_scaled(parameters: str, by: float = 4e-5) -> Claim:
    """A relative error of 4e-5 in all entries: a difference of 2e-5."""
    return _changed("scaled", parameters, lambda g: (1 + by) * g, "slightly", float64_only=True)


def slightly_off_entry(parameter: str, by: float = 1e-4) -> Claim:
    """The largest entry is off by a ten-thousandth: a difference of a few 1e-5 where it stands out."""

    def change(g: np.ndarray) -> np.ndarray:
        index = np.unravel_index(np.argmax(np.abs(g)), g.shape)
        return _at(g, index, (1 + by) * g[index])

    return _changed("single_entry", parameter, change, "slightly", float64_only=True)


def _at(g: np.ndarray, index: tuple[int, ...], value: float) -> np.ndarray:
    wrong = g.copy()
    wrong[index] = value
    return wrong
