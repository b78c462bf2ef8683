"""Why a target was not found, as far as its values tell."""

from dataclasses import dataclass
from typing import final

import numpy as np

from ..tensors import Tensor
from .by_values import FEW_ENTRIES
from .ledger import Ledger
from .lookup import Pool
from .whole import fingerprints

_COINCIDENCE = 0.1
"""The share of values that unlike tensors have in common by chance, at most: float32 has but 2**24 fractions."""


@final
@dataclass(frozen=True, slots=True)
class Told:
    """Why a target was not found, in a sentence, and the source that has many of its values but is not it, if any."""

    reason: str
    source: str | None = None


def evidence(ledger: Ledger) -> dict[str, Told]:
    """What the values tell of every target that is not found; targets whose values tell nothing are left out."""
    names = [name for name in ledger.open_targets() if not ledger.targets[name].is_constant]
    if not names:
        return {}
    pool = Pool(ledger.values, ledger.precision)
    contents = fingerprints(ledger.sources.values(), ledger.precision)
    targets = fingerprints((ledger.targets[name] for name in names), ledger.precision)
    same = {name: contents.get(key, []) for key, group in targets.items() for name in group}
    told = {name: _of_values(ledger, name, pool, same[name]) for name in names}
    return {name: one for name, one in told.items() if one is not None}


def without_evidence(ledger: Ledger, name: str) -> str:
    """The reason for a target of which nothing is known."""
    target = ledger.targets[name]
    if target.is_constant:
        number = f"{target.values.reshape(-1)[0] + 0.0:.6g}"
        return f"its entries are all {number}, and no unused source of such a shape has that"
    return "its values are in no source, neither by themselves nor as a sum of two"


def _of_values(ledger: Ledger, name: str, pool: Pool, same: list[str]) -> Told | None:
    target = ledger.targets[name]
    users = [(source, user) for source in same for user in ledger.used_by(source)]
    if users:
        source, user = users[0]
        reason = (
            f"its values are those of `{source}`, of which `{user}` is made; where one source feeds two targets, "
            "gradients cannot be carried over"
        )
        return Told(reason)
    if same:
        return Told(f"it has the values of `{same[0]}`, {_order(target)}")
    positions = pool.find(target.values)
    known = positions >= 0
    if known.mean() < _COINCIDENCE:
        return None
    owners, counts = np.unique(pool.owners(positions)[known], return_counts=True)
    source = pool.names[int(owners[counts.argmax()])]
    some = f"{int(counts.max())} of its {target.values.size} values are in `{source}`"
    if known.all():
        return Told(f"{some}, {_order(target)}", source)
    missing = [int(i) for i in np.unravel_index(int((~known).argmax()), known.shape)]
    return Told(f"{some}; the first that is in no source, or in several places, is that at {missing}", source)


def _order(target: Tensor) -> str:
    if target.values.size < FEW_ENTRIES:
        return "in another order, which of so few values a shuffle could have too; write the entry if it is meant"
    return "in an order that views, slices and permutations of axes do not give"
