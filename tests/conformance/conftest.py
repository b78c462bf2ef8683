"""pytester forgets after each of its runs what was imported in it: what has to be one and the same is imported here."""

from gradcheck_core import *  # noqa: F403
from gradcheck_core.check.api import check_gradients as check_gradients
from gradcheck_core.testing.conformance import BackendConformance as BackendConformance
