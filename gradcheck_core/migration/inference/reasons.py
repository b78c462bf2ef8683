"""Why a target was not found: what its values tell."""

from dataclasses import dataclass
from typing import final

import numpy as np

from ..tensors import Tensor
from .by_values import FEW_ENTRIES
from .ledger import Ledger
from .lookup import ValuePool
from .whole import group_by_contents

_COINCIDENCE = 0.1
"""Share of values that unlike tensors have in common by chance, at most: float32 has only 2**24 fractions."""


@final
@dataclass(frozen=True, slots=True)
class Reason:
    """Why a target was not found, in a sentence; and the source that has many of its values, if there is one."""

    reason: str
    source: str | None = None


def gather_evidence(ledger: Ledger) -> dict[str, Reason]:
    """What the values tell about every target that is not found; targets whose values tell nothing are left out."""
    names = [name for name in ledger.open_targets() if not ledger.targets[name].is_constant]
    if not names:
        return {}
    pool = ValuePool(ledger.values, ledger.precision)
    contents = group_by_contents(ledger.sources.values(), ledger.precision)
    targets = group_by_contents((ledger.targets[name] for name in names), ledger.precision)
    same = {name: contents.get(key, []) for key, group in targets.items() for name in group}
    told = {name: _explain_values(ledger, name, pool, same[name]) for name in names}
    return {name: one for name, one in told.items() if one is not None}


def explain_without_evidence(ledger: Ledger, name: str) -> str:
    """The reason for a target whose values tell nothing."""
    target = ledger.targets[name]
    if target.is_constant:
        number = f"{target.values.reshape(-1)[0] + 0.0:.6g}"
        return f"its entries are all {number}, and no unused source of such a shape has that"
    return "no source has its values, and no two sources add up to them"


def _explain_values(ledger: Ledger, name: str, pool: ValuePool, same: list[str]) -> Reason | None:
    target = ledger.targets[name]
    users = [(source, user) for source in same for user in ledger.used_by(source)]
    if users:
        source, user = users[0]
        reason = (
            f"it has the values of `{source}`, which is used for `{user}`; gradients cannot be carried over where one "
            "source feeds two targets"
        )
        return Reason(reason)
    if same:
        return Reason(f"it has the values of `{same[0]}`, {_say_order(target)}")
    positions = pool.find(target.values)
    known = positions >= 0
    if known.mean() < _COINCIDENCE:
        return None
    owners, counts = np.unique(pool.owners(positions)[known], return_counts=True)
    source = pool.names[int(owners[counts.argmax()])]
    some = f"{int(counts.max())} of its {target.values.size} values are in `{source}`"
    if known.all():
        return Reason(f"{some}, {_say_order(target)}", source)
    missing = [int(i) for i in np.unravel_index(int((~known).argmax()), known.shape)]
    return Reason(f"{some}; the first that is in no source, or in several places, is that at {missing}", source)


def _say_order(target: Tensor) -> str:
    if target.values.size < FEW_ENTRIES:
        return "in another order, as a shuffle of so few values could have by chance; write the entry if it is meant"
    return "in an order that views, slices and permutations of axes do not give"
