"""A model, its gradient by hand, and the claims made about it: all data, no framework."""

import enum
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arrays = Mapping[str, np.ndarray]

RIGHT = "right"

PATH = "path"
"""A part of the backward pass is missing or too much, which leaves no pattern of its own in the gradient."""

KINDS = (
    "sign_flipped",
    "scaled",
    "zero",
    "single_entry",
    "partial",
    "transposed",
    "reversed",
    "shifted",
    "permuted",
    "swapped",
    "reduction",
    "weight_decay",
    "l1",
    "offset",
    "not_finite",
    PATH,
)
"""The names that `Diagnosis.kind` has for them, and one for what it has none."""


@dataclass(frozen=True, eq=False)
class Setting:
    """What a claim is made of: parameters, data and the right gradient, NumPy arrays in float64."""

    params: Arrays
    data: Mapping[str, Any]
    grads: Arrays


@dataclass(frozen=True, eq=False)
class Claim:
    """One claimed gradient of a model: right in all parameters but those named, if its kind is not RIGHT.

    `values(setting, name)` is what is claimed for a parameter. `float64_only`: float32 hides the mistake, since it is
    slight or the cost noisy there; or the claim is right only before the parameters are rounded. `rule`: those in
    whose own part of the backward pass the mistake is made, where it is passed on to others; else all that are wrong.
    """

    kind: str
    parameters: tuple[str, ...]
    values: Callable[[Setting, str], np.ndarray]
    detail: str = ""
    float64_only: bool = False
    rule: tuple[str, ...] = ()

    @property
    def culprits(self) -> tuple[str, ...]:
        return self.rule or self.parameters

    @property
    def label(self) -> str:
        return ":".join(filter(None, ["+".join(self.parameters), "-".join(filter(None, [self.kind, self.detail]))]))

    def made(self, setting: Setting) -> dict[str, np.ndarray]:
        claimed = {name: np.array(value, dtype=np.float64) for name, value in setting.grads.items()}
        for name in self.parameters:
            claimed[name] = np.array(self.values(setting, name), dtype=np.float64)
        return claimed


OWN = Claim(RIGHT, (), lambda setting, name: setting.grads[name])
"""The model's own gradient by hand."""


class Autodiff(enum.Enum):
    """What automatic differentiation gives at these parameters."""

    AGREES = "the gradient by hand"
    CONVENTION = "one of several right values: each framework has its own convention, or its own rounding of zero"
    WRONG = "no subgradient"
    NONE = "nothing: the cost is a rounded version of what its gradient means"


@dataclass(frozen=True, eq=False)
class Model:
    """A cost written once, and its gradient by hand.

    `cost(ops, params, data)` uses a framework's own operations on its own tensors, under the names in `*_ops.py`;
    `gradient(params, data)` is NumPy. Floating data become tensors of the framework, all else is handed on as it is.
    """

    name: str
    family: str
    params: Arrays
    cost: Callable[[Any, Any, Any], Any]
    gradient: Callable[[Arrays, Mapping[str, Any]], dict[str, Any]]
    data: Mapping[str, Any] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    autodiff: Autodiff = Autodiff.AGREES

    def setting(self, dtype: str = "float64") -> Setting:
        """With parameters and data as they are once rounded to a dtype."""
        params = {name: through(value, dtype) for name, value in self.params.items()}
        data = {name: through(value, dtype) if is_floating(value) else value for name, value in self.data.items()}
        return Setting(params, data, {name: np.asarray(g) for name, g in self.gradient(params, data).items()})


@dataclass(frozen=True, eq=False)
class Case:
    """One line of the table: a model and a claim about it."""

    model: Model
    claim: Claim

    @property
    def name(self) -> str:
        return f"{self.model.name}:{self.claim.label}"

    @property
    def right(self) -> bool:
        return self.claim.kind == RIGHT


def through(values: Any, dtype: str) -> np.ndarray:
    """Rounded to a dtype, in float64."""
    return np.asarray(values, dtype=dtype).astype(np.float64)


def is_floating(value: Any) -> bool:
    return isinstance(value, np.ndarray | float) and np.asarray(value).dtype.kind == "f"


def draw(model: str, **shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Normal arrays, seeded by the model's name so that no other model changes them."""
    generator = np.random.default_rng(zlib.crc32(model.encode()))
    return {name: generator.normal(size=shape) for name, shape in shapes.items()}


def difference(claimed: np.ndarray, right: np.ndarray) -> float:
    """The textbook's normalised difference."""
    with np.errstate(invalid="ignore"):  # of a claim that is not finite there is none
        total = np.linalg.norm(claimed) + np.linalg.norm(right)
        return float(np.linalg.norm(claimed - right) / total) if total else 0.0
