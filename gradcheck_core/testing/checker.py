"""What the fixture `gradcheck` hands to a test."""

from typing import TYPE_CHECKING, Any, final

from .asker import Asker
from .records import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..report.gradient import GradientReport


@final
class Checker:
    """``gradcheck(cost, params, grads=None, **options)``: takes what `check_gradients` takes, and asserts.

    The seed and the backend come from the command line unless they are passed.
    """

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def __call__(
        self, cost: "Callable[..., object]", params: object, grads: object = None, **options: Any
    ) -> "GradientReport":
        """Check a gradient.

        Returns
        -------
        GradientReport
            The report of a check that passed.

        Raises
        ------
        GradientCheckError
            If it does not pass; the text is the report and the command that repeats the check.
        """
        __tracebackhide__ = True
        from ..check.api import check_gradients  # not at the top: a suite that checks no gradient needs none of it

        used: dict[str, Any] = self._asker.options(options)
        report = check_gradients(cost, params, grads, **used)
        self._asker.keep(Record.of(report), report, f" --gradcheck-seed={used['seed']}")
        return report
