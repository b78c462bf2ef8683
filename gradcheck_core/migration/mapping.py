"""Which parameter of one model is which of another's, and how to carry values and gradients over."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Self, final

import numpy as np

from ..errors import MappingError
from . import map_toml
from .entries import Array
from .entries import MapEntry as MapEntry
from .tensors import read


@final
@dataclass(frozen=True)
class ParameterMap:
    """What every parameter of a target model is made of in a source model.

    Attributes
    ----------
    entries : mapping
        From the target's name to its `MapEntry`, which has the source's name (`source`; several where several feed one
        target) and the permutation of axes (`axes`), and where needed slices, a view, a shape and a sum.
    unresolved : mapping
        From the name of a target that has no entry to the reason.

    Examples
    --------
    >>> import numpy as np
    >>> dense = ParameterMap({"kernel": MapEntry.of("weight", (1, 0))})
    >>> dense.apply({"weight": np.arange(6.0).reshape(3, 2)})["kernel"]
    array([[0., 2., 4.],
           [1., 3., 5.]])
    >>> print(dense.to_toml())
    format = 1
    <BLANKLINE>
    [entries.kernel]
    source = "weight"
    axes = [1, 0]
    <BLANKLINE>
    >>> ParameterMap.from_toml(dense.to_toml()) == dense
    True
    """

    entries: Mapping[str, MapEntry]
    unresolved: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep copies that nobody can change, of entries that are sound."""
        for name, entry in self.entries.items():
            if not isinstance(entry, MapEntry):
                msg = f"`ParameterMap`: the entry of `{name}` is {type(entry).__name__}; pass MapEntry.of(source, axes)"
                raise MappingError(msg)
        both = sorted(set(self.entries) & set(self.unresolved))
        if both:
            msg = f"`ParameterMap`: `{both[0]}` has an entry and is unresolved too; take it out of `unresolved`"
            raise MappingError(msg)
        object.__setattr__(self, "entries", MappingProxyType(dict(self.entries)))
        object.__setattr__(self, "unresolved", MappingProxyType(dict(self.unresolved)))

    @classmethod
    def identity(cls, shapes: Mapping[str, tuple[int, ...]]) -> Self:
        """Every parameter onto itself, from names and shapes."""
        return cls({name: MapEntry.of(name, tuple(range(len(shape)))) for name, shape in shapes.items()})

    def apply(self, values: object) -> dict[str, Array]:
        """The target's values from the source's, by name; unresolved targets are left out.

        Of two targets whose sum is one source, the first gets its value and the second is zero.

        Parameters
        ----------
        values : mapping of str to numpy.ndarray, or parameters of any framework
            The source's: arrays by name, or the model itself, whose values then come as float64.

        Raises
        ------
        MappingError
            If a source is missing or has another shape than the mapping needs; naming the target.
        """
        arrays = _by_name("apply", values)
        return {name: _carry("apply", name, entry.value, arrays) for name, entry in self.entries.items()}

    def apply_gradients(self, gradients: object) -> dict[str, Array]:
        """The gradient by the target's parameters from that by the source's; unresolved targets are left out.

        It differs from `apply` for sums. Of a target T = S1 + S2, dJ/dT = dJ/dS1 = dJ/dS2; and of two targets whose sum
        is one source, both have the source's.

        Raises
        ------
        MappingError
            As `apply`.
        """
        arrays = _by_name("apply_gradients", gradients)
        return {name: _carry("apply_gradients", name, entry.gradient, arrays) for name, entry in self.entries.items()}

    def to_toml(self) -> str:
        """The mapping as TOML text that a person can edit and `from_toml` reads."""
        return map_toml.write(self.entries, self.unresolved)

    @classmethod
    def from_toml(cls, toml: str | PathLike[str]) -> Self:
        """The mapping that TOML text, or the file of that path, has.

        Parameters
        ----------
        toml : str or path
            A string without a line break or ``=`` is a path.

        Raises
        ------
        MappingError
            If it is not TOML, or not a mapping; naming the line, or the table and key.
        """
        if isinstance(toml, str) and ("\n" in toml or "=" in toml or not toml.strip()):
            return cls(*map_toml.read(toml, "text"))
        path = Path(toml)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            msg = f"`ParameterMap.from_toml`: {path} cannot be read: {error}; pass TOML text or the path of a TOML file"
            raise MappingError(msg) from error
        return cls(*map_toml.read(text, str(path)))


def _by_name(method: str, arrays: object) -> Mapping[str, Array]:
    if isinstance(arrays, Mapping) and all(isinstance(array, np.ndarray) for array in arrays.values()):
        return arrays
    return {name: tensor.values for name, tensor in read(arrays, f"ParameterMap.{method}").items()}


def _carry(
    method: str, target: str, carry: Callable[[Mapping[str, Array]], Array], arrays: Mapping[str, Array]
) -> Array:
    try:
        return carry(arrays)
    except MappingError as error:
        msg = f"`ParameterMap.{method}`: target `{target}`: {error}"
        raise MappingError(msg) from None
