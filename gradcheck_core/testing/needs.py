"""Why a test of the suite does not apply: every skip carries its reason."""

from collections.abc import Callable
from typing import Any

import pytest

from gradcheck_core.protocol.backend import Capability

from .kit import Kit


def require(kit: Kit, capability: Capability) -> None:
    """Skip a test of a capability that the backend does not declare."""
    if not kit.declares(capability):
        pytest.skip(f"{kit.name} does not declare {capability.value}")


def require_dtype(kit: Kit, dtype: str) -> None:
    """Skip a test of a dtype that the framework does not have; fail where the kit names one that it cannot make."""
    if dtype not in ("float64", *kit.dtypes):
        pytest.skip(f"{kit.name} has no {dtype}")
    try:
        kit.array([1.0], dtype)
    except Exception as error:
        pytest.fail(
            f"the kit's `array` cannot make {dtype} ({type(error).__name__}: {error}); `dtypes` of the kit has to name "
            "those that the framework has, beside float64"
        )


def need_overwrite(kit: Kit) -> Callable[[Any, float], Any]:
    """The function that overwrites a parameter in place; skips where tensors are immutable."""
    if kit.overwrite is None:
        pytest.skip(f"{kit.name}'s tensors are immutable")
    return kit.overwrite


def need_gelu(kit: Kit) -> Callable[[Any], Any]:
    """The kit's GELU; skips where the backend gives no alterations of it."""
    if kit.gelu is None or kit.alterations is None:
        pytest.skip(f"{kit.name}'s kit has no gelu or no alterations, as for a backend that registers no causes")
    return kit.gelu


def need_draw(kit: Kit) -> Callable[[], Any]:
    """The function that draws a random number; skips where the framework has no global generator."""
    if kit.draw is None:
        pytest.skip(f"{kit.name} has no global generator")
    return kit.draw
