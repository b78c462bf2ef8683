"""One implementation of a model: its values, cost and gradients, and what finite differences say of them."""

import contextlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, final

import numpy.typing as npt

from ...case import GradientCase
from ...check.api import check_case
from ...errors import InvalidInputError
from ...protocol import registry, trees
from ...protocol.backend import Capability
from ...protocol.layout import FloatVector, Layout
from ...report.gradient import GradientReport
from ...report.verdict import Verdict
from .live import Live

Arrays = Mapping[str, npt.NDArray[Any]]
"""By parameter name, arrays of the parameter's shape: float64, or complex128 for complex parameters."""


@final
@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: a case that was run here, or what was stored of one.

    Attributes
    ----------
    values, gradients
        By parameter, in theta's order; complex gradients are dJ/dx + i dJ/dy.
    report
        What finite differences say of the gradients; None if they were not asked here.
    live
        A way to ask for its cost at other values; None for a stored side.
    verdicts
        Of finite differences, by parameter; those of `report`, if it is given.
    roundoff, noise
        Unit roundoff of the precision in which the cost was evaluated; the cost's noise, absolute, 0 if not known.
    gradient_dtypes
        The dtypes in which the gradients were computed; if left out, those of the parameters.
    sizes
        Lengths of the axes of the arrays among the cost's arguments, e.g. the batch's.
    carried
        What else the params hold, such as running averages, and why it was not compared.
    asked_at
        Values of some parameters at which `cost` and `gradients` are taken, if they are not the side's own.
    """

    name: str
    backend: str
    values: Arrays
    gradients: Arrays
    cost: float
    dtypes: Mapping[str, str]
    report: GradientReport | None = None
    live: Live | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    roundoff: float = 2.0**-53
    noise: float = 0.0
    gradient_dtypes: Mapping[str, str] = field(default_factory=dict)
    sizes: tuple[int, ...] = ()
    carried: Mapping[str, str] = field(default_factory=dict)
    asked_at: Arrays = field(default_factory=dict)

    def __post_init__(self) -> None:
        reported = {} if self.report is None else {n: p.verdict for n, p in self.report.parameters.items()}
        # set past the frozen record's guard, which is what makes it read-only
        object.__setattr__(self, "verdicts", MappingProxyType({**reported, **self.verdicts}))
        object.__setattr__(self, "gradient_dtypes", MappingProxyType({**self.dtypes, **self.gradient_dtypes}))

    @property
    def theta(self) -> Arrays:
        """The values at which cost and gradients are taken."""
        return {**self.values, **self.asked_at}

    @property
    def contradicted(self) -> tuple[str, ...]:
        """The parameters whose gradient finite differences contradict."""
        return tuple(name for name, verdict in self.verdicts.items() if verdict.is_evidence)


def observe(case: GradientCase, name: str) -> Side:
    """Run a case: its gradient is claimed and checked as `check_gradients` does with the case's own options.

    Raises InvalidInputError if the case's options ask for second order, or `check_gradients` refuses it.
    """
    if case.options.get("order", 1) != 1:
        msg = f"the side `{name}` has the option order={case.options['order']!r}; gradients are compared: leave it out"
        raise InvalidInputError(msg)
    try:
        checked = check_case(case)
    except Exception as error:
        error.add_note(f"gradcheck: raised by the side `{name}`")
        raise
    findings, layout = checked.findings, checked.findings.layout
    claim = findings.gathered.claim
    assert claim is not None  # every check of first order has one
    names = [parameter.name for parameter in layout.parameters]
    widened = findings.precision == "float64" and Capability.FLOAT64 in checked.adapter.capabilities
    return Side(
        name=name,
        backend=checked.adapter.name,
        values=_split(findings.baseline.theta, layout),
        gradients=_split(claim.d_theta, layout),
        cost=findings.baseline.cost.value,
        dtypes={parameter.name: parameter.dtype for parameter in layout.parameters},
        report=checked.report,
        live=Live(checked.adapter, case, checked.options, "float64" if widened else "native", findings.baseline),
        roundoff=findings.baseline.roundoff,
        noise=findings.gathered.noise,
        gradient_dtypes=dict(zip(names, claim.dtypes, strict=True)),
        sizes=_find_sizes(case),
        carried={leaf.name: leaf.reason for leaf in layout.carried},
    )


def ask_at(side: Side, values: Arrays) -> Side | None:
    """The side's cost and gradients at other values of its parameters; None where it cannot be asked."""
    if side.live is None or not side.live.has_gradient:
        return None
    with side.live.ask() as asked:
        return replace(side, cost=asked.cost(values), gradients=asked.gradients(values), asked_at=values)


def _split(vector: FloatVector, layout: Layout) -> dict[str, npt.NDArray[Any]]:
    return {parameter.name: parameter.tensor(vector[parameter.range]) for parameter in layout.parameters}


def _find_sizes(case: GradientCase) -> tuple[int, ...]:
    """Lengths of the axes of the cost's array arguments, each once, those of first axes first."""
    shapes = []
    for leaf in trees.leaves(case.args):
        with contextlib.suppress(Exception):  # a model or a function among the arguments has no shape
            shapes.append(registry.to_numpy(leaf.value).shape)
    return tuple(dict.fromkeys(length for axis in itertools.zip_longest(*shapes) for length in axis if length))
