"""The conformance suite."""

import pytest
from numpy_kit import KIT

from gradcheck_core.testing import BackendConformance


class TestNumpy(BackendConformance):
    @pytest.fixture
    def kit(self):
        return KIT
