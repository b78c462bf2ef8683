"""What checks in several processes need set for a test."""

import joblib
import pytest

from gradcheck_core.evaluate import pool


@pytest.fixture
def every_sweep_is_worth_sending(monkeypatch):
    monkeypatch.setattr(pool, "_WORTH", 0.0)


@pytest.fixture
def threads():
    """Workers that are threads of this process: they have the problem once, and can be looked at."""
    with joblib.parallel_config(backend="threading"):
        yield
