"""The result of a check: a frozen record that can say itself as text, as plain values and as a page."""

from dataclasses import dataclass, fields
from typing import Any, final

from .base import to_plain
from .extras import require_report_extra
from .records import GradientRecord
from .text import render_text

FORMAT_VERSION = 1
"""Of `GradientReport.to_dict`; grows when a key changes its meaning or goes."""


@final
@dataclass(frozen=True, slots=True)
class GradientReport(GradientRecord):
    """The outcome of one check. `str(report)` is the text for a person, `to_dict` and `to_json` are for programs.

    Attributes
    ----------
    verdict : Verdict
        The worst parameter's.
    difference, resolution : float
        Over all of theta, relative, in [0, 1].
    cost : float
        J at theta.
    parameters : mapping of str to ParameterReport
        By name, in theta's order.
    method, scheme, precision, backend : str
        How the numeric gradient was taken.
    evaluations : int
        How often the cost was called.
    seconds : float
        Wall-clock time of the whole check.
    certificate : Certificate or None
        Of a check by random directions.
    notes : tuple of str
        What else a reader should know.
    order : int
        1: the gradient was checked; 2: Hessian-vector products.
    first : str
        Name of the wrong parameter to look at first; empty where none is wrong.
    stopped : str
        Which limit ended the check before every coordinate or direction was measured; the first note too. Empty where
        none did, though it may have kept the check from measuring some of them better.
    pictures : Pictures
        What `to_html` and `plots` draw; not in `to_dict`, and of no account where two reports are compared.
    """

    def __str__(self) -> str:
        return render_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with stable keys; numbers that are not finite become strings."""
        return {
            "format_version": FORMAT_VERSION,
            "passed": self.passed,
            "worst": self.worst.name,
            **{each.name: to_plain(getattr(self, each.name)) for each in fields(self) if each.name != "pictures"},
        }

    def _page(self) -> str:
        require_report_extra("to_html")
        # Jinja2 and matplotlib are an extra, and take longer to import than most checks
        from .pages import gradient_page

        return gradient_page(self)
