"""What a test keeps of each check, as user properties: JUnit XML has them, and pytest-xdist sends them on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Self, final

if TYPE_CHECKING:
    from ..report.gradient import GradientReport

Property = tuple[str, object]

_PREFIX = "gradcheck"


@final
@dataclass(frozen=True, slots=True)
class Record:
    """The outcome of one check, or of one comparison with a snapshot.

    The difference and the resolution are those over all of theta, or, with a snapshot, the largest of any parameter.
    """

    verdict: str
    difference: float
    resolution: float
    backend: str
    evaluations: int
    seconds: float

    @classmethod
    def of(cls, report: "GradientReport") -> Self:
        """Make the record of one check."""
        return cls(
            verdict=report.verdict.value,
            difference=report.difference,
            resolution=report.resolution,
            backend=report.backend,
            evaluations=report.evaluations,
            seconds=report.seconds,
        )

    def as_properties(self, number: int) -> list[Property]:
        """Write the record as properties of a test; `number` counts the checks of that test from 1."""
        start = _PREFIX if number == 1 else f"{_PREFIX}.{number}"
        return [(f"{start}.{name}", value) for name, value in asdict(self).items()]

    @classmethod
    def all_of(cls, properties: Sequence[Property]) -> list[Self]:
        """Read the records among a test's properties, in order."""
        found: dict[str, dict[str, Any]] = {}
        for name, value in properties:
            start, _, key = name.rpartition(".")
            if start == _PREFIX or start.startswith(f"{_PREFIX}."):
                found.setdefault(start, {})[key] = value
        names = {field.name for field in fields(cls)}
        return [cls(**values) for values in found.values() if values.keys() == names]
