"""Why a test of the suite does not apply: every skip carries its reason."""

from collections.abc import Callable
from typing import Any

import pytest

from gradcheck_core.protocol import Capability

from .kit import Kit


def require(kit: Kit, capability: Capability) -> None:
    """Skip a test of a capability that the backend does not declare."""
    if not kit.declares(capability):
        pytest.skip(f"{kit.name} does not declare {capability.value}")


def require_dtype(kit: Kit, dtype: str) -> None:
    """Skip a test of a dtype that the framework does not have."""
    if dtype not in ("float64", *kit.dtypes):
        pytest.skip(f"{kit.name} has no {dtype}")


def overwriting(kit: Kit) -> Callable[[Any, float], Any]:
    """How a parameter is overwritten in place; skips where tensors are immutable."""
    if kit.overwrite is None:
        pytest.skip(f"{kit.name}'s tensors are immutable")
    return kit.overwrite


def drawing(kit: Kit) -> Callable[[], Any]:
    """How a random number is drawn; skips where the framework has no global generator."""
    if kit.draw is None:
        pytest.skip(f"{kit.name} has no global generator")
    return kit.draw
