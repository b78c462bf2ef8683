"""The conformance suite."""

import pytest
from tensorflow_kit import KIT

from gradcheck_core.testing import BackendConformance


class TestTensorflow(BackendConformance):
    @pytest.fixture
    def kit(self):
        return KIT
