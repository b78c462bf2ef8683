"""The conformance suite."""

import pytest
from jax_kit import KIT

from gradcheck_core.testing import BackendConformance


class TestJax(BackendConformance):
    @pytest.fixture
    def kit(self):
        return KIT
