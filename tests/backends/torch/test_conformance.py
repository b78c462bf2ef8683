"""The conformance suite."""

import pytest
from torch_kit import KIT

from gradcheck_core.testing import BackendConformance


class TestTorch(BackendConformance):
    @pytest.fixture
    def kit(self):
        return KIT
