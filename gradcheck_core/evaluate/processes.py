"""A case made ready to travel to other processes."""

from typing import final

from ..case import CheckOptions, GradientCase
from ..protocol.backend import Backend
from .parcel import Parcel
from .pool import Pool, several
from .preflight import Baseline
from .worker import Recipe


@final
class Processes:
    """The other processes that a check may use.

    Attributes
    ----------
    several : bool
        Whether joblib makes more than one of them; with one only, this process evaluates everything.
    """

    def __init__(self, adapter: Backend, case: GradientCase, options: CheckOptions, precision: str) -> None:
        self._adapter, self._options, self._precision = adapter, options, precision
        self.several = several(options.n_jobs)
        self._parcel = Parcel(case, adapter.reducers()) if self.several else None

    def pool(self, baseline: Baseline) -> Pool:
        """A pool of those processes, to be entered."""
        assert self._parcel is not None, "there are several"
        recipe = Recipe(
            backend=self._adapter.name,
            precision=self._precision,
            seed=self._options.seed,
            cost=baseline.cost.value,
            roundoff=baseline.roundoff,
            surroundings=self._adapter.surroundings(),
            batched_to=None,
        )
        return Pool(self._parcel, recipe, self._options.n_jobs)
