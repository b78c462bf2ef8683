"""The conformance suite: what a backend's author subclasses, with one fixture."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from .alterations import Alterations
from .bad_input import BadInput
from .declared import Declared
from .derivatives import DerivativeLaws
from .doubles import Doubles
from .kit import Kit
from .laws import Laws
from .leaves import Leaves
from .scenarios import Scenarios


class BackendConformance(Leaves, Laws, DerivativeLaws, Alterations, Scenarios, Declared, Doubles, BadInput):
    """Every law of the protocol, and checks of small models, as tests of one backend.

    Subclass it in a test module, under a name that pytest collects, and define the fixture `kit`. What the backend
    does not declare is skipped, with the reason. A test that fails says in its docstring where to look.

    Attributes
    ----------
    deviations : mapping
        Reasons by the names of standard tests, as pytest shows them (``test_x``, or ``test_x[float16]`` for one of its
        cases). A test that is named here has to fail, and is reported as an expected failure with its reason; or it is
        overridden, and then the override runs. A standard test that is overridden, or set to None, without a reason
        fails the suite.

    Examples
    --------
    ::

        class TestMine(BackendConformance):
            deviations = {"test_to_numpy_keeps_values_and_shape": "its scalars are arrays of one entry"}

            @pytest.fixture
            def kit(self):
                return Kit(name="mine", array=mine.array, ...)
    """

    deviations: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture
    def kit(self) -> Kit:
        """To be defined by the subclass."""
        pytest.fail(f"{type(self).__name__} has no fixture `kit`: define one that returns a gradcheck_core.testing.Kit")

    @pytest.fixture(autouse=True)
    def _expected_failure(self, request: pytest.FixtureRequest) -> None:
        reason = self.deviations.get(request.node.name) or self.deviations.get(request.node.originalname)
        if reason and request.node.originalname not in _overridden(type(self)):
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))

    def test_every_deviation_from_the_suite_has_a_reason(self) -> None:
        """What is overridden is named in `deviations`, with a reason; what is named there exists.

        If this fails: write down why this backend differs, or remove what is out of date.
        """
        unexplained = sorted(name for name in _overridden(type(self)) if not self.deviations.get(name, "").strip())
        unknown = sorted(name for name in self.deviations if name.partition("[")[0] not in _standard())
        empty = sorted(name for name, reason in self.deviations.items() if not reason.strip())

        assert not unexplained, f"overridden without a reason in `deviations`: {', '.join(unexplained)}"
        assert not unknown, f"`deviations` names what is not a standard test: {', '.join(unknown)}"
        assert not empty, f"`deviations` gives no reason for {', '.join(empty)}"


def _standard() -> dict[str, Any]:
    return {name: getattr(BackendConformance, name) for name in dir(BackendConformance) if name.startswith("test_")}


def _overridden(suite: type) -> list[str]:
    return [name for name, test in _standard().items() if getattr(suite, name, None) is not test]
