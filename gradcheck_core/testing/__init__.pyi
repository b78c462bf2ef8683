"""For test suites: the pytest plugin, and what a backend's author tests a backend with."""

from .conformance import BackendConformance as BackendConformance
from .kit import Kit as Kit

__all__ = ["BackendConformance", "Kit"]
